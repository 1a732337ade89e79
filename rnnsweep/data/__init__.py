"""TODO rnnsweep.data."""

from rnnsweep.data.load import load
from rnnsweep.data.reviews import DataError, Dataset, Reviews, encode
from rnnsweep.data.split import split

__all__ = ["DataError", "Dataset", "Reviews", "encode", "load", "split"]
