"""The report's numbers: data frames in, data frames out; nothing here draws or formats.

Two rules give a trial's accuracy: `LAST`, of the last epoch's weights, as the original published it; and `BEST`, of the
epoch with the best validation accuracy, the test set being used once. Accuracies, confusion matrices and classification
reports of predictions are scikit-learn's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import classification_report, confusion_matrix

LAST, BEST = "last_test_accuracy", "test_accuracy"
AXES = ("cell", "depth", "num_words", "max_len")
DATA = ["dataset", "data_sha256", "reviews_used"]  # results of different data are never averaged together
BLOCK = [*DATA, "epochs"]
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")
STATUSES = ("finished", "diverged", "failed", "pruned", "unfinished")
PUBLISHED_EPOCHS = 0  # in a scope: each system with the epochs it was published with
CONFIDENCE = 0.95
# All that makes a trial another network or another experiment, but for its seed.
NETWORK = [
    "dataset", "data_sha256", "reviews_used", "cell", "units", "bidirectional", "pooling", "embedding_dim", "num_words",
    "vocab_size", "max_len", "mask_padding", "dropout", "batch_size", "drop_remainder", "validation", "epochs",
    "optimizer", "learning_rate",
]  # fmt: skip
CELL_ORDER = {"simple_rnn": 0, "gru": 1, "lstm": 2}

# Which system fills which column of the original's conclusion tables.
COLUMNS = {
    "simple_rnn": ("rnn-2x-10k", "rnn-3x-1k"),
    "gru": ("gru-3x-1k", "gru-2x-10k-80"),
    "lstm": ("lstm-1x-5k", "lstm-1x-1k", "lstm-3x-1k"),
}
AT_500 = ("gru-3x-1k", "gru-2x-10k-500")  # in the GRU table's row maxlen=500
# "testing" is what the original quoted: the validation accuracy of the last line of the log.
QUANTITIES = {
    "training": "last_train_accuracy",
    "testing": "last_val_accuracy",
    "test": "last_val_accuracy",
    "parameters": "params",
    "load_data(num_words=)": "num_words",
    "pad_sequences(maxlen=)": "max_len",
}
OF_EPOCH = {"last_train_accuracy": "accuracy", "last_val_accuracy": "val_accuracy"}
WHOLE_TEST_SET = "test set (all of it)"


def load_published() -> dict[str, Any]:
    """Return the original report's systems and conclusions, as transcribed in `published.json`."""
    data: dict[str, Any] = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
    return data


