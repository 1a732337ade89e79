"""Attention pooling, packed: the mean of a text's steps by shares, the softmax of their products with a learned query.

The compiled loops call none of another file (numba's cache would not notice a change there).
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba infers the types of the compiled functions; annotations would repeat them and be checked by nobody.

from __future__ import annotations

import numpy as np

from rnnsweep.network.packed.compiled import compiled


# outputs float32 [pairs, width]: of the last layer; texts int32 [pairs]: whose each is; shares float32 [pairs];
# pooled float32 [texts, width].
@compiled
def attend(outputs, scores, texts, shares, pooled):
    """Fill shares and pooled from the products of the outputs with the query, float32 [pairs]."""
    best = np.full(pooled.shape[0], -np.inf, np.float32)
    total = np.zeros(pooled.shape[0], np.float32)
    pooled[:] = 0
    for pair in range(texts.size):
        text, score = texts[pair], scores[pair]
        if not score <= best[text]:  # so written, NaN stays
            best[text] = score
    for pair in range(texts.size):
        text = texts[pair]
        shares[pair] = np.exp(scores[pair] - best[text])
        total[text] += shares[pair]
    for pair in range(texts.size):
        text = texts[pair]
        share = shares[pair] = shares[pair] / total[text]
        to, output = pooled[text], outputs[pair]
        for k in range(to.size):
            to[k] += share * output[k]


@compiled
def attend_gradient(outputs, texts, shares, pooled, query, dpooled, doutputs, dquery):
    """Fill the gradients of the outputs [pairs, width] and of the query [width] from that of what is pooled."""
    means = np.empty(pooled.shape[0], np.float32)
    for text in range(means.size):
        means[text] = np.dot(dpooled[text], pooled[text])
    dquery[:] = 0
    for pair in range(texts.size):
        text, share, output, to = texts[pair], shares[pair], outputs[pair], doutputs[pair]
        given = dpooled[text]
        dscore = share * (np.dot(given, output) - means[text])
        for k in range(to.size):
            to[k] = share * given[k] + dscore * query[k]
            dquery[k] += dscore * output[k]
