"""What does one network do? One trial in this process, where a debugger can follow it.

    python sweeps/one.py --system gru-3x-1k
    python sweeps/one.py --cell lstm --units 64 32 --num-words 5000 --max-len 200 --epochs 3 --reviews 5000

On one core of a 2024 server the first takes some 5 minutes on IMDB; the second takes half a minute, and classifies 81 %
of 5,000 test reviews. The result goes to the same ledger as a sweep's, so a later grid does not train that cell again.
"""

import sys

from rnnsweep.cli.grid import one

if __name__ == "__main__":
    sys.exit(one(__doc__))