def prepared(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials with `reviews_used` (0: all), `real` and `data`, a label that tells different data apart."""
    frame = trials.copy()
    frame["reviews_used"] = pd.to_numeric(frame["reviews"]).fillna(0).astype("int64")
    known = frame.loc[frame["real_data"].notna(), ["dataset", "real_data"]].drop_duplicates("dataset")
    said = dict(zip(known["dataset"], known["real_data"], strict=True))
    frame["real"] = [bool(said.get(name, name != "embedded")) for name in frame["dataset"]]
    checksums = frame.groupby("dataset")["data_sha256"].nunique().to_dict()
    several = [checksums[name] > 1 for name in frame["dataset"]]
    frame["data"] = [
        _data_label(*row)
        for row in zip(frame["dataset"], frame["data_sha256"], frame["reviews_used"], several, strict=True)
    ]
    return frame


def _data_label(dataset: str, checksum: str, reviews: int, several: bool) -> str:
    which = f" (checksum {checksum[:8] or 'unknown'})" if several else ""
    return f"{dataset}{which}, " + (f"first {reviews:,} reviews" if reviews else "all reviews")


def records(frame: pd.DataFrame) -> list[Any]:
    """Return the rows as named tuples."""
    return list(frame.itertuples(index=False))


def finished(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that have a result."""
    return trials[trials["status"] == "finished"]


def held_out(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the finished trials whose validation reviews were a held-out share of the training reviews.

    Only these take part in the study: a trial that chose its epoch by the test set or by one batch would win unfairly.
    """
    done = finished(trials)
    return done[~done["validation"].isin(["test", "first_batch"])]


def status_counts(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the number of trials of each status, a row per data."""
    counts = pd.crosstab(trials["data"], trials["status"]) if len(trials) else pd.DataFrame()
    return counts.reindex(columns=list(STATUSES), fill_value=0)


def interval(values: Iterable[float]) -> dict[str, float]:
    """Return n, mean, sd (of n - 1) and Student's t interval (low, high) of the mean; nan where n is too small."""
    sample = np.asarray([value for value in values if np.isfinite(value)], dtype=float)
    n = len(sample)
    mean = float(sample.mean()) if n else np.nan
    if n < 2:
        return {"n": n, "mean": mean, "sd": np.nan, "low": np.nan, "high": np.nan}
    sd = float(sample.std(ddof=1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * sd / n**0.5
    return {"n": n, "mean": mean, "sd": sd, "low": mean - half, "high": mean + half}


def scopes(trials: pd.DataFrame, published_epochs: dict[str, int]) -> pd.DataFrame:
    """Return the variants in which the ledger holds the report's systems, the one to show first.

    A row per dataset, checksum, reviews_used and epochs (`PUBLISHED_EPOCHS`: as published): real, trials, finished,
    systems (how many have a finished trial), keys. The order: with a finished trial before without; real before
    generated; all reviews before fewer; the published epochs before others, then more epochs; more finished trials.
    """
    rows: list[dict[str, Any]] = []
    named = trials[trials["system"] != ""]
    for values, group in named.groupby(DATA, sort=True):
        as_published = group["epochs"] == group["system"].map(published_epochs)
        variants = {PUBLISHED_EPOCHS: group[as_published]}
        variants |= {int(n): group[group["epochs"] == n] for n in sorted(group.loc[~as_published, "epochs"].unique())}
        rows += [
            dict(zip(DATA, values, strict=True)) | _scope(epochs, members)
            for epochs, members in variants.items()
            if len(members)
        ]
    frame = pd.DataFrame(rows, columns=[*DATA, "epochs", "real", "data", "trials", "finished", "systems", "keys"])
    return _best_first(frame.assign(published=frame["epochs"] == PUBLISHED_EPOCHS), ["published", "epochs", "finished"])


def _scope(epochs: int, members: pd.DataFrame) -> dict[str, Any]:
    done = finished(members)
    return {
        "epochs": epochs,
        "real": bool(members["real"].iloc[0]),
        "data": members["data"].iloc[0],
        "trials": len(members),
        "finished": len(done),
        "systems": done["system"].nunique(),
        "keys": list(members["key"]),
    }


def _best_first(frame: pd.DataFrame, then: list[str]) -> pd.DataFrame:
    ranked = frame.assign(any_finished=frame["finished"] > 0, all_reviews=frame["reviews_used"] == 0)
    order = ["any_finished", "real", "all_reviews", "reviews_used", *then]
    ranked = ranked.sort_values([*order, *DATA], ascending=[False] * len(order) + [True] * len(DATA))
    return ranked[frame.columns].reset_index(drop=True)


def blocks(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the data blocks (`BLOCK`) of the study's trials: real, data, finished, keys.

    Real before generated, all reviews before fewer, then more trials, then more epochs.
    """
    groups: Any = held_out(trials).groupby(BLOCK, sort=True)
    rows = [dict(zip(BLOCK, values, strict=True)) | _scope(int(values[-1]), group) for values, group in groups]
    frame = pd.DataFrame(rows, columns=[*BLOCK, "real", "data", "trials", "finished", "systems", "keys"])
    return _best_first(frame, ["finished", "epochs"])


def training_log(epochs: pd.DataFrame, keys: Iterable[str]) -> pd.DataFrame:
    """Return a row per epoch (its index): n, and mean and sd over these trials of each metric: loss, loss_sd, ..."""
    groups = epochs[epochs["key"].isin(list(keys))].groupby("epoch")[list(METRICS)]
    log = groups.mean().join(groups.std().add_suffix("_sd"))
    return log.assign(n=groups.size())


def curves(
    epochs: pd.DataFrame, keys: Iterable[str], published: Sequence[dict[str, float]], metric: str
) -> pd.DataFrame:
    """Return the points of a learning curve: part (training, validation), source, line, epoch, value.

    `metric` is accuracy or loss. The sources: `seed`, one line per trial, if there are several; `mean` of the trials;
    `published`.
    """
    chosen = epochs[epochs["key"].isin(list(keys))]
    mean = chosen.groupby("epoch", as_index=False)[list(METRICS)].mean().assign(key="mean")
    original = pd.DataFrame(published, columns=list(METRICS)).assign(key="published")
    original["epoch"] = range(1, len(original) + 1)
    sources = {"seed": chosen if chosen["key"].nunique() > 1 else chosen[:0], "mean": mean, "published": original}
    parts = [
        frame[["key", "epoch", column]].set_axis(["line", "epoch", "value"], axis=1).assign(part=part, source=source)
        for source, frame in sources.items()
        for part, column in (("training", metric), ("validation", f"val_{metric}"))
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True).dropna(subset="value")


def model_summary(layers: Sequence[dict[str, Any]], published: dict[str, Any] | None) -> pd.DataFrame:
    """Return a row per layer: name, type, output_shape, params, published (params of that layer, or nan)."""
    frame = pd.DataFrame(layers, columns=["name", "type", "output_shape", "params"])
    original = _published_layers(published) if published else []
    fits = len(original) == len(frame)
    return frame.assign(published=pd.Series(original if fits else [np.nan] * len(frame), dtype="float64"))


def _published_layers(published: dict[str, Any]) -> list[int]:
    layers = published["layer_params"]
    return [layers["embedding"], *layers["rnn"], layers["dense"]]


def median_seed(done: pd.DataFrame) -> str:
    """Return the key of the trial with the median last test accuracy, the lower of two; raises IndexError on none."""
    ordered = done.sort_values([LAST, "key"])
    return str(ordered["key"].iloc[(len(ordered) - 1) // 2])


def classify(probabilities: NDArray[Any]) -> NDArray[np.uint8]:
    """Return class 0 or 1 of each review, uint8 [reviews]: 1 where its probability is above 0.5, as Keras counts."""
    return (np.asarray(probabilities, dtype=np.float32) > 0.5).astype(np.uint8)


def classification(label: NDArray[Any], probabilities: NDArray[Any]) -> pd.DataFrame:
    """Return scikit-learn's classification report: rows 0, 1, accuracy, macro avg, weighted avg."""
    report = classification_report(label, classify(probabilities), labels=[0, 1], output_dict=True, zero_division=0)
    accuracy = float(np.mean(classify(probabilities) == label))
    rows = {name: report[name] for name in ("0", "1")}
    rows["accuracy"] = {"f1-score": accuracy, "support": len(label)}
    rows |= {name: report[name] for name in ("macro avg", "weighted avg")}
    return pd.DataFrame(rows).T[["precision", "recall", "f1-score", "support"]].astype(float)


def confusion(label: NDArray[Any], probabilities: NDArray[Any], classes: Sequence[str]) -> pd.DataFrame:
    """Return scikit-learn's confusion matrix: a row per true class, a column per predicted class, counts."""
    matrix = confusion_matrix(label, classify(probabilities), labels=[0, 1])
    return pd.DataFrame(matrix, index=pd.Index(classes, name="true"), columns=pd.Index(classes, name="predicted"))


def conclusion(which: str, published: dict[str, Any], trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """Return a conclusion table of the original: row, source, column, text, value, sd, n, larger.

    `which` is simple_rnn, gru or lstm; `trials` are those of one scope. `text` is set where the original prints no
    plain number. `larger` marks the one largest value of a row and source, and none where it is not unique or alone.
    """
    original = published["conclusions"][which]
    at = original.get("at_epoch")
    rows: list[dict[str, Any]] = []
    for label, values in original["rows"].items():
        for name, quantity, cells in _unfolded(label, values):
            systems = AT_500 if label.endswith("maxlen=500") else COLUMNS[which]
            rows += [_published_cell(name, column, cell) for column, cell in enumerate(cells)]
            for source, epoch in _sources(quantity, at):
                rows += [
                    _measured_cell(name, source, column, quantity, epoch, trials[trials["system"] == system], epochs)
                    if cells[column] is not None
                    else _cell(name, source, column, text="X")
                    for column, system in enumerate(systems)
                ]
    rows += _whole_test_set(COLUMNS[which], published, trials)
    return _with_larger(pd.DataFrame(rows))


def _unfolded(label: str, values: list[Any]) -> list[tuple[str, str, list[Any]]]:
    """Return row name, quantity and cells; a row whose cells hold training and testing becomes two."""
    if not any(isinstance(value, dict) for value in values):
        return [(label, QUANTITIES[label], values)]
    return [
        (f"{label}: {part}", QUANTITIES[part], [None if value is None else value[part] for value in values])
        for part in ("training", "testing")
    ]


def _sources(quantity: str, at: int | None) -> list[tuple[str, int | None]]:
    if at is None or quantity not in OF_EPOCH:
        return [("measured", None)]
    return [(f"measured, epoch {at}", at), ("measured, last epoch", None)]


def _cell(row: str, source: str, column: int, **fields: Any) -> dict[str, Any]:
    empty = {"text": "", "value": np.nan, "sd": np.nan, "n": 0}
    return {"row": row, "source": source, "column": column} | empty | fields


def _published_cell(row: str, column: int, value: Any) -> dict[str, Any]:
    if value is None:
        return _cell(row, "published", column, text="X")
    if isinstance(value, str):  # "0.90(?)"
        return _cell(row, "published", column, text=value, value=float(value.split("(")[0]))
    return _cell(row, "published", column, value=float(value))


def _measured_cell(
    row: str, source: str, column: int, quantity: str, epoch: int | None, trials: pd.DataFrame, epochs: pd.DataFrame
) -> dict[str, Any]:
    done = finished(trials)
    values = done[quantity]
    if epoch is not None:
        values = epochs[epochs["key"].isin(done["key"]) & (epochs["epoch"] == epoch)][OF_EPOCH[quantity]]
    found = interval(values.astype(float))
    return _cell(row, source, column, value=found["mean"], sd=found["sd"], n=found["n"])


def _whole_test_set(systems: Sequence[str], published: dict[str, Any], trials: pd.DataFrame) -> list[dict[str, Any]]:
    originals = {system["id"]: system for system in published["systems"]}
    rows = [
        _cell(WHOLE_TEST_SET, "published", column, value=published_test_accuracy(originals[system]))
        for column, system in enumerate(systems)
    ]
    return rows + [
        _measured_cell(WHOLE_TEST_SET, "measured", column, LAST, None, trials[trials["system"] == system], trials)
        for column, system in enumerate(systems)
    ]


def published_test_accuracy(system: dict[str, Any]) -> float:
    """Return the published accuracy on all test reviews, of the classification report or else of the log, or nan."""
    if "classification_report" in system:
        return float(system["classification_report"]["accuracy"])
    return float(system["epochs"][-1]["val_accuracy"]) if "test" in system["validation"] else np.nan


def _with_larger(frame: pd.DataFrame) -> pd.DataFrame:
    shown = frame["value"].round(4)  # what the table prints decides what counts as equal
    by_row = [frame["row"], frame["source"]]
    largest = shown == shown.groupby(by_row).transform("max")
    unique = largest.groupby(by_row).transform("sum") == 1
    compared = shown.groupby(by_row).transform("count") > 1
    return frame.assign(larger=largest & unique & compared)


def by_axis(trials: pd.DataFrame, axis: str, accuracy: str = BEST) -> pd.DataFrame:
    """Return a row per value of an axis: axis, value, n, mean, sd, low, high of the accuracy over the trials."""
    values = sorted(trials[axis].unique(), key=lambda value: (CELL_ORDER.get(value, value),))
    return pd.DataFrame(
        [{"axis": axis, "value": value} | interval(trials.loc[trials[axis] == value, accuracy]) for value in values]
    )


def grid_means(trials: pd.DataFrame, accuracy: str = BEST) -> pd.DataFrame:
    """Return the mean accuracy of each (cell, depth), a row, and (num_words, max_len), a column; nan where no trial."""
    means = trials.pivot_table(accuracy, ["cell", "depth"], ["num_words", "max_len"], aggfunc="mean")
    return means.sort_index(key=lambda level: level.map(lambda value: CELL_ORDER.get(value, value))).sort_index(axis=1)


def networks(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the networks (specs but for the seed), the best mean validation accuracy first: n, val_accuracy, keys.

    The selection rule of the report. Equals are ordered by their first key.
    """
    groups = trials.sort_values("key").groupby(NETWORK, sort=False)
    table = groups.agg(
        n=("key", "size"),
        val_accuracy=("val_accuracy", "mean"),
        test_accuracy=(BEST, "mean"),
        key=("key", "first"),
        keys=("key", list),
    )
    return table.sort_values(["val_accuracy", "key"], ascending=[False, True]).reset_index()
