"""A cell of the user's own, `module:Layer`: trained by the Keras layers, known by its source, and asked."""

import sys

import pytest

from rnnsweep.cli import grid as commands
from rnnsweep.errors import UserError
from rnnsweep.ledger import Ledger
from rnnsweep.network.model import build
from rnnsweep.network.packed.network import supports
from rnnsweep.spec import Spec, SpecError
from rnnsweep.use.chosen import UseError
from rnnsweep.use.export import export
from rnnsweep.use.predict import predict

SOURCE = """
import keras

@keras.saving.register_keras_serializable("mine")
class Relu(keras.layers.SimpleRNN):
    def __init__(self, units, activation="relu", **options):
        super().__init__(units, activation=activation, **options)

def relu(units):
    return Relu(units)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Return the file of a module `mine` in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "path_importer_cache", {})
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    (tmp_path / "mine.py").write_text(SOURCE)
    yield tmp_path / "mine.py"
    sys.modules.pop("mine", None)


def test_a_layer_of_ones_own_is_known_by_its_name_and_its_source(mine):
    spec = Spec(cell="mine:Relu")
    assert (spec.cell, spec.own_layer, len(spec.own_sha256)) == ("own", "mine:Relu", 64)
    assert Spec.from_json(spec.to_json()) == spec.replace(cell="mine:Relu") == spec
    assert spec.flags()[:2] == ["--cell", "mine:Relu"]
    assert spec.label().startswith("Relu 100")
    assert spec.replace(cell="gru") == Spec()
    assert not supports(spec)
    mine.write_text(SOURCE + "# changed\n")
    assert Spec(cell="mine:Relu").key not in (spec.key, Spec().key)
    assert Spec.from_json(spec.to_json()).key == spec.key
    with pytest.raises(UserError, match=r"the source of mine:Relu is another one .*; give its old source, or train it"):
        build(spec)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("nowhere:Layer", "cell is nowhere:Layer, but no module nowhere is in this folder or installed; give module:L"),
        ("own", "cell is 'own'; give simple_rnn, gru, lstm, forget or mingru, or module:Layer, a Keras layer of"),
        ("mine:", "cell is 'mine:'; give simple_rnn"),
    ],
)
def test_a_layer_that_there_is_not_is_named_in_one_line(mine, cell, message):
    with pytest.raises(SpecError, match=message):
        Spec(cell=cell)


def test_what_is_no_layer_or_fails_when_it_is_imported_is_named_in_one_line(mine):
    with pytest.raises(UserError, match=r"cell mine:relu is no Keras layer; name a subclass of keras\.layers\.Layer"):
        build(Spec(cell="mine:relu"))
    mine.write_text("import nothing_of_that_name as Relu\n")
    sys.modules.pop("mine", None)
    with pytest.raises(UserError, match=r"cell mine:Relu cannot be imported \(No module named 'nothing_of_that"):
        build(Spec(cell="mine:Relu"))


def test_a_module_that_ends_its_process_ends_no_other(mine):
    spec = Spec(cell="mine:Relu")
    mine.write_text("Relu = None\nraise SystemExit(3)\n")
    with pytest.raises(UserError, match=r"cell mine:Relu cannot be imported \(SystemExit\(3\)\)"):
        build(spec)
    with pytest.raises(SpecError, match=r"no module mine\.py is in this folder"):  # it is run to look into it
        Spec(cell="mine.py:Relu")


def test_it_is_trained_by_the_keras_layers_as_the_plan_says_and_predicts_but_is_not_exported(mine, trained, capsys):
    flags = [
        "--data", str(trained / "reviews.csv"), "--results", "results", "--cell", "mine:Relu", "--units", "4",
        "--embedding-dim", "3", "--num-words", "16", "--max-len", "8", "--batch-size", "8", "--epochs", "1",
        "--bidirectional", "--segment", "4", "--pooling", "max", "--in-process", "--no-baselines",
    ]  # fmt: skip
    assert commands.grid("A grid.", flags) == 0
    said = capsys.readouterr().out
    assert "1 of these on the Keras layers (mine:Relu: a layer of your own), about 4 times slower" in said
    ledger = Ledger("results")
    assert set(ledger.load().trials["path"]) == {"keras"}
    assert predict(ledger, ["a great film"])["class"][0] in ("neg", "pos")
    with pytest.raises(UseError, match="a layer of your own, whose source no exported model holds; predict answers"):
        export(ledger, None, mine.parent / "out")


BROKEN = """
import keras

class Broken(keras.layers.Layer):
    def __init__(self, units, return_sequences=False, name=None):
        super().__init__(name=name)

    def call(self, sequences):
        """


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('of\\nno use')", r"Broken makes no network \(ValueError: .*of no use.*\); a layer is made"),
        ("raise SystemExit(3)", r"cell mine:Broken makes no network \(SystemExit: 3\); a layer is made with units"),
        ("return None", r"cell mine:Broken makes no network \(ValueError: Inputs to a layer should be tensors"),
        ("return sequences", r"cell mine:Broken gives \[None, 500, 32\] instead of \[texts, channels\], texts None"),
    ],
)  # fmt: skip
def test_a_layer_that_makes_no_network_is_named_with_what_it_said(mine, body, message):
    mine.write_text(BROKEN + body)
    with pytest.raises(UserError, match=message) as error:
        build(Spec(cell="mine:Broken", units=(4,)))
    assert len(str(error.value).splitlines()) == 1
