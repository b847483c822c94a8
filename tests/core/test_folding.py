"""A folded network says what it said before."""

import pytest
from saying import has, learned, said

from napari_monuseg.core import enlarging
from napari_monuseg.core.folding import fold_batch_norms
from napari_monuseg.core.interruption import Interrupted, interruptible_by
from napari_monuseg.core.networks import (
    NETWORKS,
    RECOMMENDED,
    NucleusNetwork,
    build_network,
)
from napari_monuseg.core.torch_import import nn, torch


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_says_the_same_without_its_batch_norms(name):
    network = learned(build_network(name, **RECOMMENDED[name]))
    image = torch.rand(1, 3, 64, 96, generator=torch.manual_seed(1))
    before = said(network, image)

    fold_batch_norms(network)

    assert not has(network, nn.BatchNorm2d)
    after = said(network, image)
    assert torch.allclose(after, before, atol=1e-4 * float(before.abs().max()))


def test_sums_of_weights_are_taken_but_once(monkeypatch):
    network = learned(build_network("unet", **RECOMMENDED["unet"]))
    image = torch.rand(1, 3, 64, 64)
    fold_batch_norms(network)
    before = said(network, image)

    monkeypatch.setattr(enlarging, "_quarters", None)

    assert torch.equal(said(network, image), before)
    with pytest.raises(TypeError):
        said(learned(build_network("unet", **RECOMMENDED["unet"])), image)


def test_a_batch_norm_that_follows_no_convolution_stays():
    body = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1))
    network = learned(NucleusNetwork(body, stride=1))
    image = torch.rand(1, 3, 4, 4)
    before = said(network, image)

    fold_batch_norms(network)

    assert has(network, nn.BatchNorm2d)
    assert torch.equal(said(network, image), before)


def test_a_folded_network_can_be_stopped():
    network = learned(build_network("segnet", **RECOMMENDED["segnet"]))
    fold_batch_norms(network)
    asked = iter([False] * 5 + [True])

    with interruptible_by(lambda: next(asked)), pytest.raises(Interrupted):
        said(network, torch.rand(1, 3, 32, 32))


def test_looking_on_leaves_nothing_behind_when_stopped():
    network = learned(build_network("segnet", **RECOMMENDED["segnet"]))
    hooks = [len(part._forward_hooks) for part in network.modules()]

    with interruptible_by(lambda: True), pytest.raises(Interrupted):
        fold_batch_norms(network)

    assert [len(part._forward_hooks) for part in network.modules()] == hooks
    assert has(network, nn.BatchNorm2d)
