"""The optimizers' updates as compiled loops, in place, one weight at a time: Keras 3's formulas in Keras's own order.

They stay in one file, as `steps.py` does, and for the same reason. No multiplication is contracted with an addition, so
that they round as Keras's operations do, one after another.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba infers the types of the compiled functions; annotations would repeat them and be checked by nobody.

from __future__ import annotations

import numpy as np

from rnnsweep.network.packed.compiled import compiled

_ONE, _HALF = np.float32(1), np.float32(0.5)
_NADAM_DECAY = np.float32(0.96)


# The functions share their arguments, so that the code around them need not know the optimizer: a weight and its
# gradient, float32 [values]; the optimizer's two arrays of that weight, without values where it has none; `shared`,
# float32 [1], which belongs to all weights; the number of the step, from 1; the learning rate; and the settings that
# UPDATES names, float64. They change the weight and its arrays.
@compiled
def _adam(weight, gradient, momentum, velocity, shared, step, rate, settings):
    beta_1, beta_2, epsilon = settings[0], settings[1], np.float32(settings[2])
    rest_1, rest_2 = np.float32(1 - beta_1), np.float32(1 - beta_2)
    power_1, power_2 = np.float32(beta_1) ** np.float32(step), np.float32(beta_2) ** np.float32(step)
    alpha = rate * np.sqrt(_ONE - power_2) / (_ONE - power_1)
    for k in range(weight.size):
        g = gradient[k]
        m = momentum[k] + (g - momentum[k]) * rest_1
        v = velocity[k] + (g * g - velocity[k]) * rest_2
        weight[k] -= m * alpha / (np.sqrt(v) + epsilon)
        momentum[k], velocity[k] = m, v


@compiled
def decay(weight, share, rate):
    """Take this share of a weight, float32 [values], times the learning rate, off it, before the optimizer's update."""
    taken = np.float32(share) * rate
    for k in range(weight.size):
        weight[k] -= weight[k] * taken  # as TensorFlow reorders it


@compiled
def _nadam(weight, gradient, momentum, velocity, shared, step, rate, settings):
    beta_1, beta_2, epsilon = np.float32(settings[0]), np.float32(settings[1]), np.float32(settings[2])
    rest_1, rest_2 = _ONE - beta_1, _ONE - beta_2
    now = beta_1 * (_ONE - _HALF * _NADAM_DECAY ** np.float32(step))
    after = beta_1 * (_ONE - _HALF * _NADAM_DECAY ** np.float32(step + 1))
    of_momentum, of_gradient = _ONE - shared[0] * after, _ONE - shared[0]
    of_velocity = _ONE - beta_2 ** np.float32(step)
    for k in range(weight.size):
        g = gradient[k]
        m = momentum[k] + (g - momentum[k]) * rest_1
        v = velocity[k] + (g * g - velocity[k]) * rest_2
        m_hat = after * m / of_momentum + (_ONE - now) * g / of_gradient
        weight[k] -= m_hat * rate / (np.sqrt(v / of_velocity) + epsilon)
        momentum[k], velocity[k] = m, v


@compiled
def nadam_product(product, step, beta_1):
    """Return the product of Nadam's schedule of momenta, taken on by one step."""
    return product * np.float32(beta_1) * (_ONE - _HALF * _NADAM_DECAY ** np.float32(step))


@compiled
def _rmsprop(weight, gradient, velocity, nothing, shared, step, rate, settings):
    rho, rest, epsilon = np.float32(settings[0]), np.float32(1 - settings[0]), np.float32(settings[1])
    for k in range(weight.size):
        g = gradient[k]
        v = rho * velocity[k] + rest * (g * g)
        weight[k] -= rate * g / np.sqrt(v + epsilon)
        velocity[k] = v


@compiled
def _sgd(weight, gradient, momentum, nothing, shared, step, rate, settings):
    keep = np.float32(settings[0])
    if not momentum.size:
        for k in range(weight.size):
            weight[k] -= gradient[k] * rate
        return
    for k in range(weight.size):
        m = momentum[k] * keep - gradient[k] * rate
        weight[k] += m
        momentum[k] = m


# Of a table only the rows that a batch reads have a gradient. A row that had none in some steps takes all of them when
# it is read again, by the same operations, while it lies in the cache: no bit is another one, and most of a large table
# is not touched. `taken` int64 [rows] is the step that each row is at, `rows` names some of them, maybe one twice.
@compiled
def sgd_catch_up(weight, momentum, taken, rows, step, settings):
    """Take the steps without a gradient that these rows of float32 [rows, columns] have missed up to this one."""
    keep = np.float32(settings[0])
    for row in rows:
        w, m = weight[row], momentum[row]
        missed = step - taken[row]
        taken[row] = step
        for t in range(missed):
            for k in range(w.size):
                m[k] *= keep
                w[k] += m[k]
            if t % 64 == 63 and not m.any():
                break


@compiled
def sgd_rows(weight, momentum, taken, rows, gradient, step, rate, settings):
    """Take one step of these rows by their gradient, float32 [rows named, columns]; each is named once."""
    keep = np.float32(settings[0])
    for i in range(rows.size):
        w, g = weight[rows[i]], gradient[i]
        taken[rows[i]] = step
        if not momentum.size:
            for k in range(w.size):
                w[k] -= g[k] * rate
        else:
            m = momentum[rows[i]]
            for k in range(w.size):
                m[k] = m[k] * keep - g[k] * rate
                w[k] += m[k]


UPDATES = {
    "adam": (_adam, ("beta_1", "beta_2", "epsilon")),
    "adamw": (_adam, ("beta_1", "beta_2", "epsilon")),
    "nadam": (_nadam, ("beta_1", "beta_2", "epsilon")),
    "rmsprop": (_rmsprop, ("rho", "epsilon")),
    "sgd": (_sgd, ("momentum",)),
}
"""The loop of each of Keras's optimizers that has one, by name, and what it takes from the optimizer's settings."""
