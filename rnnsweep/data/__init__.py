"""The reviews: where they come from, what is kept of them, and which of them a network sees for what."""

from rnnsweep.data.load import load
from rnnsweep.data.reading import Reading
from rnnsweep.data.reviews import DataError, Dataset, Reviews, encode
from rnnsweep.data.split import split

__all__ = ["DataError", "Dataset", "Reading", "Reviews", "encode", "load", "split"]
