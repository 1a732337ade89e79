"""What a network costs, against Keras's own counts and numbers worked by hand."""

import pytest

from rnnsweep.cells import BUILT_IN
from rnnsweep.machine.device import keras
from rnnsweep.network.cost import forward_flops, parameters, step_flops, training_flops
from rnnsweep.network.model import build
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec

SMALL = Spec(units=(3, 2), embedding_dim=4, num_words=10, max_len=5)
EVERY_KIND = [
    SMALL.replace(cell=cell, units=units, bidirectional=both)
    for cell in BUILT_IN
    for units in ((3,), (3, 2), (3, 2, 5))
    for both in (False, True)
]


def kernels(layer):
    """Return the weights of the input and of the recurrent kernels of one layer, in all its directions."""
    both = isinstance(layer, keras.layers.Bidirectional)
    parts = (layer.forward_layer, layer.backward_layer) if both else (layer,)
    cells = [part.cell for part in parts]
    return tuple(
        sum(getattr(cell, name).shape.num_elements() for cell in cells if hasattr(cell, name)) for name in KERNELS
    )


KERNELS = ("kernel", "recurrent_kernel")


@pytest.mark.parametrize("spec", [*SYSTEMS.values(), *EVERY_KIND], ids=Spec.label)
def test_the_count_of_weights_is_kerass(spec):
    assert parameters(spec) == build(spec).count_params()


@pytest.mark.parametrize("spec", EVERY_KIND, ids=Spec.label)
def test_the_count_of_weights_is_kerass_for_several_classes(spec):
    assert parameters(spec, 7) == build(spec, 7).count_params()


@pytest.mark.parametrize("spec", EVERY_KIND, ids=Spec.label)
def test_a_step_takes_two_operations_per_kernel_weight_but_for_those_that_a_word_looks_up(spec):
    layers = [kernels(layer) for layer in build(spec).layers[1 : 1 + spec.depth]]
    assert forward_flops(spec) == 2 * (sum(map(sum, layers)) - layers[0][0])


def test_the_layer_above_a_bidirectional_one_reads_twice_its_units():
    # SimpleRNN of 3 and 2 units: 3 x 3, then (3 + 2) x 2 with one direction below, (6 + 2) x 2 with two.
    one = Spec(cell="simple_rnn", units=(3, 2))
    assert forward_flops(one) == 2 * (9 + 10)
    assert forward_flops(one.replace(bidirectional=True)) == 2 * 2 * (9 + 16)


def test_training_takes_the_way_back_and_what_no_look_up_gives():
    # SimpleRNN of 3 units on 4 columns: 9 weights in a step, 12 more where each word is another one at each place.
    one = Spec(cell="simple_rnn", units=(3,), embedding_dim=4)
    assert training_flops(one) == 3 * 2 * 9
    assert training_flops(one.replace(channel_dropout=0.1)) == 3 * 2 * (9 + 12)
    assert training_flops(one.replace(adversarial=1)) == 2 * 3 * 2 * (9 + 12)
    assert 0 == forward_flops(one.replace(cell="mingru")) < step_flops(one.replace(cell="mingru"))
