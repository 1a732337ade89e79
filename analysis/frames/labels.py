"""What predictions say of several labels a text: a row per label; and which network is the best on such data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnsweep.choice import held_out, networks

LABEL_COLUMNS = ["label", "texts", "said", "precision", "recall", "f1", "average_precision"]


def of_labels(label: NDArray[Any], probabilities: NDArray[Any], names: Sequence[str]) -> pd.DataFrame:
    """Return a row per label, the commonest first, of 0/1 and probabilities [texts, labels].

    `texts` have it, `said` is of how many it is said, by a probability above 0.5. A precision, recall, F1 or average
    precision (of scikit-learn's definition) that nothing defines is nan.
    """
    from sklearn.metrics import average_precision_score  # takes a second, and few ledgers have such data

    given, said = label.astype(bool), np.asarray(probabilities, np.float32) > 0.5
    hits, texts, named = (counts.sum(axis=0).astype(float) for counts in (given & said, given, said))
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall, f1 = hits / named, hits / texts, 2 * hits / (texts + named)
    scores = [
        average_precision_score(given[:, i], probabilities[:, i]) if texts[i] else np.nan for i in range(len(names))
    ]
    columns = (list(names), texts.astype(int), named.astype(int), precision, recall, f1, scores)
    frame = pd.DataFrame(dict(zip(LABEL_COLUMNS, columns, strict=True)))
    return frame.sort_values(["texts", "label"], ascending=[False, True], ignore_index=True)


def best_of_labels(trials: pd.DataFrame) -> list[pd.DataFrame]:
    """Return, of each data of several labels a text, the finished trials that are seeds of the network chosen on it."""
    done = trials[trials["multilabel"] & (trials["status"] == "finished")]
    chosen = []
    for _, rows in done.groupby(["data_sha256", "reviews"], sort=False, dropna=False):
        ranked = networks(held_out(rows))
        chosen.append(rows[rows["key"].isin(ranked.iloc[0]["keys"])])
    return chosen
