"""What the tests of the data share: a machine without any, and one tiny file."""

import pytest

from rnnsweep.data import imdb
from tests.helpers.reviews import write_npz


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine without IMDB, network or cache."""
    monkeypatch.setenv("RNNSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("RNNSWEEP_DATA", raising=False)
    monkeypatch.setattr(imdb, "URL", "http://127.0.0.1:9/imdb.npz")


@pytest.fixture
def tiny(tmp_path):
    return write_npz(tmp_path / "tiny.npz")
