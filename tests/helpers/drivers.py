"""Real commands in processes of their own, for tests that stop them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEPWISE = """
import sys
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.sweep import SpecList
from tests.helpers.stepwise import SPECS, trainer
from tests.helpers.sweeps import HERE, Heard
heard = Heard()
run(SpecList(SPECS), Ledger(sys.argv[1]), None, HERE, heard, trainer(sys.argv[2], float(sys.argv[3])))
print(sorted(heard.finished_keys) == sorted(spec.key for spec in SPECS))
"""
FLAGS = ["--preset", "demo", "--data", "embedded", "--cell", "gru", "--units", "16", "--num-words", "200"]
FLAGS += ["--max-len", "200", "--epochs", "40", "--no-baselines", "--max-concurrent", "1"]


def grid(results, *flags, python=sys.executable):
    """Return the words of a grid with these flags."""
    return [str(python), str(ROOT / "sweeps" / "grid.py"), "--results", str(results), *flags]


def command(results, *more, python=sys.executable):
    """Return the words of a grid of one small network, whose flags `more` may change."""
    return grid(results, *FLAGS, *more, python=python)


def started(words, **environment):
    """Return a driver that begins in an environment with these values, without those that are None."""
    values = {name: value for name, value in (os.environ | environment).items() if value is not None}
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=values, cwd=ROOT, preexec_fn=_heeds
    )


def _heeds():
    """Heed Ctrl-C and a closed terminal, which `&` and nohup have what they start ignore, tests among it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def stepwise(uri, log, seconds):
    """Return a driver that runs the stand-in for training, whose epochs take so long; at its end it prints True."""
    words = [sys.executable, "-c", STEPWISE, uri, str(log), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def finished(words, **environment):
    """Run a driver to its end, which must be a good one; return what it printed."""
    with started(words, **environment) as process:
        output = process.communicate()[0]
    assert process.returncode == 0, output
    return output


def wait_for(found, process):
    """Wait until there is something; the test's time limit ends it."""
    while not (there := found()):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    return there
