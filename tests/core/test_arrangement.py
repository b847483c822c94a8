"""A network arranged for prediction says what it said before."""

import re

import pytest
from saying import has, learned, said

from napari_monuseg.core import arrangement
from napari_monuseg.core.arrangement import arrange, run_in_bands
from napari_monuseg.core.interruption import Interrupted, interruptible_by
from napari_monuseg.core.networks import RECOMMENDED, NucleusNetwork, build_network
from napari_monuseg.core.torch_import import nn, torch

CPU = torch.device("cpu")

SHAPES = [
    *RECOMMENDED.items(),
    ("unet", {"encoder": "resnet34", "decoder_channels": [32, 16, 16, 8, 8]}),
    ("segnet", {"widths": [4, 6, 8], "convolutions": [3, 2, 1]}),
    ("deeplabv3plus", {"align_corners": False, "atrous_rates": [1, 2, 3]}),
]


@pytest.fixture(autouse=True)
def low_bands(monkeypatch):
    monkeypatch.setattr(arrangement, "ROWS", 32)


NEAR_FULL_RESOLUTION = re.compile(
    # All of SegNet but its context, of the others what follows encoder and pyramid.
    r"body\.(encoder\.\d|decoder\.(?!aspp)|segmentation_head|head)"
)


def highest(network, image):
    """Give how high the highest map is that one of those convolutions is given, px."""
    heights = []

    def note(_, maps):
        heights.append(maps[0].shape[2])

    hooks = [
        part.register_forward_pre_hook(note)
        for name, part in network.named_modules()
        if isinstance(part, nn.Conv2d) and NEAR_FULL_RESOLUTION.match(name)
    ]
    said(network, image)
    for hook in hooks:
        hook.remove()
    return max(heights)


@pytest.mark.parametrize(("name", "shape"), SHAPES)
def test_every_network_says_the_same_in_bands(name, shape):
    # In doubles: in which pixel a maximum lies hangs on the last digit at times.
    network = learned(build_network(name, **shape)).double()
    image = torch.rand(1, 3, 416, 64, dtype=torch.float64)
    before = said(network, image)
    assert highest(network, image) >= 416 / 4

    run_in_bands(network)

    assert highest(network, image) <= 32 + 2 * 4
    assert torch.allclose(said(network, image), before, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", RECOMMENDED)
def test_on_a_cpu_a_network_is_folded_and_runs_in_bands(name):
    network = learned(build_network(name, **RECOMMENDED[name]))
    image = torch.rand(1, 3, 416, 64, generator=torch.manual_seed(1))
    before = said(network, image)

    network = arrange(network, CPU)

    assert not has(network, nn.BatchNorm2d)
    assert highest(network, image) <= 32 + 2 * 4
    after = said(network, image)
    assert torch.allclose(after, before, atol=1e-4 * float(before.abs().max()))


def test_where_corners_are_aligned_nothing_runs_in_bands():
    network = learned(build_network("deeplabv3plus"))
    image = torch.rand(1, 3, 256, 32)
    before = said(network, image)

    network = arrange(network, CPU)

    assert highest(network, image) == 256 / 4
    assert torch.allclose(said(network, image), before, atol=1e-3)


def test_elsewhere_than_on_a_cpu_maps_stay_whole():
    network = learned(build_network("segnet", **RECOMMENDED["segnet"]))
    body = network.body

    arranged = arrange(network, torch.device("meta"))

    assert arranged.body is body
    assert next(arranged.parameters()).device.type == "meta"


def test_any_other_network_stays_as_it_is():
    body = nn.Conv2d(3, 2, 3, padding=1)
    network = learned(NucleusNetwork(body, stride=1))

    run_in_bands(network)

    assert network.body is body


def test_an_arranged_network_can_be_stopped_between_bands():
    network = arrange(learned(build_network("unet", **RECOMMENDED["unet"])), CPU)
    image = torch.rand(1, 3, 416, 32)
    asked = 0

    def stop_at(limit):
        def ask():
            nonlocal asked
            asked += 1
            return asked == limit

        return ask

    with interruptible_by(stop_at(0)):
        said(network, image)
    layers, asked = asked, 0
    with interruptible_by(stop_at(layers - 1)), pytest.raises(Interrupted):
        said(network, image)
