"""How far the probabilities of each network can be believed, at the best epoch on the test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from analysis.frames.networks import Grid, Network
from analysis.frames.reliability import Bins

CALIBRATION_COLUMNS = ["data", "epochs", "network", "cell", "key", "n", "ece", "ece_sd", "brier", "overconfidence"]


class Calibrated(Protocol):
    """What knows the bins of a network's seeds, as `Samples` does."""

    def calibration(self, network: Network) -> list[Bins]:
        """Return the bins of the seeds whose predictions are in the ledger."""


def calibration(found: Sequence[Grid], samples: Calibrated) -> pd.DataFrame:
    """Return a row per network with stored predictions: means over its seeds, and the sd of the calibration error."""
    rows = [_row(grid, network, samples.calibration(network)) for grid in found for network in grid.networks]
    return pd.DataFrame([row for row in rows if row], columns=CALIBRATION_COLUMNS)


def _row(grid: Grid, network: Network, seeds: Sequence[Bins]) -> dict[str, Any]:
    if not seeds:
        return {}
    errors = [one.ece for one in seeds]
    return {
        "data": grid.data,
        "epochs": grid.epochs,
        "network": network.label,
        "cell": network.cell,
        "key": network.keys[0],
        "n": len(seeds),
        "ece": float(np.mean(errors)),
        "ece_sd": float(np.std(errors, ddof=1)) if len(errors) > 1 else np.nan,
        "brier": float(np.mean([one.brier for one in seeds])),
        "overconfidence": float(np.mean([one.overconfidence for one in seeds])),
    }
