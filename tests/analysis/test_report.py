import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from analysis import report
from analysis.document import GENERATED
from analysis.sections.commands import REPORT_COMMAND
from rnnsweep.ledger import CONTRACT, EPOCH_COLUMNS, Ledger, Record
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec
from tests.helpers.ledgers import EMBEDDED, IMDB, PUBLISHED, put

ROOT = Path(__file__).parents[2]
TABLES = (
    "trials", "epochs", "claims", "parts", "pairs", "leaderboard", "failures", "validation", "baselines",
    "calibration", "spread", "costs", "importance", "lengths", "truncated",
)  # fmt: skip


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Return a ledger with a system of two seeds, one of one, a generated grid, and trials that did not finish."""
    ledger = Ledger(tmp_path_factory.mktemp("mixed") / "results")
    for seed, test in ((1, 0.7), (2, 0.8)):
        put(ledger, SYSTEMS["gru-3x-1k"].replace(seed=seed, **IMDB), test=test)
    put(ledger, SYSTEMS["rnn-2x-10k"].replace(**IMDB), test=0.6)
    for cell in ("gru", "lstm"):
        for max_len in (40, 80):
            put(ledger, Spec(cell=cell, max_len=max_len, epochs=2, **EMBEDDED), real=False)
    put(ledger, Spec(seed=7, **IMDB), "failed")
    put(ledger, Spec(seed=8, **IMDB), "diverged", error="the loss is not finite in epoch 3")
    put(ledger, Spec(seed=9, **IMDB), "unfinished")
    return ledger


@pytest.fixture(scope="module")
def written(mixed, tmp_path_factory):
    out = tmp_path_factory.mktemp("written")
    assert report.main(["--results", mixed.uri, "--out", str(out)]) == 0
    return out


def made(ledger):
    """Return report.html and report.md of a ledger as text."""
    found = report.report(ledger.load(), ledger.predictions)
    return found["report.html"].decode(), found["report.md"].decode()


class Page(HTMLParser):
    """What a page loads, links and marks."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.ids, self.larger, self.rows = [], [], [], [], []
        self._cell = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        if tag == "a":
            self.links.append(given["href"])
        else:
            self.loads += [given[name] for name in ("src", "href", "srcset", "data") if name in given]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append(("", given.get("class")))
            self._cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data):
        if self._cell:
            text, marked = self.rows[-1][-1]
            self.rows[-1][-1] = (text + data, marked)


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_ledger_gives_the_same_bytes_wherever_it_lies(mixed, written, tmp_path):
    shutil.copytree(mixed.uri, tmp_path / "elsewhere")
    assert report.main(["--results", str(tmp_path / "elsewhere"), "--out", str(tmp_path / "deep" / "out")]) == 0
    assert files_of(tmp_path / "deep" / "out") == files_of(written)


def test_two_processes_write_the_bytes_of_one(mixed):
    contents = mixed.load()
    assert report.report(contents, mixed.predictions, processes=2) == report.report(contents, mixed.predictions)


def test_the_report_names_no_path_of_a_machine(mixed, written):
    for name in ("report.html", "report.md"):
        assert str(Path(mixed.uri).parent) not in (written / name).read_text()


def test_all_files_of_the_contract_are_written_and_no_others(written):
    names = set(files_of(written))
    assert {"report.html", "report.md", *(f"tables/{name}.csv" for name in TABLES)} < names
    named = r"figures/[\w-]+\.png|tables/\w+\.(csv|tex)|tables/trials\.parquet|report\.(html|md)"
    assert all(re.fullmatch(named, name) for name in names)


def test_the_tables_begin_with_the_contracts_columns(written):
    assert list(pd.read_csv(written / "tables/trials.csv").columns[: len(CONTRACT)]) == CONTRACT
    assert list(pd.read_csv(written / "tables/epochs.csv").columns[: len(EPOCH_COLUMNS)]) == EPOCH_COLUMNS
    first = (written / "tables/claims.csv").read_text().splitlines()[0]
    assert first.startswith("claim,family,effect,low,high,p,p_holm,seeds,reviews,df,smallest,verdict,")
    first = (written / "tables/baselines.csv").read_text().splitlines()[0]
    assert first.startswith("model,num_words,max_len,val_accuracy,test_accuracy,seconds,")


