"""TODO docstring of rnnsweep/cli/flags.py."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any, NoReturn, get_args

from rnnsweep.cells import CELLS
from rnnsweep.space import SEARCH_AXES, Range
from rnnsweep.spec import FROM_DATA, HINTS, OPTIMIZERS, POOLINGS, Spec, SpecError, describe
from rnnsweep.sweep import Machines

FINISHED, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
CHOICES = {"cell": tuple(CELLS), "optimizer": OPTIMIZERS, "pooling": POOLINGS}
RANGED = [name for name, axis in SEARCH_AXES.items() if isinstance(axis, Range)]


class Parser(argparse.ArgumentParser):
    """An argument parser whose error is one line, and which takes no abbreviations."""

    def __init__(self, description: str | None) -> None:
        """Describe the command by the first line of its docstring."""
        super().__init__(description=(description or "").strip().splitlines()[0], allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the mistake in one line and exit with status 2."""
        self.exit(WRONG_USAGE, f"{self.prog}: {message} (--help lists the flags)\n")


def machines_of(options: argparse.Namespace) -> Machines:
    return Machines(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Machines)})


def add_sweep_flags(parser: Parser) -> None:
    add = parser.add_argument
    add("--data", default="auto", metavar="auto|imdb|embedded|PATH", help="reviews to train on (default: auto)")
    add("--results", default="results", metavar="URI", help="folder or bucket of the ledger (default: results)")
    add("--plan", action="store_true", help="print what would run, and exit")
    add("--address", metavar="auto|HOST:PORT", help="a running Ray cluster (default: a private one on this machine)")
    add("--in-process", action="store_true", help="one trial after another in this process, without Ray")
    add("--cpus-per-trial", type=positive_number, default=1.0, metavar="X", help="cores of a trial (default: 1)")
    add("--gpus-per-trial", type=_gpu_share, default=0.0, metavar="X|auto", help="share of a GPU (default: 0)")
    add("--max-concurrent", type=positive, metavar="N", help="trials at a time (default: as many as fit)")


def add_spec_flags(parser: Parser, many: bool, ranges: bool = False) -> None:
    """Add a flag for each field of `Spec`; with `many`, it takes several values and narrows or fixes that axis.

    With `ranges`, a number's flag takes LOW..HIGH as well, and a switch takes yes, no or both.
    """
    for name, hint in HINTS.items():
        if name in FROM_DATA:
            continue
        flag = "--" + name.replace("_", "-")
        if hint is bool and ranges:
            parser.add_argument(flag, nargs="*", choices=("yes", "no"), metavar="yes|no")
            parser.add_argument(f"--no-{flag[2:]}", dest=name, action="store_const", const=["no"])
            continue
        if hint is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
            continue
        is_units = name == "units"
        parser.add_argument(
            flag,
            type=_range_or(_parser_of(name, hint)) if ranges and name in RANGED else _parser_of(name, hint),
            nargs="+" if many or is_units else None,
            metavar="|".join(CHOICES.get(name, (name.upper(),))),
            help=None if many else f"{describe(hint)} (default: {as_text(getattr(Spec(), name))})",
        )


def given_fields(options: argparse.Namespace) -> dict[str, Any]:
    """Return the spec fields named on the command line: lists of values for a grid, single values for one trial."""
    given = {name: getattr(options, name, None) for name in HINTS}
    many = hasattr(options, "preset") or hasattr(options, "trials")
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        if many and isinstance(value, list) and any(isinstance(item, Range) for item in value):
            if len(value) > 1:
                raise SpecError(f"{name} has a range beside other values; give one range, or values")
            value = value[0]
        elif name == "units":
            value = [tuple(value)] if many else tuple(value)
        elif hasattr(options, "trials") and HINTS[name] is bool:
            value = [item == "yes" for item in value] or [True]
        elif many and not isinstance(value, list):
            value = [value]
        found[name] = value
    return found


def _parser_of(name: str, hint: Any) -> Callable[[str], Any]:
    kinds = (int,) if name == "units" else get_args(hint) or (hint,)

    def parse(text: str) -> Any:
        for kind in (int, float):
            if kind in kinds:
                try:
                    return kind(text.replace(",", ""))
                except ValueError:
                    continue
        if str in kinds:
            return text.replace("-", "_")
        raise argparse.ArgumentTypeError(f"{name} is {text!r}; give {describe(hint)}")

    return parse


def _range_or(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse_range(text: str) -> Any:
        low, dots, high = text.partition("..")
        if not dots:
            return parse(text)
        ends = parse(low), parse(high)
        if not ends[0] < ends[1]:
            raise argparse.ArgumentTypeError(f"{text!r} is no range; give LOW..HIGH, the lower first")
        return Range(*ends, log=ends[0] > 0)

    return parse_range


def as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    if value is None or isinstance(value, bool):
        return {None: "all", True: "yes", False: "no"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def positive_number(text: str) -> float:
    value = _share_or_none(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _gpu_share(text: str) -> float | str:
    if text == "auto":
        return text
    value = _share_or_none(text)
    if value > 1 and value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a share up to 1, a whole number or auto")
    return value


def _share_or_none(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return value
