"""Grids of networks with made-up seeds, in place of a ledger's trials."""

import numpy as np

from analysis.frames.networks import Grid, Network
from rnnsweep.stats import sample


def network(cell="gru", units=(100,), num_words=1000, max_len=80, seeds=2):
    """Return a network whose keys name it and its seeds."""
    label = f"{cell} {'-'.join(map(str, units))} {num_words} {max_len}"
    return Network(label, cell, units, num_words, max_len, tuple(f"{label} {seed}" for seed in range(seeds)))


def grid(*networks, data="imdb, all reviews", real=True, reviews_used=0, epochs=5):
    """Return a grid of these networks."""
    ended = tuple(key for one in networks for key in one.keys)
    return Grid(data, "imdb", real, reviews_used, epochs, networks, ended)


class Samples:
    """What the seeds did: `mean` by network and measurement, spread by `sd`; `right` says on which reviews."""

    def __init__(self, mean, sd=0.001, right=None, val=lambda key: 0.8):
        self._mean, self._sd, self._right, self._val = mean, sd, right, val

    def __call__(self, network, measure):
        """Return the sample: the mean plus and minus `sd` by turns, so that two seeds have the mean itself."""
        signs = np.resize([1, -1], network.seeds)
        right = None if self._right is None else self._right(network)
        return sample(self._mean(network, measure) + self._sd * signs, right)

    def trained(self, network):
        """Return of each seed whether its validation accuracy is at least .6."""
        return tuple(self._val(key) >= 0.6 for key in network.keys)

    def validation(self, network):
        """Return the mean validation accuracy."""
        return float(np.mean([self._val(key) for key in network.keys]))
