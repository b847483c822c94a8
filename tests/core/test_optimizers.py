"""The optimizers step as their papers say, on the weights they are meant for."""

import pytest

from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.networks import RECOMMENDED, build_network
from napari_monuseg.core.optimizers import (
    STEP_LENGTH,
    Muon,
    Optimizer,
    mixing_weights,
    orthogonalised,
)
from napari_monuseg.core.torch_import import nn, torch


def matrix_of(singular_values, rows, columns):
    torch.manual_seed(0)
    left = torch.linalg.qr(torch.randn(rows, rows))[0]
    right = torch.linalg.qr(torch.randn(columns, columns))[0]
    middle = torch.zeros(rows, columns)
    middle.diagonal().copy_(torch.tensor(singular_values))
    return left @ middle @ right.mT, left, right


@pytest.mark.parametrize("shape", [(4, 30), (30, 4), (4, 4)])
def test_singular_values_come_near_one_and_vectors_stay(shape):
    matrix, left, right = matrix_of([50.0, 5.0, 2.0, 1.0], *shape)

    turned = left.mT @ orthogonalised(matrix) @ right

    values = turned.diagonal().clone()
    assert values.min() > 0.6
    assert values.max() < 1.3
    turned.diagonal().zero_()
    assert turned.abs().max() < 1e-3


def test_no_gradient_is_no_direction():
    assert not orthogonalised(torch.zeros(3, 5)).any()


def test_a_step_is_as_long_as_its_rate_says():
    torch.manual_seed(0)
    weights = nn.Parameter(torch.randn(64, 32, 3, 3))
    before = weights.detach().clone()
    weights.grad = 1e-4 * torch.randn(64, 32, 3, 3)

    Muon([weights], lr=0.01).step()

    moved = float((weights.detach() - before).square().mean().sqrt())
    assert moved == pytest.approx(0.01 * STEP_LENGTH, rel=0.2)


def test_weights_without_a_gradient_stay():
    weights = nn.Parameter(torch.ones(4, 4, 3, 3))

    Muon([weights], lr=0.1, weight_decay=0.1).step()

    assert torch.equal(weights, torch.ones(4, 4, 3, 3))


def test_weights_decay_and_momentum_goes_on():
    torch.manual_seed(0)
    weights = nn.Parameter(torch.ones(8, 8))
    optimizer = Muon([weights], lr=0.5, weight_decay=0.2)
    weights.grad = torch.zeros(8, 8)
    optimizer.step()
    assert torch.allclose(weights, torch.full((8, 8), 0.9))

    weights.grad = torch.randn(8, 8)
    optimizer.step()
    before = weights.detach().clone()
    weights.grad = torch.zeros(8, 8)
    optimizer.step()
    assert (weights.detach() - 0.9 * before).abs().max() > 0.01


def test_channels_last_weights_step_as_others():
    torch.manual_seed(0)
    plain = nn.Parameter(torch.randn(8, 4, 3, 3))
    last = nn.Parameter(
        plain.detach().clone().contiguous(memory_format=torch.channels_last)
    )
    gradient = torch.randn(8, 4, 3, 3)
    plain.grad = gradient
    last.grad = gradient.contiguous(memory_format=torch.channels_last)

    Muon([plain], lr=0.1).step()
    Muon([last], lr=0.1).step()

    assert torch.allclose(plain, last, atol=1e-6)


@pytest.mark.parametrize("name", ["unet", "segnet", "deeplabv3plus"])
def test_muon_has_what_mixes_channels_between_the_ends(name):
    network = build_network(name, **RECOMMENDED[name])
    layers = [one for one in network.modules() if isinstance(one, nn.Conv2d)]
    chosen = {id(weights) for weights in mixing_weights(network)}

    left_out = [one for one in layers if id(one.weight) not in chosen]
    separable = [one for one in left_out if one.groups > 1]
    ends = [one for one in left_out if one.groups == 1]

    assert len(chosen) > 6
    assert [one.in_channels for one in ends[:1]] == [3]
    assert [one.out_channels for one in ends[1:]] == [2]
    assert bool(separable) == (name == "deeplabv3plus")


def test_the_rate_is_that_of_all_parts():
    network = build_network("segnet", widths=[4, 8], convolutions=[1, 1])
    optimizer = Optimizer(network, "muon", learning_rate=0.1, weight_decay=0.0)
    before = [one.detach().clone() for one in network.parameters()]
    for one in network.parameters():
        one.grad = torch.ones_like(one)

    optimizer.learning_rate = 0.0
    optimizer.step()

    assert optimizer.learning_rate == 0
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(old, new)
    optimizer.learning_rate = 0.01
    optimizer.step()
    for old, new in zip(before, network.parameters(), strict=True):
        assert not torch.equal(old, new)


def test_moments_come_back_to_their_weights():
    torch.manual_seed(0)
    network = build_network("segnet", widths=[4, 8], convolutions=[1, 1])
    optimizer = Optimizer(network, "muon", learning_rate=0.01, weight_decay=0.0)
    for one in network.parameters():
        one.grad = torch.randn_like(one)
    optimizer.step()

    other = Optimizer(network, "muon", learning_rate=0.01, weight_decay=0.0)
    assert not other.tensors()
    other.restore(optimizer.tensors())

    kept = optimizer.tensors()
    assert len({name.split(".")[0] for name in kept}) == len(list(network.parameters()))
    assert {name.split(".")[1] for name in kept} >= {"exp_avg", "momentum"}
    for name, tensor in other.tensors().items():
        assert torch.equal(tensor, kept[name])


def test_an_unknown_optimizer_is_one_sentence():
    network = build_network("segnet", widths=[4, 8], convolutions=[1, 1])

    with pytest.raises(TrainingError, match="no optimizer 'sgd'; choose one of adamw"):
        Optimizer(network, "sgd", learning_rate=0.1, weight_decay=0.0)
