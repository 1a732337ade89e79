"""What `import rnnsweep` offers: values in, values out, and one line for a mistake."""

import importlib
import inspect
import math
import shutil
import subprocess
import sys

import pandas as pd
import pytest

import rnnsweep
from rnnsweep.ensemble import Ensemble
from rnnsweep.ledger import Ledger

HERE = {"backend": "in-process"}
TINY = {
    "embedding_dim": 3, "num_words": 30, "max_len": 12, "batch_size": 16, "epochs": 1, "learning_rate": 0.01,
}  # fmt: skip


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Return a file of 80 texts whose class is one of their words."""
    rows = [f"film {number} was {word}\t{word}" for number in range(40) for word in ("good", "bad")]
    path = tmp_path_factory.mktemp("texts") / "films.tsv"
    path.write_text("\n".join(["text\tlabel", *rows]))
    return path


@pytest.fixture(scope="module")
def swept(texts, tmp_path_factory):
    """Return a ledger of two networks, and the rows that the sweep returned."""
    results = tmp_path_factory.mktemp("api") / "results"
    specs = rnnsweep.grid(cell=["gru", "lstm"], units=4, **TINY)
    data = rnnsweep.load(texts)
    return results, rnnsweep.sweep(specs, data, results=results, machines=rnnsweep.Machines(**HERE))


def test_importing_loads_nothing_and_offers_all_of_it():
    heavy = {"numpy", "pandas", "rich", "ray", "keras", "optuna"}
    code = f"import sys, rnnsweep; print(sorted({heavy} & set(sys.modules)), dir(rnnsweep))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"[] {sorted(rnnsweep.__all__)}\n"


def test_functions_stay_callable_where_folders_have_their_names():
    for name in ("ledger", "search", "sweep"):
        importlib.import_module(f"rnnsweep.{name}")
        offered = getattr(rnnsweep, name)
        assert callable(offered)
        assert "results" in inspect.signature(offered).parameters
    with pytest.raises(AttributeError, match="rnnsweep has no 'train'; it offers Machines"):
        _ = rnnsweep.train


def test_a_grid_takes_one_value_or_several_of_a_field_and_units_of_one_network_or_several():
    specs = rnnsweep.grid(cell="gru", units=(8, 4), max_len=[10, 20], num_words=30, seeds=2)
    assert [(spec.units, spec.max_len, spec.seed) for spec in specs] == [
        ((8, 4), 10, 1), ((8, 4), 10, 2), ((8, 4), 20, 1), ((8, 4), 20, 2),
    ]  # fmt: skip
    several = rnnsweep.grid(cell="gru", units=[(8,), (8, 4)], max_len=10, num_words=30)
    assert [spec.units for spec in several] == [(8,), (8, 4)]
    assert {spec.units for spec in rnnsweep.grid(units=16)} == {(16,)}


def test_a_sweep_returns_its_rows_in_order_and_the_same_call_trains_nothing(swept, texts, monkeypatch):
    results, rows = swept
    assert rows["cell"].tolist() == ["gru", "lstm"]
    assert rows["status"].tolist() == ["finished", "finished"]
    monkeypatch.setattr("rnnsweep.api.run", lambda *arguments: pytest.fail("it trained again"))
    again = rnnsweep.sweep(rnnsweep.grid(cell="lstm", units=4, **TINY), rnnsweep.load(texts), results=results)
    assert again["key"].tolist() == rows["key"].tolist()[1:]
    pd.testing.assert_frame_equal(rnnsweep.ledger(results), Ledger(results).load().trials)


def test_a_search_returns_its_winner_first_with_what_fresh_seeds_say(texts, tmp_path):
    machines, results = rnnsweep.Machines(**HERE), tmp_path / "results"
    axes = TINY | {"cell": "gru", "units": 4, "learning_rate": rnnsweep.Range(0.001, 0.01, log=True)}
    found = rnnsweep.search(
        2, rnnsweep.load(texts), results=results, machines=machines, validation=0.2, bidirectional=False,
        pooling="last", optimizer="adam", dropout=0.0, confirm=1, seeds=2, **axes,
    )  # fmt: skip
    assert sorted(found["number"]) == [0, 1]
    assert found["n"].isna().tolist() == [False, True]
    assert found["n"][0] == 2
    assert Ledger(results).study(Ledger(results).load().suggestions["study"][0])["winner"] == found["key"][0]


def test_the_best_network_is_trained_again_on_all_texts(swept, texts, tmp_path):
    results = tmp_path / "results"
    shutil.copytree(swept[0], results)
    found = rnnsweep.refit(results, texts, seeds=1, machines=rnnsweep.Machines(**HERE))
    assert (len(found), found["n"][0], found["refit_n"][0]) == (1, 1, 1)
    assert found["difference"][0] == pytest.approx(found["refit_accuracy"][0] - found["test_accuracy"][0])
    assert rnnsweep.ledger(results)["validation"].tolist().count("none") == 1
    with pytest.raises(rnnsweep.UserError, match="was trained on films, other texts than these; give its data"):
        rnnsweep.refit(results, "embedded")


def test_the_ensemble_that_validation_chooses_is_asked_by_its_name(swept, monkeypatch):
    results, rows = swept
    two = Ensemble(dict.fromkeys(rows["key"], 1), 0.9, 0.8, 0.5, 16, 2.0, 100)
    monkeypatch.setattr("rnnsweep.use.chosen.ensemble", lambda *_: two)
    assert rnnsweep.ensemble(results) is two
    assert len(rnnsweep.predict(results, ["good"], "ensemble")) == 1


def test_texts_are_classified_by_the_best_network_or_by_that_of_a_key(swept):
    results, rows = swept
    key = rows["key"][1]
    found = rnnsweep.predict(results, ["film 1 was good", "bad"], key=key)
    assert found["text"].tolist() == ["film 1 was good", "bad"]
    assert set(found["class"]) <= {"good", "bad"}
    assert len(rnnsweep.predict(results, ["good"])) == 1


def test_the_report_is_written_and_its_page_returned(swept, tmp_path):
    page = rnnsweep.report(swept[0], tmp_path / "out")
    assert page == tmp_path / "out" / "report.html"
    assert page.exists()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rnnsweep.load("nowhere.csv"), "there is no file nowhere.csv"),
        (lambda: rnnsweep.load("embedded", column="text"), "unknown 'column'; what can be said of a file is"),
        (lambda: rnnsweep.grid(cell="rnn"), "cell is 'rnn'; give simple_rnn, gru, lstm"),
        (lambda: rnnsweep.grid(layers=2), "unknown field 'layers'"),
        (lambda: rnnsweep.grid(dataset="imdb"), "dataset is what the data says; give data instead"),
        (lambda: rnnsweep.sweep([], "embedded", results="nowhere"), "there are no specs to train"),
        (lambda: rnnsweep.ledger("nowhere"), "there are no results at nowhere; make them: rnnsweep.sweep"),
        (lambda: rnnsweep.predict("nowhere", "a text"), "texts is one text; give a list of them"),
        (lambda: rnnsweep.predict("nowhere", ["a text"]), "there are no results at nowhere"),
        (lambda: rnnsweep.search(None, "embedded"), "neither trials nor budget says when the search ends"),
        (lambda: rnnsweep.refit("nowhere", "embedded"), "there are no results at nowhere"),
        (lambda: rnnsweep.report("nowhere"), "there are no results at nowhere; make them: rnnsweep grid"),
        (lambda: rnnsweep.load(3), "data is 3, of type int; give a path or an address"),
        (lambda: rnnsweep.grid(seeds="3"), "seeds is '3', of type str; give a whole number from 1"),
        (lambda: rnnsweep.grid(seeds=0), "seeds is 0, of type int; give a whole number from 1"),
        (lambda: rnnsweep.grid(depth=2), "depth is 2, of type int; give a list of whole numbers"),
        (lambda: rnnsweep.grid(units=10**5000), "units is a number of 16610 bits; give 1 to"),
        (lambda: rnnsweep.sweep("gru", "embedded"), "specs is 'gru', of type str; give a list of rnnsweep.Spec"),
        (lambda: rnnsweep.sweep(rnnsweep.Spec(), "embedded"), "specs is Spec.*; give a list of rnnsweep.Spec"),
        (lambda: rnnsweep.sweep([{}], "embedded"), "one of specs is {}, of type dict; give a list of rnnsweep.Spec"),
        (lambda: rnnsweep.sweep([rnnsweep.Spec()], [("a", "pos")]), "data is .*, of type list; give a path"),
        (lambda: rnnsweep.sweep([rnnsweep.Spec()], "embedded", results=None), "results is None, of type NoneType"),
        (lambda: rnnsweep.sweep([rnnsweep.Spec()], "embedded", machines="here"), "machines is 'here', of type str"),
        (lambda: rnnsweep.search(0, "embedded"), "trials is 0, of type int; give a whole number from 1"),
        (lambda: rnnsweep.search(None, "embedded", budget=math.nan), "budget is nan, of type float; give a number abo"),
        (lambda: rnnsweep.search(None, "embedded", budget="2h"), "budget is '2h', of type str; give a number above 0"),
        (lambda: rnnsweep.search(2, "embedded", objectives="val_accuracy"), "objectives is 'val_accuracy', of type st"),
        (lambda: rnnsweep.search(2, "embedded", objectives=()), "objectives are none; give some of val_accuracy"),
        (lambda: rnnsweep.search(2, "embedded", sampler="best"), "sampler is 'best', of type str; give one of tpe"),
        (lambda: rnnsweep.search(2, "embedded", pruner="none"), "pruner is 'none', of type str; give one of median"),
        (lambda: rnnsweep.search(2, "embedded", name=5), "name is 5, of type int; give letters, digits"),
        (lambda: rnnsweep.search(2, "embedded", confirm=-1), "confirm is -1, of type int; give a whole number from 0"),
        (lambda: rnnsweep.refit("nowhere", "embedded", seeds=0), "seeds is 0, of type int; give a whole number from"),
        (lambda: rnnsweep.predict("nowhere", [None]), "one of texts is None, of type NoneType; give a list of texts"),
        (lambda: rnnsweep.Range(0.5, 0.1), "a range is from 0.5 to 0.1; give two numbers, the lower first"),
        (lambda: rnnsweep.Range("a", "b"), "a range is from 'a' to 'b'; give two numbers, the lower first"),
        (lambda: rnnsweep.Range(0, 1, log=True), "a range is from 0 to 1; give two numbers, .* above 0 where log is"),
        (lambda: rnnsweep.Range(1, 2, log="no"), "log of a range is 'no'; give True or False"),
        (lambda: rnnsweep.Range(1, 10**400), "a range is from 1 to 10+; give two numbers, the lower first"),
        (lambda: rnnsweep.ledger(5), "results is 5, of type int; give a path or an address"),
        (lambda: rnnsweep.report(None), "results is None, of type NoneType; give a path or an address"),
        (lambda: rnnsweep.report("a\0b"), r"results is 'a\\x00b', of type str; give a path or an address"),
        (lambda: rnnsweep.grid(seeds=10**30), "seeds is above 4,294,967,295, the most that is counted here"),
        (lambda: rnnsweep.grid(cell=[]), "cell has no values; give one, or several as a list"),
        (lambda: rnnsweep.grid(depth=[]), "depth has no values; give a list of whole numbers, such as"),
        (lambda: rnnsweep.grid(max_len=rnnsweep.Range(1, 5)), "max_len is 1 to 5, a range, which only a search draws "),
        (lambda: rnnsweep.search(1, "embedded", warm="no"), "warm is 'no', of type str; give True or False"),
        (lambda: rnnsweep.search(1, "embedded", sampler_seed=-1), "sampler_seed is -1, of type int; give a whole numb"),
        (lambda: rnnsweep.search(None, "embedded", budget=10**400), "budget is 10+.*, of type int; give a number abov"),
        (lambda: rnnsweep.load("a.csv", pieces="8"), "pieces is '8', of type str; give a whole number from 1"),
        (lambda: rnnsweep.load("a.csv", tokens=None), "tokens is None, of type NoneType; give a text"),
        (lambda: rnnsweep.load("a.csv", encoding=""), "encoding is empty; give a text, or leave it out"),
        (lambda: rnnsweep.load("a.csv", strict="no"), "strict is 'no', of type str; give True or False"),
        (lambda: rnnsweep.load("a.csv", header=3), "header is 3, of type int; give True or False"),
        (lambda: rnnsweep.load("a.csv", classes="good"), "classes is 'good', of type str; give a list of names"),
        (lambda: rnnsweep.load("a.csv", text_column=True), "text_column is True, of type bool; give the name of a col"),
        (lambda: rnnsweep.load("a.csv", test=3), "test is 3, of type int; give a path or an address"),
        (lambda: rnnsweep.load("a.csv", vectors=""), "vectors is empty; give a text, or leave it out"),
        (lambda: rnnsweep.load("a.csv", label_separator=[]), r"label_separator is \[\], of type list; give a text"),
        (lambda: rnnsweep.Machines(cpus_per_trial="many"), "cpus_per_trial is 'many', of type str; give a number of c"),
        (lambda: rnnsweep.Machines(cpus_per_trial=1e-9), "cpus_per_trial is 1e-09, of type float; give a number of co"),
        (lambda: rnnsweep.Machines(cpus_per_trial=True), "cpus_per_trial is True, of type bool; give a number of core"),
        (lambda: rnnsweep.Machines(gpus_per_trial=1.5), "gpus_per_trial is 1.5, of type float; give 0, a share of a G"),
        (lambda: rnnsweep.Machines(gpus_per_trial=math.nan), "gpus_per_trial is nan, of type float; give 0, a share o"),
        (lambda: rnnsweep.Machines(max_concurrent=0), "max_concurrent is 0, of type int; give a whole number from 1"),
        (lambda: rnnsweep.Machines(epoch_timeout=1e300), r"epoch_timeout is 1e\+300, of type float; give a number abo"),
        (lambda: rnnsweep.Machines(epoch_timeout="60"), "epoch_timeout is '60', of type str; give a number above 0"),
        (lambda: rnnsweep.Machines(address=""), "address has no name: '' is no cluster; give auto or HOST:PORT"),
        (lambda: rnnsweep.Machines(backend=3), "backend is 3, of type int; give a name, such as in-process"),
        (
            lambda: rnnsweep.sweep([rnnsweep.Spec()], "embedded", machines=rnnsweep.Machines(backend="dask")),
            "the backend of machines is 'dask', of type str; give one of ray, in-process",
        ),
    ],
)
def test_a_mistake_is_one_line(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(rnnsweep.UserError, match=message) as mistake:
        call()
    assert len(str(mistake.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
