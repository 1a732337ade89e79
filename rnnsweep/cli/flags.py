"""Flags: those of a spec, a field each with its own line of meaning, and those of how and where a sweep runs."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from rnnsweep.arguments import LARGEST, LEAST_SHARE
from rnnsweep.cells import BUILT_IN
from rnnsweep.cli.data_flags import add_data_flags
from rnnsweep.redact import one_line
from rnnsweep.run import BACKENDS
from rnnsweep.space import NO_AXES, SEARCH_AXES, Choice, Range
from rnnsweep.spec import (
    CLASS_WEIGHTS,
    EMBEDDING_OPTIMIZERS,
    HINTS,
    LOSSES,
    NO_FLAGS,
    OPTIMIZERS,
    POOLINGS,
    SCHEDULES,
    SELECTIONS,
    Spec,
    SpecError,
    describe,
    meanings,
)

if TYPE_CHECKING:
    from rnnsweep.sweep import Machines

FINISHED, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
CHOICES = {
    "cell": (*BUILT_IN, "module:Layer"),
    "optimizer": OPTIMIZERS,
    "embedding_optimizer": EMBEDDING_OPTIMIZERS,
    "pooling": POOLINGS,
    "select": SELECTIONS,
    "class_weights": CLASS_WEIGHTS,
    "loss": LOSSES,
    "schedule": SCHEDULES,
}
RANGED = [name for name, hint in HINTS.items() if name not in NO_AXES and hint is float]
RANGED += [name for name, axis in SEARCH_AXES.items() if isinstance(axis, Range) and name not in RANGED]


class Parser(argparse.ArgumentParser):
    """An argument parser whose error is one line, and which takes no abbreviations."""

    def __init__(self, description: str | None) -> None:
        """Describe the command by the first line of its docstring."""
        super().__init__(description=(description or "").strip().splitlines()[0], allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the mistake in one line, without a password, and exit with status 2."""
        self.exit(WRONG_USAGE, f"{self.prog}: {one_line(message)} (--help lists the flags)\n")


def add_sweep_flags(parser: Parser) -> None:
    """Add the flags of data, ledger and machines, which no spec's key depends on."""
    add_data_flags(parser)
    add = parser.add_argument_group("how and where").add_argument
    add("--data", default="auto", metavar="auto|imdb|reuters|embedded|PATH", help="texts to train on (default: auto)")
    add("--results", default="results", metavar="URI", help="folder or bucket of the ledger (default: results)")
    add("--plan", action="store_true", help="print what would run, and exit")
    add("--json", action="store_true", help="plan and summary as one JSON object (docs/json.md), all else to stderr")
    add("--address", metavar="auto|HOST:PORT", help="a running Ray cluster (default: a private one on this machine)")
    usual, *others = BACKENDS
    for name in others:
        add(f"--{name}", dest="backend", action="store_const", const=name, default=usual, help=BACKENDS[name].meaning)
    add("--cpus-per-trial", type=_cores, default="auto", metavar="X|auto", help="cores of a trial (default: auto, one "
        "and those that nothing waits for)")  # fmt: skip
    add("--gpus-per-trial", type=_gpu_share, default=0.0, metavar="X|auto", help="share of a GPU (default: 0)")
    add(
        "--epoch-timeout",
        type=_seconds,
        metavar="SECONDS",
        help="end a trial whose epoch takes longer, 0 for none (default: on Ray 50 times the estimate, at least half "
        "an hour; none in process)",
    )
    add("--max-concurrent", type=positive, metavar="N", help="trials at a time (default: as many as fit)")


def add_baselines_flag(parser: Parser) -> None:
    """Add the flag of the sweeps that compute linear lines: they compare networks, where one trial alone does not."""
    parser.add_argument("--no-baselines", dest="baselines", action="store_false", help="compute no linear models")


def add_refit_flag(parser: Parser) -> None:
    """Add the flag that trains the chosen network again on all texts; how many seeds, `--seeds` says."""
    parser.add_argument(
        "--refit",
        action="store_true",
        help="train the best network again on training and validation texts together, for the epochs that were best, "
        "with fresh seeds (--seeds, default: 5)",
    )


def machines_of(options: argparse.Namespace) -> Machines:
    """Return where and how wide a sweep runs, by the flags of `add_sweep_flags`."""
    from rnnsweep.sweep import Machines

    return Machines(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Machines)})


