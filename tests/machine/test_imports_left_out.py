"""What is left out of an import is there again afterwards, and what was loaded before stays."""

import sys

import pytest

from rnnsweep.machine.imports import without


def test_a_library_is_missing_within_and_there_again_afterwards():
    sys.modules.pop("wave", None)
    with without("wave"), pytest.raises(ImportError):
        import wave
    import wave

    with without("wave"):
        import wave as again
    assert again is wave
