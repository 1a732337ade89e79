"""What several test modules share: tiny reviews, and one TensorFlow for the whole suite, on one core."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from rnnsweep.data import Dataset, Reviews

os.environ["RAY_AUTH_MODE"] = "disabled"  # a token left in a home folder must not change what the tests do
MEMORY, ROOM = "/dev/shm", 2 * 2**30  # a folder in memory, and the bytes that must be free there


def pytest_configure(config):
    """Have the tests' folders lie in memory: a disk takes 10 ms to say that it has kept a file, and they write many."""
    if os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    os.environ["RNNSWEEP_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def real_imdb():
    """Return the path of the real reviews, which lie beside the project, never in it."""
    path = Path(__file__).parents[2] / "shared" / "data" / "imdb.npz"
    if not path.exists():
        pytest.skip("the real reviews are not beside the project (shared/data/imdb.npz)")
    return path


def reviews(count, seed):
    """Return reviews of 1 to 40 tokens of 30 words, positive where word 10 stands more often than word 11."""
    random = np.random.RandomState(seed)
    lengths = random.randint(1, 41, count)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = random.randint(4, 30, offsets[-1]).astype(np.int32)
    pieces = np.split(tokens, offsets[1:-1])
    labels = np.array([(piece == 10).sum() >= (piece == 11).sum() for piece in pieces], np.uint8)
    return Reviews(tokens, offsets, labels)


@pytest.fixture(scope="session")
def tiny():
    """Return 100 + 60 small reviews."""
    return Dataset("tiny", "0" * 64, False, ("negative", "positive"), reviews(100, 1), reviews(60, 2))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    programs = [shutil.which("chromium"), shutil.which("chromedriver")]
    if not all(programs):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-background-networking",
        "disable-component-update", "disable-sync", "no-first-run",
        f"user-data-dir={tmp_path_factory.mktemp('browser')}",
    ):  # fmt: skip
        options.add_argument(f"--{argument}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    yield driver
    driver.quit()