def add_spec_flags(parser: Parser, many: bool = False, ranges: bool = False) -> None:
    """Add a flag for each field of `Spec`; with `many`, it takes several values and narrows or fixes that axis.

    With `ranges`, a number's flag takes LOW..HIGH as well, and a switch takes yes, no or both.
    """
    title = "axes of the search, and fields that it leaves alone" if ranges else "fields of the specs"
    add = parser.add_argument_group(title).add_argument
    for name, hint in HINTS.items():
        if name in NO_FLAGS:
            continue
        flag, text = "--" + name.replace("_", "-"), _help(name, many, ranges)
        if hint is bool and ranges:
            add(flag, nargs="*", choices=("yes", "no"), metavar="yes|no", help=text)
            add(f"--no-{flag[2:]}", dest=name, action="store_const", const=["no"], help=f"the same as {flag} no")
        elif hint is bool:
            add(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
        else:
            parse = _parser_of(name, hint)
            add(
                flag,
                type=_range_or(parse) if ranges and name in RANGED else parse,
                nargs="+" if many or name == "units" else None,
                metavar="|".join(CHOICES.get(name, (name.upper(),))),
                help=text,
            )
        if name == "train_vectors":
            add("--freeze-vectors", dest=name, action="store_const", const=["no"] if ranges else False,
                help=f"the same as --no-{flag[2:]}")  # fmt: skip


def _help(name: str, many: bool, ranges: bool) -> str:
    """Return the field's line of meaning, and what it is where the flag is not given; in a grid the preset says it."""
    meaning, default = meanings()[name].replace("None:", "not given:"), getattr(Spec(), name)
    if ranges and name in SEARCH_AXES:
        axis = SEARCH_AXES[name]
        searched = ", ".join(map(as_text, axis.values)) if isinstance(axis, Choice) else str(axis)
        meaning += f" (searched: {searched})"
    elif (ranges or not many) and default is not None:
        meaning += f" (default: {as_text(default)})"
    return meaning.replace("%", "%%")


def given_fields(options: argparse.Namespace, many: bool = False, ranges: bool = False) -> dict[str, Any]:
    """Return the spec fields named on the command line: single values, with `many` lists, with `ranges` ranges too.

    Raises `SpecError` on a range beside other values.
    """
    given = {name: getattr(options, name, None) for name in HINTS}
    return {name: _given(name, value, many, ranges) for name, value in given.items() if value is not None}


def _given(name: str, value: Any, many: bool, ranges: bool) -> Any:
    if ranges and any(isinstance(item, Range) for item in value):
        if len(value) > 1:
            raise SpecError(f"{name} has a range beside other values; give one range, or values")
        return value[0]
    if name == "units":
        return [tuple(value)] if many else tuple(value)
    if ranges and HINTS[name] is bool:
        return [item == "yes" for item in value] or [True]
    return [value] if many and not isinstance(value, list) else value


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
    """Return a field's value for a person: 1,000, 100-50, yes, no, and all for None."""
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    if value is None or isinstance(value, bool):
        return {None: "all", True: "yes", False: "no"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)


def positive(text: str) -> int:
    """Return the whole number from 1 that a flag's text names; raises argparse's error on anything else."""
    digits = text.lstrip("0") if text.isdecimal() else ""
    if not digits:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    if len(digits) > len(str(LARGEST)) or int(digits) > LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is above {LARGEST:,}, the most that is counted here")
    return int(digits)


def positive_number(text: str) -> float:
    """Return the number above 0 that a flag's text names; raises argparse's error on anything else."""
    value = _share_or_none(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def time_span(text: str) -> float:
    """Return the seconds that a flag's text such as 2h, 90m or 45s names; raises argparse's error on anything else."""
    unit = {"h": 3600.0, "m": 60.0, "s": 1.0}.get(text[-1:], 0.0)
    try:
        value = float(text[:-1]) * unit
    except ValueError:
        value = 0.0
    if not 0 < value <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; give a number above 0 with h, m or s, such as 2h")
    return value


def _cores(text: str) -> float | str:
    if text == "auto":
        return text
    value = positive_number(text)
    if value < LEAST_SHARE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {LEAST_SHARE:g}")
    return value


def _seconds(text: str) -> float:
    return _share_or_none(text)


def _gpu_share(text: str) -> float | str:
    if text == "auto":
        return text
    value = _share_or_none(text)
    if 0 < value < LEAST_SHARE:
        raise argparse.ArgumentTypeError(f"{text!r} is neither 0 nor a share from {LEAST_SHARE:g}")
    if value > 1 and value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a share up to 1, a whole number or auto")
    return value


def _share_or_none(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {LARGEST:,}")
    return value
