"""What does the best network say of a text? Its class and probability, which network that is, how it was chosen.

    python sweeps/predict.py "a text" "another one"                   the best of results/, the mean of its seeds
    python sweeps/predict.py 0123456789ab --results s3://BUCKET/PATH "a text" one trial of a bucket's ledger
    python sweeps/predict.py --file reviews.csv --out predictions.csv      a line per row; broken off, it goes on
    python sweeps/predict.py best --train                                  trains it again where its weights are missing

What it takes is in docs/predictions.md: about a second to start, then a few milliseconds a text.
"""

import sys

from rnnsweep.cli.predict import predict

if __name__ == "__main__":
    sys.exit(predict(__doc__))
