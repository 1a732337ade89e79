"""The lab of the cluster tests, or the reason why there is none."""

import pytest

from tests.real_clusters.lab import Lab, why_not


@pytest.fixture(scope="session")
def allowed():
    reason = why_not()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def lab(allowed, tmp_path):
    with Lab(tmp_path) as lab:
        yield lab
