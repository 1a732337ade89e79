import itertools
import struct

import numpy as np
import pandas as pd
import pytest
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis import figures
from analysis.figures import networks
from analysis.figures.canvas import COLOURS, STYLE, legend, titled


@pytest.fixture
def ax():
    return Figure().subplots()


def points(*lines):
    """Return the frame of `frames.training.curves` with these (source, part, line) of two epochs each."""
    rows = [(source, part, line, epoch, 0.5 + epoch / 10) for source, part, line in lines for epoch in (1, 2)]
    return pd.DataFrame(rows, columns=["source", "part", "line", "epoch", "value"])


CONFUSION = pd.DataFrame([[3, 1], [0, 4]], index=["negative", "positive"], columns=["negative", "positive"])


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_measured_is_solid_and_published_is_dashed(ax):
    figures.curves(
        points(("mean", "training", "mean"), ("published", "training", "published")), ax, "t", "s", "accuracy"
    )
    styles = {line.get_label(): line.get_linestyle() for line in ax.lines}
    assert styles == {"training, measured": "-", "training, published": "--"}


def test_each_seed_is_a_thin_line_of_its_parts_colour_without_a_legend_entry(ax):
    lines = [("seed", "validation", "a"), ("seed", "validation", "b"), ("mean", "validation", "mean")]
    figures.curves(points(*lines), ax, "t", "s", "loss")
    assert {to_hex(line.get_color()) for line in ax.lines} == {COLOURS["validation"]}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["validation, measured"]
    assert {line.get_linewidth(): np.isnan(line.get_ydata()).sum() for line in ax.lines} == {0.8: 1, 2.0: 0}


def test_epochs_are_whole_numbers(ax):
    figures.curves(points(("mean", "training", "mean")), ax, "t", "s", "loss")
    assert all(tick == int(tick) for tick in ax.get_xticks())


def test_the_subtitle_stands_below_the_title(ax):
    titled(ax, "title", "imdb\ngenerated")
    assert "title" in (ax.get_title(loc="center"), ax.get_title(loc="left"))
    assert texts(ax) == ["imdb\ngenerated"]


def test_a_confusion_matrix_shows_counts_and_shares_of_the_true_class(ax):
    figures.confusion(CONFUSION, ax, "t", "s")
    assert texts(ax)[:4] == ["3\n75.0%", "1\n25.0%", "0\n0.0%", "4\n100.0%"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["negative", "positive"]


def test_a_class_without_reviews_draws_no_warning(ax):
    figures.confusion(CONFUSION.mul([0, 1], axis=0), ax, "t", "s")
    assert texts(ax)[0] == "0\n0.0%"


def many(classes, name="class {}"):
    """Return a confusion matrix of so many classes: 90 of each right, 10 taken for the next."""
    names = [name.format(number) for number in range(classes)]
    counts = 90 * np.eye(classes, dtype=int) + 10 * np.roll(np.eye(classes, dtype=int), 1, axis=1)
    return pd.DataFrame(counts, index=names, columns=names)


def test_a_few_classes_have_count_and_share_in_each_cell(ax):
    figures.confusion(many(3), ax, "t", "s")
    assert texts(ax)[:3] == ["90\n90.0%", "10\n10.0%", "0\n0.0%"]


def test_more_classes_have_their_counts_where_they_fit_and_a_bar_of_shares(ax):
    figures.confusion(many(12), ax, "t", "s")
    assert sorted(texts(ax)[:-1]) == ["10"] * 12 + ["90"] * 12
    assert len(ax.figure.axes) == 2


def test_counts_that_do_not_fit_are_left_to_the_colours(ax):
    figures.confusion(many(46) * 1000, ax, "t", "s")
    assert texts(ax) == ["s"]
    assert len(ax.get_yticklabels()) == 46


def test_a_matrix_grows_with_its_classes_up_to_a_page():
    sizes = [figures.confusion_size(many(classes)) for classes in (2, 3, 46, 300)]
    assert sizes[0] == (3.9, 3.4)
    assert sizes == sorted(sizes)
    assert sizes[-1][0] < 17


def test_names_of_classes_are_shortened_and_numbers_where_the_font_lacks_a_sign(ax):
    figures.confusion(many(3, "a very long name of the class {}"), ax, "t", "s")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a very long name of the…"] * 3
    figures.confusion(many(3, "好评{}"), ax, "t", "s")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "2"]


def test_a_dot_has_an_interval_only_where_there_is_one(ax):
    frame = pd.DataFrame(
        {
            "axis": ["cell", "depth"],
            "value": ["GRU", 2],
            "mean": [0.8, 0.7],
            "low": [0.7, np.nan],
            "high": [0.9, np.nan],
        }
    )
    figures.dots(frame, ax, "t", "s")
    assert len(ax.lines) == 2
    assert len(ax.collections) == 1
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["GRU", "depth 2"]
    assert ax.yaxis_inverted()


