"""How property tests run here: quick, without a clock, and with nothing left in the project's folder."""

import tempfile
from pathlib import Path

from hypothesis import configuration, settings

# Its own folder beside the tests would be met by the next collection, whose warning is an error.
configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "rnnsweep-hypothesis")

quick = settings(max_examples=80, deadline=None, database=None)
