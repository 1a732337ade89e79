"""What the report's tests share: an empty ledger, and figures that are not rendered."""

import pytest

from rnnsweep.ledger import Ledger
from tests.helpers import figures


@pytest.fixture
def ledger(tmp_path):
    """Return an empty ledger."""
    return Ledger(tmp_path / "results")


@pytest.fixture
def unrendered():
    """Leave out the rendering of figures, in a test of what a report says."""
    with figures.unrendered():
        yield
