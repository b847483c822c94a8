"""A network stops between its layers once it is asked to."""

import copy
import threading

import pytest

from napari_monuseg.core.interruption import (
    Interrupted,
    interruptible_by,
    make_interruptible,
)
from napari_monuseg.core.networks import NETWORKS, build_network
from napari_monuseg.core.torch_import import nn, torch


@pytest.fixture
def network():
    layers = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sequential(nn.ReLU(), nn.ReLU()))
    make_interruptible(layers)
    return layers


class After:
    """Asks for a stop from the n-th question on."""

    def __init__(self, number):
        self.number, self.asked = number, 0

    def __call__(self):
        self.asked += 1
        return self.asked >= self.number


def pixel():
    return torch.zeros(1, 1, 2, 2)


def test_the_network_stops_in_the_middle(network):
    reached = []
    network[1][1].register_forward_hook(lambda *_: reached.append("last"))
    asked = After(3)

    with interruptible_by(asked), pytest.raises(Interrupted):
        network(pixel())

    assert asked.asked == 3
    assert not reached


def test_nobody_is_asked_afterwards(network):
    asked = After(9)
    with interruptible_by(asked):
        network(pixel())
    assert asked.asked == 3  # one for each layer

    network(pixel())

    assert asked.asked == 3


def test_a_thread_that_is_to_stop_leaves_the_network_of_another_alone(network):
    inside, stopped, results = threading.Event(), threading.Event(), []

    def wait(*_):
        if threading.current_thread() is other:
            inside.set()
            assert stopped.wait(10)

    network[0].register_forward_hook(wait)

    def go_on():
        with interruptible_by(lambda: False):
            results.append(network(pixel()))

    other = threading.Thread(target=go_on)
    other.start()
    assert inside.wait(10)
    with interruptible_by(lambda: True):
        with pytest.raises(Interrupted):
            network(pixel())
        stopped.set()  # the other one goes on while this one is still to stop
        other.join(10)

    assert len(results) == 1


def test_to_a_generator_it_is_as_being_closed(network):
    told = []

    def steps():
        try:
            yield network(pixel())
        except GeneratorExit:
            told.append("closed")
            raise

    with interruptible_by(lambda: True), pytest.raises(Interrupted):
        next(steps())

    assert told == ["closed"]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_of_this_project_can_be_stopped_and_so_can_their_copies(name):
    network = build_network(name)
    pixels = torch.zeros(1, 3, network.stride, network.stride)

    for one in (network, copy.deepcopy(network)):
        asked = After(10)  # far into it, and before its end
        with interruptible_by(asked), pytest.raises(Interrupted):
            one.eval()(pixels)
        assert asked.asked == 10
