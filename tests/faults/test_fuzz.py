"""Anything at all in a file of data or of a ledger: what comes out is what it holds, or one line for the user.

`make fuzz` tries a thousand times as many, at random.
"""

import os
import resource
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnsweep.cli.flags import Parser, add_spec_flags, given_fields
from rnnsweep.data.imdb import load_npz
from rnnsweep.data.load import understood
from rnnsweep.data.reading import Reading
from rnnsweep.data.stream import Source, stream
from rnnsweep.data.vectors import read_vectors
from rnnsweep.errors import UserError
from rnnsweep.ledger import Ledger, Record
from rnnsweep.spec import Spec, SpecError
from tests.helpers import wrong
from tests.helpers.properties import quick

TRIES = os.environ.get("RNNSWEEP_FUZZ")
some = settings(quick, max_examples=int(TRIES or 25), derandomize=not TRIES)
MEMORY = 2**20  # KiB that a reader of a few KiB may add to what this process takes at most


def changed(valid):
    """Return a strategy of what is left of these bytes after some were cut, changed, doubled or put between."""
    at = st.integers(0, len(valid))
    piece = st.one_of(st.binary(max_size=8), st.sampled_from([b"\xff" * 8, b"\0" * 8, b"9" * 30, b"[" * 2000, b'"']))
    return st.lists(st.tuples(at, at, piece), min_size=1, max_size=4).map(lambda edits: _edited(valid, edits))


def _edited(valid, edits):
    for start, end, piece in edits:
        if start % 3 == 0:  # a cut or a doubling, wherever it ends
            valid = valid[:start] + piece + valid[end:]
        else:
            valid = valid[:start] + piece + valid[start + len(piece) :]
    return valid


FILES = {name: content if isinstance(content, bytes) else content.encode() for name, content in wrong.valid().items()}


def read_data(path):
    """Have every reader that may take the file read it."""
    if path.suffix == ".npz":
        return [load_npz(path)]
    if path.suffix == ".vec":
        return [read_vectors(path, ["film", "bad"])]
    return [understood(path, Reading()), list(stream(Source(path, text_column="text")))]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_anything_is_read_or_refused_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @some
    @given(changed(FILES[name]))
    def check(content):
        path = tmp_path / name
        path.write_bytes(content)
        said = "read"
        try:
            with warnings.catch_warnings(action="ignore"):  # of the libraries that unpack
                read_data(path)
        except UserError as error:
            said = str(error)
        assert len(said.splitlines()) == 1
        assert len(said) < 1000

    check()
    assert not (tmp_path / "unpickled").exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


RECORDS = [Record.SPEC, Record.RESULT, Record.EPOCHS, Record.SEARCH, Record.PREDICTIONS, Record.ERROR]
RECORDS += ["plan.json", "data.json", "studies/s.json", "index.parquet"]


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_of_anything_hides_no_other_trial(tmp_path, name):
    ledger = Ledger(tmp_path)
    wrong.kept(tmp_path)
    wrong.searched(ledger)
    bad, good = wrong.TRIALS["done"].key, wrong.TRIALS["other"].key
    path = tmp_path / (name if "/" in name or name in ("plan.json", "data.json", "index.parquet") else f"{bad}/{name}")
    valid = path.read_bytes() if path.exists() else b"Traceback\nMemoryError\n"

    @some
    @given(changed(valid))
    def check(content):
        path.write_bytes(content)
        again = Ledger(tmp_path)
        frames = again.load()
        again.predictions(bad)
        again.suggestions("s")
        assert good in set(frames.trials["key"])
        assert all(len(line.splitlines()) == 1 for line in frames.warnings)

    check()


FIELDS = {
    "cell": st.sampled_from(["simple_rnn", "gru", "lstm", "forget"]),
    "units": st.lists(st.integers(1, 10**6), min_size=1, max_size=4).map(tuple),
    "bidirectional": st.booleans(),
    "pooling": st.sampled_from(["last", "mean"]),
    "embedding_dim": st.integers(0, 10**6),
    "num_words": st.integers(4, 10**9),
    "max_len": st.integers(1, 10**9),
    "dropout": st.floats(0, 1, exclude_max=True),
    "batch_size": st.integers(1, 10**9),
    "validation": st.one_of(st.floats(0.01, 0.99), st.sampled_from(["first_batch", "test", "grouped"])),
    "epochs": st.integers(1, 10**9),
    "optimizer": st.sampled_from(["adam", "rmsprop", "sgd"]),
    "learning_rate": st.floats(1e-30, 1e30),
    "seed": st.integers(0, 2**32 - 1),
    "reviews": st.one_of(st.none(), st.integers(2, 10**9)),
}


@some
@given(st.fixed_dictionaries({}, optional=FIELDS))
def test_a_spec_is_the_same_after_json_and_after_its_flags(fields):
    spec = Spec(**fields)
    assert Spec.from_json(spec.to_json()) == spec
    assert Spec.from_json(spec.to_json()).key == spec.key
    parser = Parser("x")
    add_spec_flags(parser)
    assert Spec(**given_fields(parser.parse_args(spec.flags()))) == spec


@some
@given(changed(Spec(units=(4, 3), validation="grouped").to_json().encode()))
def test_a_spec_of_anything_is_a_spec_or_refused(content):
    try:
        spec = Spec.from_json(content)
    except SpecError:
        return
    assert Spec.from_json(spec.to_json()) == spec