def test_each_trial_is_a_row_of_the_csv_and_of_the_page_failed_ones_too(mixed, written):
    trials = pd.read_csv(written / "tables/trials.csv")
    assert sorted(trials["status"].unique()) == ["diverged", "failed", "finished", "unfinished"]
    html, markdown = (written / "report.html").read_text(), (written / "report.md").read_text()
    for key in mixed.load().trials["key"]:
        assert f"<td>{key}</td>" in html
        assert f"| {key} |" in markdown
    assert "MemoryError: no &lt;room&gt; for a|b" in html
    assert "MemoryError: no &lt;room> for a\\|b" in markdown


def test_markdown_shows_each_figure_that_is_written_and_no_other(written):
    shown = set(re.findall(r"\]\((figures/[^)]+)\)", (written / "report.md").read_text()))
    assert shown == {name for name in files_of(written) if name.startswith("figures/")}


def test_the_page_loads_nothing_but_what_it_carries(written):
    page = Page((written / "report.html").read_text())
    assert page.loads
    assert all(address.startswith("data:") for address in page.loads)
    assert "@import" not in (written / "report.html").read_text()
    assert "url(" not in (written / "report.html").read_text()


def test_each_link_of_the_page_leads_somewhere(written):
    page = Page((written / "report.html").read_text())
    assert page.links
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_each_figure_on_disk_is_a_drawing_in_the_page_with_words_for_it(written):
    inside = re.findall(
        r'<figure id="figure-([^"]+)"><svg role="img" aria-label="[^"]', (written / "report.html").read_text()
    )
    on_disk = [name for name in files_of(written) if name.startswith("figures/")]
    assert sorted(f"figures/{name}.png" for name in inside) == on_disk


def test_generated_data_is_called_so_at_the_top_and_at_its_figures(written):
    html, markdown = (written / "report.html").read_text(), (written / "report.md").read_text()
    assert html.index("Some of the data is generated") < html.index('id="systems"')
    for text in (html, markdown):
        alts = re.findall(r'(?:img" aria-label="|!\[)([^"\]]*embedded[^"\]]*)', text)
        assert alts
        assert all("generated reviews, not real ones" in alt for alt in alts)


def test_a_report_of_real_data_alone_speaks_of_no_generated_data(ledger):
    put(ledger, SYSTEMS["gru-3x-1k"].replace(**IMDB))
    for text in made(ledger):
        assert GENERATED not in text
        assert "Generated" not in text
        assert "is generated" not in text


@pytest.mark.usefixtures("unrendered")
def test_the_larger_value_is_red_exactly_once_per_row(ledger):
    put(ledger, SYSTEMS["rnn-2x-10k"].replace(**IMDB), train=0.95, val=0.81, test=0.8)
    put(ledger, SYSTEMS["rnn-3x-1k"].replace(**IMDB), train=0.85, val=0.75, test=0.7)
    html, markdown = made(ledger)
    section = html[html.index("Simple RNN Conclusion") : html.index("GRU Conclusion")]
    marked, row = {}, ""
    for cells in Page(section).rows[1:]:
        row = cells[0][0] or row
        marked[row, cells[1][0]] = [text for text, name in cells if name == "larger"]
    assert marked["training", "published"] == ["0.98"]
    assert marked["training", "measured"] == ["0.9500 (n=1)"]
    assert marked["testing", "measured"] == ["0.8100 (n=1)"]
    assert marked["test set (all of it)", "measured"] == ["0.8000 (n=1)"]
    assert marked["load_data(num_words=)", "measured"] == ["10,000"]
    assert marked["pad_sequences(maxlen=)", "measured"] == []
    assert "| training | published | **0.98** | 0.75 |" in markdown
    assert "|  | measured | **0.9500 (n=1)** | 0.8500 (n=1) |" in markdown


def test_an_empty_ledger_is_a_report_that_says_what_is_missing(tmp_path):
    (tmp_path / "results").mkdir()
    assert report.main(["--results", str(tmp_path / "results"), "--out", str(tmp_path / "out")]) == 0
    for name in ("report.html", "report.md"):
        text = (tmp_path / "out" / name).read_text()
        assert "The ledger is empty" in text
        assert "does not state its optimizer" in text
        assert REPORT_COMMAND in text
        assert "None of the eight networks of the original report is in this ledger" in text
    assert pd.read_csv(tmp_path / "out/tables/trials.csv").empty


