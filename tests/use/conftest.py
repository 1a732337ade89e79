"""A ledger of tiny trained networks on a file of texts, made once for all tests of their use."""

import random
import shutil

import pytest

from rnnsweep.cli import grid as commands
from rnnsweep.ledger import Ledger

GOOD, BAD = ["great", "lovely", "fine", "superb"], ["awful", "dull", "poor", "boring"]
NEUTRAL = ["the", "film", "plot", "scene"]
FLAGS = [
    "--units", "4", "--embedding-dim", "3", "--num-words", "16", "--max-len", "8", "--batch-size", "8",
    "--epochs", "2", "--learning-rate", "0.02", "--depth", "1", "--in-process", "--no-baselines",
]  # fmt: skip


def texts(count):
    """Return so many texts, by turns bad and good, each with a word that no other has."""
    chance = random.Random(1)
    found = []
    for i in range(count):
        words = [*chance.choices(GOOD if i % 2 else BAD, k=3), *chance.choices(NEUTRAL, k=3), f"n{i}"]
        chance.shuffle(words)
        found.append((" ".join(words), "pos" if i % 2 else "neg"))
    return found


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return the folder that holds reviews.csv and, in results, its trained networks: GRUs of two seeds, one LSTM."""
    folder = tmp_path_factory.mktemp("use")
    rows = "".join(f"{text},{label}\n" for text, label in texts(60))
    (folder / "reviews.csv").write_text("review,sentiment\n" + rows)
    data = ["--data", str(folder / "reviews.csv"), "--results", str(folder / "results")]
    assert commands.grid("A grid.", [*data, *FLAGS, "--cell", "gru", "--seeds", "2"]) == 0
    assert commands.grid("A grid.", [*data, *FLAGS, "--cell", "lstm"]) == 0
    assert commands.grid("A grid.", [*data, *FLAGS, "--cell", "simple_rnn", "--bidirectional", "--pooling", "max"]) == 0
    return folder


@pytest.fixture(scope="session")
def flags():
    """Return the flags of the trained networks, but for their cells and seeds."""
    return FLAGS


@pytest.fixture
def results(trained, tmp_path):
    """Return a copy of the results, to be changed."""
    shutil.copytree(trained / "results", tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def keys(trained):
    """Return the keys of the trials by cell and seed."""
    specs = Ledger(trained / "results").load().specs
    return {(spec.cell, spec.seed): key for key, spec in specs.items()}
