"""`python -m rnnsweep COMMAND`: the installed command, where the folder of installed commands is not on the path."""

import sys

from rnnsweep.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
