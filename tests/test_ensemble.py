"""The ensemble of a ledger's networks: chosen on validation texts, tested on the others, paid for by all members."""

import numpy as np
import pytest

from rnnsweep.ensemble import ensemble as chosen
from rnnsweep.ensemble import greedy
from rnnsweep.ledger import Ledger, Record
from rnnsweep.network.output import output_of
from rnnsweep.spec import Spec

LABELS = np.array([0, 0, 0, 1, 1, 1], np.uint8)
# Each is wrong about another text, and the third about most.
SAYS = {
    1: [0.2, 0.2, 0.7, 0.8, 0.8, 0.8],
    2: [0.7, 0.2, 0.2, 0.8, 0.8, 0.8],
    3: [0.9, 0.9, 0.9, 0.1, 0.1, 0.1],
}


def ensemble(ledger, specs):
    """Return what the ledger's frames and predictions give of these specs."""
    return chosen(ledger.load(), ledger.predictions, [spec.key for spec in specs])


def put(ledger, seed, says, **fields):
    """Write a finished trial that predicts this of the validation texts, and the same of the test texts."""
    spec = Spec(seed=seed, **fields)
    predicted = np.array(says, np.float16)
    arrays = {"label": LABELS, "best": predicted, "last": predicted}
    row = {"status": "finished", "class_names": ["a", "b"], "seconds": 2.0, "params": 10}
    row["val_accuracy"] = float(((predicted > 0.5) == LABELS).mean())
    record = ledger.record(spec.key)
    record.write(Record.SPEC, spec.to_json().encode())
    record.write_arrays(Record.PREDICTIONS, arrays | {"validation": predicted, "validation_label": LABELS})
    record.write_json(Record.RESULT, row)
    return spec


def test_those_are_chosen_whose_mean_is_better_than_each_and_their_costs_are_added(tmp_path):
    ledger = Ledger(str(tmp_path))
    specs = [put(ledger, seed, says) for seed, says in SAYS.items()]
    found = ensemble(ledger, specs)
    assert set(found.members) == {specs[0].key, specs[1].key}
    assert found.val_accuracy == found.test_accuracy == 1
    assert (found.seconds, found.params) == (4, 20)
    assert ensemble(ledger, specs[::2]) is None, "the worse one does not help"


def test_trials_that_were_validated_on_other_texts_or_on_the_test_set_do_not_count(tmp_path):
    ledger = Ledger(str(tmp_path))
    specs = [put(ledger, 1, SAYS[1]), put(ledger, 2, SAYS[2], validation=0.3)]
    assert ensemble(ledger, specs) is None
    assert ensemble(ledger, [put(ledger, seed, SAYS[seed], validation="test") for seed in (1, 2)]) is None


def test_a_certain_probability_of_half_precision_is_no_infinite_logit(tmp_path):
    ledger = Ledger(str(tmp_path))
    specs = [put(ledger, 1, [0, 0, 1, 1, 1, 1]), put(ledger, 2, [1, 0, 0, 1, 1, 1])]
    found = ensemble(ledger, specs)
    assert np.isfinite(found.test_loss)
    assert found.test_accuracy == 1


@pytest.mark.parametrize("output", [output_of(3), output_of(3, multilabel=True)], ids=["softmax", "sigmoids"])
def test_of_other_outputs_the_mean_of_two_is_chosen_where_it_is_better(output):
    random = np.random.default_rng(0)
    labels = output.classify(output.probabilities(random.normal(0, 1, (200, 3)).astype(np.float32)))
    truth = (output.targets(labels) - 0.5).astype(np.float32)
    logits = {str(i): truth + random.normal(0, 1, (200, 3)).astype(np.float32) for i in range(3)}
    assert set(greedy(logits, labels, output)) == {"0", "1", "2"}