def test_the_grid_leaves_what_was_not_trained_empty(ax):
    columns = pd.MultiIndex.from_tuples([(1000, 80), (10_000, 500)])
    index = pd.MultiIndex.from_tuples([("GRU", 1), ("LSTM", 3)])
    figures.grid(pd.DataFrame([[0.5, np.nan], [0.75, 0.8]], index, columns), ax, "t", "s")
    assert texts(ax)[:3] == ["0.500", "0.750", "0.800"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1,000\n80", "10,000\n500"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["GRU ×1", "LSTM ×3"]


def test_equal_drawings_are_equal_bytes_without_date_or_version():
    one, two = (figures.drawn(lambda ax: figures.confusion(CONFUSION, ax, "t", "s"), 3, 2) for _ in range(2))
    assert one == two
    assert chunks(one.png).isdisjoint({b"tEXt", b"tIME", b"iTXt", b"zTXt"})


def chunks(png):
    """Return the names of a PNG's chunks."""
    names, at = set(), 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        names.add(png[at + 4 : at + 8])
        at += length + 12
    return names


def test_networks_of_more_kinds_than_there_are_colours_are_all_drawn_and_each_kind_has_a_look_of_its_own(ax):
    names = [f"kind {number}" for number in range(7)]
    frame = pd.DataFrame({"kind": names, "network": names, "seconds": 9.0, "test_accuracy": 0.8})
    frame = frame.assign(front_seconds=False, number=0)
    ensemble = pd.DataFrame({"kind": ["ensemble"], "network": ["mean"], "seconds": [20.0], "test_accuracy": [0.9]})
    networks.costs(frame, ensemble, "seconds", "seconds of a run", ax, "title", "below")
    handles, labels = ax.get_legend_handles_labels()
    assert labels == [*names, "ensemble"]
    looks = {(points.get_facecolor().tobytes(), points.get_paths()[0].vertices.tobytes()) for points in handles}
    assert len(looks) == len(labels)


def test_the_legend_of_the_costs_covers_no_point_and_no_title():
    with style.context(["default", STYLE]):
        ax = Figure(layout="constrained").subplots()
        spots = [(x, y) for x in (1.0, 10.0, 100.0) for y in (0.6, 0.7, 0.8, 0.9)]
        frame = pd.DataFrame(spots, columns=["seconds", "test_accuracy"])
        frame = frame.assign(kind=[f"kind {place % 8}" for place in range(len(spots))], network="n", number=0)
        networks.costs(
            frame.assign(front_seconds=False), frame[:0], "seconds", "seconds of a run", ax, "title", "below"
        )
        FigureCanvasAgg(ax.figure).draw()
        box = ax.get_legend().get_window_extent()
        assert not any(box.contains(x, y) for x, y in ax.transData.transform(spots))
        assert not box.overlaps(ax.xaxis.label.get_window_extent())


def test_the_legend_of_the_costs_is_whole_with_four_cells_and_all_that_stands_beside_them():
    with style.context(["default", STYLE]):
        ax = Figure((4.8, 3.6), layout="constrained").subplots()
        kinds = ["SimpleRNN", "GRU", "LSTM", "ForgetGate", *networks.BESIDE]
        frame = pd.DataFrame({"kind": kinds, "network": "n", "seconds": 9.0, "test_accuracy": 0.8, "number": 0})
        cells, beside = frame[:4].assign(front_seconds=False), frame[4:]
        networks.costs(cells, beside, "seconds", "seconds of a run", ax, "title", "below")
        FigureCanvasAgg(ax.figure).draw()
        box = ax.get_legend().get_window_extent()
        assert 0 <= box.x0 < box.x1 <= ax.figure.bbox.width


def test_the_numbers_of_a_crowded_front_cover_each_other_nowhere_and_each_has_a_line_to_its_point():
    with style.context(["default", STYLE]):
        ax = Figure(layout="constrained").subplots()
        frame = pd.DataFrame({"seconds": np.geomspace(5, 8, 12), "test_accuracy": np.linspace(0.86, 0.87, 12)})
        frame = frame.assign(kind="GRU", network="n", number=range(1, 13), front_seconds=True)
        far = pd.DataFrame({"kind": ["ensemble"], "network": ["mean"], "seconds": [900.0], "test_accuracy": [0.6]})
        networks.costs(frame, far, "seconds", "seconds of a run", ax, "title", "below")
        FigureCanvasAgg(ax.figure).draw()
        # An Annotation's own extent has its line to the point, too.
        boxes = {text.get_text(): Text.get_window_extent(text) for text in ax.texts}
        numbers = [boxes[str(number)] for number in range(1, 13)]
        assert not any(one.overlaps(other) for one, other in itertools.combinations(numbers, 2))
        points = dict(
            zip(map(str, frame["number"]), ax.transData.transform(frame[["seconds", "test_accuracy"]]), strict=True)
        )
        lines = {text.get_text(): text.arrow_patch for text in ax.texts if text.get_text() in points}
        ends = {number: line.get_transform().transform(line.get_path().vertices)[-1] for number, line in lines.items()}
        assert all(np.allclose(ends[number], points[number], atol=1) for number in points)


def test_a_legend_goes_where_no_points_are_of_lines_or_alone(ax):
    ax.scatter([0.9] * 5, [0.1] * 5, label="below, on the right")
    ax.plot([0.05, 0.95], [0.95, 0.95], label="above")
    ax.plot([0.05], [0.4], ".")
    legend(ax)
    FigureCanvasAgg(ax.figure).draw()
    box = ax.get_legend().get_window_extent().transformed(ax.transAxes.inverted())
    assert box.x1 < 0.5
    assert box.y1 < 0.5
