"""`--look`: what was understood of a user's file, printed; and what is worth a warning before anything is trained."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from rnnsweep.cli import screen
from rnnsweep.cli.data_flags import reading_of
from rnnsweep.data import Dataset
from rnnsweep.data.load import is_own, understood
from rnnsweep.data.look import look, warnings
from rnnsweep.data.own import dataset_of, name_of
from rnnsweep.data.reviews import DataError
from rnnsweep.space import Choice, Range, SearchSpace


def print_look(console: Console, options: argparse.Namespace, planned: object) -> None:
    """Print what a file holds, and what the planned specs (or space) would cut off; raises `DataError`."""
    if not is_own(options.data):
        raise DataError(f"--look shows a file of texts, and --data is {options.data}; give the file with --data FILE")
    path = Path(options.data)
    found = understood(path, reading_of(options))
    for line in look(found, values_of(planned, "max_len"), values_of(planned, "num_words")):
        console.print(line, markup=False, soft_wrap=True)
    print_warnings(console, dataset_of(found, name_of(path)), planned)


def print_warnings(console: Console, dataset: Dataset, planned: object) -> None:
    """Print a warning for each thing about a user's own texts that makes figures mean little."""
    if dataset.vocabulary is not None:
        for line in warnings(dataset, values_of(planned, "num_words")):
            screen.print_warning(console, line)


def values_of(planned: object, name: str) -> list[Any]:
    """Return the values that a field has in a list of specs, or may take in a space: of a range, its ends."""
    if isinstance(planned, SearchSpace):
        axis = planned.axes.get(name)
        if isinstance(axis, Choice):
            return sorted(axis.values)
        return [axis.low, axis.high] if isinstance(axis, Range) else [getattr(planned.base, name)]
    return sorted({getattr(spec, name) for spec in planned}) if isinstance(planned, Iterable) else []
