"""The original's conclusion tables, measured."""

import numpy as np
import pytest

from analysis.frames.conclusions import WHOLE_TEST_SET, conclusion
from rnnsweep.space import SYSTEMS
from tests.helpers.ledgers import IMDB, PUBLISHED, load, put


def measured(which, ledger):
    trials, epochs = load(ledger)
    frame = conclusion(which, PUBLISHED, trials, epochs)
    return frame.set_index(["row", "source", "column"]).sort_index()


def test_the_larger_value_of_a_row_is_marked_exactly_once(ledger):
    for name, test, val in (("rnn-2x-10k", 0.8, 0.81), ("rnn-3x-1k", 0.7, 0.75)):
        put(ledger, SYSTEMS[name].replace(**IMDB), test=test, val=val)
    frame = measured("simple_rnn", ledger)
    marked = frame["larger"].groupby(level=["row", "source"]).sum().to_dict()
    assert marked.pop(("pad_sequences(maxlen=)", "published")) == 0  # 500 and 500: a tie marks none
    assert marked.pop(("pad_sequences(maxlen=)", "measured")) == 0
    assert marked.pop(("training", "measured")) == 0  # 0.9 and 0.9
    assert marked.pop(("parameters", "measured")) == 0  # 111 and 111
    assert set(marked.values()) == {1}
    assert frame.loc[("testing", "measured", 0), ["value", "larger"]].tolist() == [0.81, True]
    assert frame.loc[(WHOLE_TEST_SET, "measured", 1), ["value", "larger"]].tolist() == [0.7, False]


def test_values_that_print_alike_are_a_tie(ledger):
    put(ledger, SYSTEMS["rnn-2x-10k"].replace(**IMDB), test=0.80001)
    put(ledger, SYSTEMS["rnn-3x-1k"].replace(**IMDB), test=0.80002)
    assert not measured("simple_rnn", ledger).loc[(WHOLE_TEST_SET, "measured"), "larger"].any()


def test_a_value_without_another_to_compare_with_is_not_marked(ledger):
    put(ledger, SYSTEMS["rnn-2x-10k"].replace(**IMDB))
    assert not measured("simple_rnn", ledger).loc[("testing", "measured"), "larger"].any()


def test_several_seeds_show_their_mean_spread_and_number(ledger):
    for seed, val in ((1, 0.7), (2, 0.8)):
        put(ledger, SYSTEMS["lstm-1x-5k"].replace(seed=seed, **IMDB), val=val)
    cell = measured("lstm", ledger).loc[("test", "measured", 0)]
    assert (cell["value"], cell["sd"], cell["n"]) == (pytest.approx(0.75), pytest.approx(0.0707107), 2)


def test_failed_trials_take_no_part_in_a_conclusion(ledger):
    put(ledger, SYSTEMS["lstm-1x-5k"].replace(**IMDB), "failed")
    assert measured("lstm", ledger).loc[("test", "measured", 0), "n"] == 0


def test_the_gru_table_is_measured_at_epoch_4_and_at_the_last_one(ledger):
    put(ledger, SYSTEMS["gru-3x-1k"].replace(**IMDB), val=0.8)  # 10 epochs, 0.05 more in each
    frame = measured("gru", ledger)
    assert frame.loc[("test", "measured, epoch 4", 0), "value"] == pytest.approx(0.5)
    assert frame.loc[("test", "measured, last epoch", 0), "value"] == pytest.approx(0.8)
    assert frame.loc[("num_words=10000, maxlen=80: testing", "published", 0), "text"] == "X"


def test_a_trial_without_epoch_4_leaves_its_cell_empty(ledger):
    put(ledger, SYSTEMS["gru-3x-1k"].replace(epochs=2, **IMDB))
    assert np.isnan(measured("gru", ledger).loc[("test", "measured, epoch 4", 0), "value"])


def test_the_published_figure_with_a_question_mark_counts_as_its_number(ledger):
    cell = measured("lstm", ledger).loc[("test", "published", 1)]
    assert (cell["text"], cell["value"], cell["larger"]) == ("0.90(?)", 0.9, True)
