"""A study's database: in a folder of any name, never in memory, never with its password on the screen."""

import os
import shutil
from pathlib import Path

import pytest

from rnnsweep.cli.search import search
from rnnsweep.ledger import Ledger, Record, StoreError
from rnnsweep.search import Goal, SearchError
from rnnsweep.search.search import Search
from rnnsweep.space import search_space
from tests.helpers.searches import go

FIELDS = {"dataset": ["toy"], "data_sha256": ["0" * 64], "cell": ["gru"], "num_words": [500, 1000], "epochs": [2]}


def space():
    return search_space(FIELDS)


@pytest.mark.parametrize("name", ["what?", "50%25 done#1", "a b&c=d", "{SCHEMA_VERSION}", "x?uri=true", "é: ü"])
def test_a_study_lies_beside_its_ledger_whatever_the_folder_is_called(tmp_path, name):
    folder = tmp_path / name
    trials, _ = go(space(), 2, Ledger(folder))
    assert len(trials) == 2
    assert (folder / "studies" / "optuna.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite+pysqlite://"])
def test_a_study_in_memory_is_refused(tmp_path, url):
    with pytest.raises(SearchError, match="keeps nothing: it is in memory; give sqlite:///FILE"):
        Search(space(), Goal(), 2, Ledger(tmp_path), url=url)
    assert list(tmp_path.iterdir()) == []


SECRET = "hunter2"
FLAGS = ["--data", "embedded", "--trials", "2", "--reviews", "200", "--epochs", "1", "--in-process"]
URLS = [
    "postgresql://me:{}@127.0.0.1:1/studies", "mysql+pymysql://me:{}@127.0.0.1:1/studies", "nosuch://me:{}@host/x",
    "postgresql://127.0.0.1:1/x?user=me&password={}", "postgresql://me:{}@@@:x/y", "://me:{}@x", "sqlite:///{{nobody}}:{}@",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_a_study_that_cannot_be_reached_is_refused_without_its_password(tmp_path, capsys, url):
    with pytest.raises(SystemExit) as end:
        search("A search.", [*FLAGS, "--results", str(tmp_path / "results"), "--study", url.format(SECRET)])
    assert end.value.code == 2
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == 1
    if "sqlite" not in url:
        assert SECRET not in told.out + told.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("damage", ["folder", "loop", "garbage"])
def test_a_database_that_is_none_is_refused_in_one_line(tmp_path, damage):
    path = tmp_path / "studies" / "optuna.db"
    path.parent.mkdir()
    if damage == "folder":
        path.mkdir()
    elif damage == "loop":
        path.symlink_to("optuna.db")
    else:
        path.write_bytes(os.urandom(5000))
    with pytest.raises(SearchError, match=r"the study cannot be kept at sqlite:///.*: .*"):
        go(space(), 2, Ledger(tmp_path))


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Return the folder of a ledger with a search of three trials."""
    folder = tmp_path_factory.mktemp("searched")
    go(space(), 3, Ledger(folder))
    return folder


@pytest.mark.parametrize("folders", [False, True], ids=["garbage", "a folder"])
@pytest.mark.parametrize("name", [Record.SEARCH, Record.SPEC, Record.RESULT, Record.EPOCHS])
def test_a_search_goes_on_beside_damaged_records(searched, tmp_path, name, folders):
    place = tmp_path / "results"
    shutil.copytree(searched, place)
    trials = [path for path in sorted(place.iterdir()) if path.name != "studies"]
    for path, said in zip(trials[:1] if folders else trials, [b"", b"[" * 9999, b'{"goal": 3}'], strict=False):
        (path / name).unlink()
        (path / name).mkdir() if folders else (path / name).write_bytes(said)
    if folders and name == Record.SEARCH:  # what the study is made of again: nothing else can take its place
        with pytest.raises(StoreError, match=r"search.json: Is a directory; move that folder away"):
            go(space(), 5, Ledger(place))
        return
    trials, _ = go(space(), 5, Ledger(place))
    assert len(trials) == 5


def test_the_paths_of_databases_that_need_no_quoting_read_as_ever(tmp_path):
    study = Search(space(), Goal(), 1, Ledger(tmp_path))
    assert study.url == f"sqlite:///{Path(tmp_path, 'studies', 'optuna.db')}"
