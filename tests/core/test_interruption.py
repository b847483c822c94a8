"""A network stops between its layers once it is asked to."""

import pytest

from napari_monuseg.core.interruption import (
    Interrupted,
    heeding_interruption,
    interruptible_by,
)
from napari_monuseg.core.torch_import import nn, torch


@pytest.fixture
def network():
    return nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sequential(nn.ReLU(), nn.ReLU()))


class After:
    """Asks for a stop from the n-th question on."""

    def __init__(self, number):
        self.number, self.asked = number, 0

    def __call__(self):
        self.asked += 1
        return self.asked >= self.number


def test_the_network_stops_in_the_middle(network):
    reached = []
    network[1][1].register_forward_hook(lambda *_: reached.append("last"))
    asked = After(3)

    with (
        interruptible_by(asked),
        heeding_interruption(network),
        pytest.raises(Interrupted),
    ):
        network(torch.zeros(1, 1, 2, 2))

    assert asked.asked == 3
    assert not reached


def test_nothing_is_left_on_the_network_and_nobody_else_is_asked(network):
    asked = After(9)
    with interruptible_by(asked), heeding_interruption(network):
        network(torch.zeros(1, 1, 2, 2))
    assert asked.asked == 3  # one for each layer

    network(torch.zeros(1, 1, 2, 2))
    with heeding_interruption(network):
        network(torch.zeros(1, 1, 2, 2))

    assert asked.asked == 3


def test_to_a_generator_it_is_as_being_closed(network):
    told = []

    def steps():
        try:
            with heeding_interruption(network):
                yield network(torch.zeros(1, 1, 2, 2))
        except GeneratorExit:
            told.append("closed")
            raise

    with interruptible_by(lambda: True), pytest.raises(Interrupted):
        next(steps())

    assert told == ["closed"]