@pytest.mark.usefixtures("unrendered")
def test_a_partial_ledger_shows_what_is_there_and_the_command_for_the_rest(ledger):
    put(ledger, SYSTEMS["gru-3x-1k"].replace(epochs=2, reviews=5000, **IMDB))
    put(ledger, SYSTEMS["lstm-1x-1k"].replace(epochs=2, reviews=5000, **IMDB), "unfinished")
    html, markdown = made(ledger)
    assert "2 of 10 epochs, 5,000 of 25,000 reviews" in markdown
    assert "7 of the eight systems have no finished trial" in markdown
    assert "> Not trained (trials: 1 unfinished): `python sweeps/one.py --system lstm-1x-1k`" in markdown
    assert "imdb, first 5,000 reviews, 2 epochs: 1 of 8 systems, 1 finished trial of 2" in html


@pytest.mark.usefixtures("unrendered")
def test_of_several_variants_one_is_shown_and_the_others_are_named(ledger):
    put(ledger, SYSTEMS["gru-3x-1k"].replace(**IMDB))
    put(ledger, SYSTEMS["gru-3x-1k"].replace(epochs=2, **IMDB))
    markdown = made(ledger)[1]
    assert "shown as trained on:** imdb, all reviews, the published epochs" in markdown
    assert "- imdb, all reviews, 2 epochs: 1 of 8 systems, 1 finished trial of 1" in markdown


@pytest.mark.usefixtures("unrendered")
def test_half_written_and_foreign_files_are_named(ledger):
    spec = SYSTEMS["gru-3x-1k"].replace(**IMDB)
    put(ledger, spec)
    ledger.record(spec.key).write(Record.RESULT, b'{"status": "fin')
    ledger.write_file("notes/todo.txt", b"mine")
    for text in made(ledger):
        assert f"{spec.key}/result.json: half-written" in text
        assert "notes/todo.txt: not a file of a ledger" in text


def test_a_trial_without_predictions_is_reported_without_its_confusion_matrix(ledger):
    spec = SYSTEMS["gru-3x-1k"].replace(**IMDB)
    put(ledger, spec)
    ledger.record(spec.key).remove(Record.PREDICTIONS)
    found = report.report(ledger.load(), ledger.predictions)
    assert b"No predictions of this trial" in found["report.md"]
    assert "figures/gru-3x-1k-accuracy.png" in found
    assert "figures/gru-3x-1k-confusion.png" not in found


def test_the_confusion_matrix_is_of_the_median_seed(written):
    for name in ("report.html", "report.md"):
        text = (written / name).read_text()
        gru, *_ = re.findall(r"seed \d+, the median of \d+ seeds", text)  # the first network of several seeds
        assert gru == "seed 1, the median of 2 seeds"  # 0.7 and 0.8: the lower of two


def test_the_published_report_stands_beside_the_measured_one(written):
    markdown = (written / "report.md").read_text()
    assert "| 0 (negative) | 0.50 | 0.50 | 0.50 | 2 | 0.91 | 0.79 | 0.85 | 12,500 |" in markdown
    assert "| accuracy |  |  | 0.50 | 4 |  |  | 0.86 | 25,000 |" in markdown


def test_the_log_stands_beside_the_published_one(written):
    row = "| 1 | 1.0000 ± 0.0000 | 0.9000 ± 0.0000 | 0.5000 ± 0.0000 | 0.3500 ± 0.0000 | 2.0 ± 0.0 | 0.5794 | 0.6801 "
    assert row in (written / "report.md").read_text()


def test_each_claim_is_quoted_in_both_languages_with_its_verdict(written):
    markdown = (written / "report.md").read_text()
    for table in PUBLISHED["conclusions"].values():
        for text in table["claims"]:
            assert f". {text}\n" in markdown
    assert "> 整體來說，2層RNN比3層RNN表現的好。" in markdown
    assert "| controlled | LSTM − GRU | +0.00 | — |" in markdown
    assert "about the generated corpus, not about the original's reviews" in markdown


