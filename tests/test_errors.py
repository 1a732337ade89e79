"""Why something failed, in one line."""

import traceback

import pytest

from rnnsweep.errors import LONGEST, UserError, reason


def raised(error, cause=None):
    """Return the traceback of an error, which may have a cause."""
    try:
        raise error from cause
    except Exception:
        return traceback.format_exc()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (raised(ValueError("one line")), "ValueError: one line"),
        (raised(ValueError("the layer's call.\n\n  \x1b[1mmy own words\x1b[0m\n\nits arguments")),
         "ValueError: the layer's call. my own words its arguments"),
        (raised(UserError("a layer is none; give one"), ValueError("two\nlines")), "a layer is none; give one"),
        (raised(KeyError("x\ny")), r"KeyError: 'x\ny'"),
        ('Stack (most recent call first):\n  File "a"\nepoch 2 took longer than 1 s', "epoch 2 took longer than 1 s"),
        ("", ""),
        (raised(ValueError("a" * 1000)), f"ValueError: {'a' * (LONGEST - 12)}..."),
    ],
)  # fmt: skip
def test_a_reason_is_the_error_that_a_traceback_ends_with_else_the_last_line(text, said):
    assert reason(text) == said
