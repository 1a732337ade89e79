"""`sweeps/grid.py` and `sweeps/one.py`: specs that are known before anything runs."""

from __future__ import annotations

from collections.abc import Sequence

from rnnsweep.cli.flags import (
    Parser,
    add_baselines_flag,
    add_refit_flag,
    add_spec_flags,
    add_sweep_flags,
    given_fields,
    positive,
)
from rnnsweep.space import PRESETS, SYSTEM, SYSTEMS, preset
from rnnsweep.spec import Spec


def grid_parser(description: str | None) -> Parser:
    """Return the flags of `sweeps/grid.py`."""
    parser = Parser(description)
    parser.add_argument("--preset", choices=PRESETS, default="factorial", help="which specs (default: factorial)")
    parser.add_argument(
        "--seeds", type=positive, metavar="N", help="seeds 1 to N (default: 1); of --refit as many more"
    )
    parser.add_argument("--depth", type=positive, nargs="+", help="numbers of recurrent layers to keep")
    add_refit_flag(parser)
    add_baselines_flag(parser)
    add_spec_flags(parser, many=True)
    add_sweep_flags(parser)
    return parser


def grid(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/grid.py`: the specs of a preset, narrowed by the flags, over the seeds; returns the exit status."""
    parser = grid_parser(description)
    options = parser.parse_args(arguments)
    seeds = options.seeds or 1

    def specs(name: str, sha256: str) -> list[Spec]:
        fields = given_fields(options, many=True) | {"dataset": [name], "data_sha256": [sha256]}
        if "seed" not in fields:
            fields["seed"] = range(1, seeds + 1)
        return preset(options.preset, fields, options.depth)

    def planned(specs: Sequence[Spec]) -> dict[str, int]:
        if seeds < 2 or options.seed is not None:
            return {}
        return dict.fromkeys((SYSTEM,) if options.preset == "report" else {spec.cell for spec in specs}, seeds)

    from rnnsweep.cli.run import run_specs

    return run_specs(parser, options, specs, planned)


def one_parser(description: str | None) -> Parser:
    """Return the flags of `sweeps/one.py`."""
    parser = Parser(description)
    parser.add_argument("--system", choices=SYSTEMS, metavar="ID", help=f"one of the report's: {', '.join(SYSTEMS)}")
    parser.add_argument("--seeds", type=positive, metavar="N", help="fresh seeds of --refit (default: 5)")
    add_refit_flag(parser)
    add_spec_flags(parser)
    add_sweep_flags(parser)
    return parser


def one(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/one.py`: one trial in this process; returns the exit status."""
    parser = one_parser(description)
    options = parser.parse_args(arguments)
    options.backend, options.baselines = "in-process", False

    def specs(name: str, sha256: str) -> list[Spec]:
        base = SYSTEMS[options.system] if options.system else Spec()
        return [base.replace(**given_fields(options), dataset=name, data_sha256=sha256)]

    from rnnsweep.cli.run import run_specs

    return run_specs(parser, options, specs)
