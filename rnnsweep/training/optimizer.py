"""The update of a Keras optimizer by compiled loops, on arrays that are Keras's variables again at each epoch's end."""

from __future__ import annotations

import numpy as np

from rnnsweep.machine.device import keras
from rnnsweep.network.packed.denormals import flushed
from rnnsweep.network.packed.updates import UPDATES, decay, nadam_product
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Row


def keras_optimizer(spec: Spec) -> keras.optimizers.Optimizer:
    """Return the optimizer of a spec, not built yet; what the spec does not say is at Keras's defaults."""
    config: Row = {"learning_rate": spec.learning_rate}
    if spec.optimizer == "sgd":
        config["momentum"] = spec.momentum
    if spec.clip_norm:
        config["global_clipnorm"] = spec.clip_norm
    if spec.weight_decay:
        config["weight_decay"] = spec.weight_decay
    return keras.optimizers.get({"class_name": spec.optimizer, "config": config})


class InPlaceOptimizer:
    """A Keras optimizer's weights and state as arrays, changed in place by the optimizer's own formula.

    `read` takes them from Keras's variables, `write` gives them back. Raises `KeyError` on an optimizer without a loop,
    and `ValueError` on one that is not built for these variables.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable]) -> None:
        """Take up an optimizer that is built for these variables; nothing is read yet."""
        self._optimizer, self._variables = optimizer, variables
        self._name = type(optimizer).__name__.lower()
        self._update, settings = UPDATES[self._name]
        if not self._is_built():  # else the loops would write where no array is
            raise ValueError(f"{self._name} is not built for these {len(variables)} variables; call its build first")
        self._decay, self._longest = optimizer.weight_decay or 0, optimizer.global_clipnorm or 0
        self._settings = np.array([getattr(optimizer, setting) for setting in settings])
        self.weights: list[Floats] = []  # as the last step left them
        self._state: list[Floats] = []  # of each weight its arrays, and what belongs to all at the end
        self._steps = 0
        self.rate = np.float32(0)  # of the next step

    def read(self) -> None:
        """Take weights, state, learning rate and number of steps from Keras's variables."""
        self.weights = [_array(variable) for variable in self._variables]
        self._state = [_array(variable) for variable in self._state_variables()]
        self._steps = int(_array(self._optimizer.iterations))
        self.rate = np.float32(_array(self._optimizer.learning_rate))

    def apply(self, gradients: list[Floats]) -> None:
        """Change the weights and the state by one step of the gradients, a float32 array of each weight's shape."""
        self._steps += 1
        with flushed():
            gradients = self._clipped(gradients)
            shared = self._shared()
            each = len(self._state) // len(self.weights)
            for i, (weight, gradient) in enumerate(zip(self.weights, gradients, strict=True)):
                own = self._state[i * each : (i + 1) * each] + [shared[:0]] * (2 - each)
                arrays = [array.reshape(-1) for array in (weight, gradient, *own)]
                if self._decay:
                    decay(arrays[0], self._decay, self.rate)
                self._update(*arrays, shared, self._steps, self.rate, self._settings)

    def write(self) -> None:
        """Give weights, state and number of steps back to Keras's variables."""
        for variable, array in zip(self._variables, self.weights, strict=True):
            variable.assign(array.copy())  # a backend may keep the array that it is given
        for variable, array in zip(self._state_variables(), self._state, strict=True):
            variable.assign(array.copy())
        self._optimizer.iterations.assign(self._steps)
        self._optimizer.learning_rate.assign(self.rate)

    def _clipped(self, gradients: list[Floats]) -> list[Floats]:
        """Return the gradients, shortened where all together are longer than allowed: Pascanu and others 2013."""
        if not self._longest:
            return gradients
        norm = np.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in gradients))
        return gradients if norm <= self._longest else [g * np.float32(self._longest / norm) for g in gradients]

    def _shared(self) -> Floats:
        """Return what belongs to all weights, float32 [1], as of this step: Nadam's product of momenta, or 1."""
        if self._name != "nadam":
            return np.ones(1, np.float32)
        product = self._state[-1].reshape(1)
        product[0] = nadam_product(product[0], self._steps, self._settings[0])
        return product

    def _is_built(self) -> bool:
        state = [variable.shape for variable in self._state_variables()] if self._optimizer.built else []
        each = len(state) // len(self._variables)
        own = [variable.shape for variable in self._variables for _ in range(each)]
        return bool(self._optimizer.built) and state[: len(own)] == own

    def _state_variables(self) -> list[keras.Variable]:
        # Keras has the number of steps and the learning rate in front, then each weight's, then what belongs to all.
        variables: list[keras.Variable] = self._optimizer.variables[2:]
        return variables


def _array(variable: keras.Variable) -> Floats:
    return np.array(keras.ops.convert_to_numpy(variable))
