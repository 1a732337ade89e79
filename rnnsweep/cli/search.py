"""`sweeps/search.py`: its flags, and the space that they make of the search's axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnsweep.cli.flags import (
    Parser,
    add_baselines_flag,
    add_refit_flag,
    add_spec_flags,
    add_sweep_flags,
    given_fields,
    positive,
    positive_number,
    time_span,
)
from rnnsweep.search import MEASURES, OBJECTIVES, PRUNERS, SAMPLERS
from rnnsweep.space import SearchSpace, search_space


def search_parser(description: str | None) -> Parser:
    """Return the flags of `sweeps/search.py`."""
    parser = Parser(description)
    add_search_flags(parser)
    add_baselines_flag(parser)
    add_spec_flags(parser, many=True, ranges=True)
    add_sweep_flags(parser)
    return parser


def search(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/search.py`: trials that Optuna suggests one after another; returns the exit status."""
    parser = search_parser(description)
    options = parser.parse_args(arguments)
    if options.trials is None and options.budget is None:
        parser.error("neither --trials nor --budget says when the search ends; give one of them, or both")

    def space(name: str, sha256: str, names_validation: bool, fixed: Mapping[str, Any]) -> SearchSpace:
        # What is chosen by the reviews of films that were trained on is chosen for remembering their names.
        usual: dict[str, Any] = {} if names_validation else {"validation": ["grouped"]}
        given = given_fields(options, many=True, ranges=True)
        if options.objectives[0] in MEASURES:
            usual["select"] = [options.objectives[0]]
        of_data = {"dataset": name, "data_sha256": sha256, **fixed}
        return search_space(usual | given | {field: [value] for field, value in of_data.items()}, options.depth)

    from rnnsweep.cli.run_search import run_search

    return run_search(parser, options, space)


def add_search_flags(parser: Parser) -> None:
    """Add the flags of the study: how many trials, what they are judged by, and what becomes of the best."""
    add = parser.add_argument
    add("--trials", type=positive, metavar="N", help="of the study, those of earlier runs included")
    add(
        "--budget",
        type=time_span,
        metavar="TIME",
        help="begin no trial that would not end within this time from now, such as 2h, 90m or 45s, by its estimate",
    )
    add("--no-warm-start", dest="warm", action="store_false",
        help="learn nothing from trials that other sweeps left in the ledger")  # fmt: skip
    add("--sampler", choices=SAMPLERS, default="tpe", help="what suggests the next spec (default: tpe)")
    add("--sampler-seed", type=positive, default=1, metavar="N", help="of the sampler (default: 1)")
    add("--objectives", nargs="+", choices=tuple(OBJECTIVES), default=["val_accuracy"], metavar="NAME",
        help=f"of {', '.join(OBJECTIVES)} (default: val_accuracy); several give a Pareto front")  # fmt: skip
    add("--max-params", type=positive, metavar="N", help="weights of the largest network to train")
    add("--max-seconds", type=positive_number, metavar="X",
        help="of training; a slower trial is stopped, and never the best")  # fmt: skip
    add("--pruner", choices=PRUNERS, default="median",
        help="what stops poor trials early; with asha they go on where they prove good (default: median)")  # fmt: skip
    add("--no-pruning", dest="pruner", action="store_const", const=None, help="train every trial to its end")
    add("--confirm", type=positive, default=0, metavar="K", help="train the best K specs again with fresh seeds")
    add("--seeds", type=positive, default=5, metavar="N",
        help="fresh seeds of each confirmed spec; the one that chose it does not count (default: 5)")  # fmt: skip
    add_refit_flag(parser)
    add("--study", metavar="URL", help="database of the study (default: SQLite beside the ledger)")
    add("--name", metavar="NAME", help="of the study (default: made of the data, the axes and the fixed fields)")
    add("--depth", type=positive, nargs="+", help="numbers of recurrent layers to choose among")
