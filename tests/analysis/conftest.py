"""What the report's tests share: an empty ledger."""

import pytest

from rnnsweep.ledger import Ledger


@pytest.fixture
def ledger(tmp_path):
    """Return an empty ledger."""
    return Ledger(tmp_path / "results")
