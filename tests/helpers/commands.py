"""The commands that are printed for a user, read as the scripts read them."""

import shlex

from rnnsweep.cli.flags import Parser, add_spec_flags, add_sweep_flags, given_fields


def fields_of(command):
    """Return the value of --data and the spec fields that a `python sweeps/one.py ...` command names."""
    words = shlex.split(command)
    assert words[:2] == ["python", "sweeps/one.py"]
    parser = Parser("x")
    add_spec_flags(parser)
    add_sweep_flags(parser)
    options = parser.parse_args(words[2:])
    return options.data, given_fields(options)
