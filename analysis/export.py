"""A ledger into TensorBoard or MLflow: scalars per epoch and hyperparameters of each trial, once or again.

python analysis/export.py [--results URI] --tensorboard DIR
python analysis/export.py [--results URI] --mlflow URI [--experiment NAME]

The same command again writes what is new. Both are extras: pip install "rnnsweep[tensorboard,mlflow]".
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `analysis` is a folder of the checkout

from analysis.command import DONE, INTERRUPTED, Parser, existing
from rnnsweep.errors import UserError

EXPERIMENT = "rnnsweep"


def flags() -> Parser:
    """Return the command's flags."""
    parser = Parser("export", "Write a ledger into TensorBoard or MLflow, once or again.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--tensorboard", metavar="DIR", help="folder for tensorboard --logdir DIR")
    where.add_argument(
        "--mlflow", metavar="URI", help="tracking server, such as http://localhost:5000, or sqlite:///FILE"
    )
    parser.add_argument("--experiment", default=EXPERIMENT, metavar="NAME", help=f"of MLflow (default: {EXPERIMENT})")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the trials of a ledger; returns the exit status, 2 for a user's mistake in one line."""
    parser = flags()
    options = parser.parse_args(arguments)
    if not (options.tensorboard or options.mlflow):
        parser.error("'' is no place; give a folder to --tensorboard, or an address to --mlflow")
    try:
        trials, written = _write(options.results, options.tensorboard, options.mlflow, options.experiment)
    except UserError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    there = f"tensorboard --logdir {options.tensorboard}" if options.tensorboard else options.mlflow
    print(f"{written} of {trials} trials written, {trials - written} were there: {there}")
    return DONE


def _write(results: str, tensorboard: str | None, mlflow: str | None, experiment: str) -> tuple[int, int]:
    """Return how many trials the ledger has, and how many of them were written."""
    ledger = existing(results)
    try:
        if tensorboard is not None:
            from analysis.trackers.tensorboard import write as write_tensorboard
        else:
            from analysis.trackers.mlflow import write as write_mlflow
    except ModuleNotFoundError as error:
        extra = "tensorboard" if tensorboard is not None else "mlflow"
        raise UserError(f'{error.name} is not installed; pip install "rnnsweep[{extra}]"') from None

    from analysis.trackers.runs import runs_of

    runs = list(runs_of(ledger.load()))
    if not runs:
        raise UserError(f"there are no trials at {results}; give another --results")
    if tensorboard is not None:
        return len(runs), write_tensorboard(runs, tensorboard)
    return len(runs), write_mlflow(runs, str(mlflow), experiment)


if __name__ == "__main__":
    sys.exit(main())