def run(*arguments, cwd):
    command = [sys.executable, str(ROOT / "analysis" / "report.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_results_that_do_not_exist_are_one_line_with_the_command_that_makes_them(tmp_path):
    done = run("--results", "my results", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "analysis/report.py: there are no results at my results; make them: rnnsweep grid --results 'my results'\n"
    )


def test_the_command_prints_the_paths_it_wrote(mixed, tmp_path):
    done = run("--results", mixed.uri, "--out", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    tables = [line for line in lines if line.startswith("out/tables/")]
    papers = {f"out/tables/{name}.tex" for name in TABLES[2:]}  # trials and epochs are data, not tables
    assert {f"out/tables/{name}.csv" for name in TABLES} | papers | {"out/tables/trials.parquet"} == set(tables)
    assert lines[: len(tables)] == tables
    assert lines[len(tables) : -1] == ["out/report.html", "out/report.md"]
    assert re.fullmatch(r"out/figures \(\d+ figures\)", lines[-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--colour", "red"], "unrecognized arguments: --colour red"),
        (["--results", "ftp://host/x"], "results ftp://host/x: "),
        (["--results", "{file}"], "there are no results at "),
        (
            ["--results", "{results}", "--out", "{file}"],
            "file.txt/tables: Not a directory; give another --results or --out",
        ),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(arguments, message, tmp_path, capsys):
    (tmp_path / "results").mkdir()
    (tmp_path / "file.txt").write_text("x")
    places = {"file": tmp_path / "file.txt", "results": tmp_path / "results"}
    with pytest.raises(SystemExit) as stopped:
        report.main([argument.format(**places) for argument in arguments])
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert message in error
    assert error.count("\n") == 1


def test_an_interrupted_write_leaves_the_old_report_and_no_half_file(tmp_path, monkeypatch):
    report.write({"report.html": b"old"}, tmp_path)
    monkeypatch.setattr(Path, "replace", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        report.write({"report.html": b"new"}, tmp_path)
    assert files_of(tmp_path) == {"report.html": b"old"}


LATE = ("matplotlib", "pandas", "sklearn", "scipy", "ray", "keras", "tensorflow", "optuna", "torch")


@pytest.mark.parametrize("words", ["--help", "--colour"])
def test_understanding_the_command_loads_nothing_that_only_a_report_needs(words, tmp_path):
    code = (
        "import atexit, runpy, sys; "
        f"atexit.register(lambda: print([name for name in {LATE!r} if name in sys.modules])); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(ROOT / "analysis" / "report.py"), words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"


def test_writing_a_report_loads_no_training_library(mixed, tmp_path):
    code = (
        "import sys; from analysis.report import main; main(sys.argv[1:]); "
        "print(sorted({'tensorflow', 'keras', 'ray', 'optuna', 'torch'} & {m.split('.')[0] for m in sys.modules}))"
    )
    command = [sys.executable, "-c", code, "--results", mixed.uri, "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_page_opens_in_a_browser_with_every_image_and_no_error(browser, written):
    browser.get((written / "report.html").as_uri())
    widths = browser.execute_script(
        "return [...document.querySelectorAll('figure > svg')].map(drawing => drawing.getBBox().width)"
    )
    assert len(widths) == len(list((written / "figures").glob("*.png")))
    assert min(widths) > 0
    assert browser.get_log("browser") == []
    assert (
        browser.execute_script(
            "return performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).length"
        )
        == 0
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_page(browser, written, theme):
    axe = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    (script,) = Path(axe.__file__).parent.rglob("axe.min.js")
    scheme = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
    browser.get((written / "report.html").as_uri())
    browser.execute_script(script.read_text())
    browser.set_script_timeout(120)
    found = browser.execute_async_script("axe.run().then(found => arguments[0](found.violations))")
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not [(one["id"], one["nodes"][0]["html"][:200], len(one["nodes"])) for one in grave]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("width", [400, 1200])
def test_the_page_never_scrolls_sideways(browser, written, width):
    # A window of a browser has a least width; a frame has none.
    browser.get((written / "report.html").as_uri())
    browser.set_window_size(width, 900)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    page = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert page[0] <= page[1] == width


def test_the_parquet_holds_what_the_csv_does(written):
    frame, text = pd.read_parquet(written / "tables/trials.parquet"), pd.read_csv(written / "tables/trials.csv")
    assert list(frame.columns) == list(text.columns)
    assert frame["key"].tolist() == text["key"].astype(str).tolist()
    assert frame["test_accuracy"].tolist() == pytest.approx(text["test_accuracy"].tolist(), nan_ok=True)
