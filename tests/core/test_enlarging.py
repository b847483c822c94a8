"""What is enlarged last is what is enlarged first, at a lower price."""

import pytest

from napari_monuseg.core.enlarging import DecoderBlock, EnlargedConv2d
from napari_monuseg.core.networks import build_network
from napari_monuseg.core.torch_import import functional, nn, smp, torch

LIBRARY = smp.decoders.unet.decoder.UnetDecoderBlock


def numbers(*shape):
    return torch.rand(*shape, generator=torch.manual_seed(sum(shape))) - 0.5


def as_by_hand(convolution, small, beside):
    doubled = functional.interpolate(small, scale_factor=2, mode="nearest")
    parts = [doubled] if beside is None else [doubled, beside]
    return convolution(torch.cat(parts, dim=1))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (5, 2)])
def test_it_is_a_convolution_of_what_was_doubled(shape, beside, bias):
    height, width = shape
    small = numbers(2, 3, height, width)
    other = numbers(2, 2, 2 * height, 2 * width) if beside else None
    convolution = nn.Conv2d(5 if beside else 3, 4, 3, padding=1, bias=bias)

    convolved = EnlargedConv2d(convolution)(small, other)

    expected = as_by_hand(convolution, small, other)
    assert torch.allclose(convolved, expected, atol=1e-6)


def test_it_learns_as_such_a_convolution_does():
    convolution = nn.Conv2d(5, 4, 3, padding=1)
    small, beside = numbers(1, 3, 4, 4), numbers(1, 2, 8, 8)
    slopes = []
    for run in (
        EnlargedConv2d(convolution),
        lambda small, beside: as_by_hand(convolution, small, beside),
    ):
        inputs = [small.clone().requires_grad_(), beside.clone().requires_grad_()]
        targets = [*inputs, convolution.weight, convolution.bias]
        slopes.append(torch.autograd.grad(run(*inputs).square().sum(), targets))

    for ours, expected in zip(*slopes, strict=True):
        assert torch.allclose(ours, expected, atol=1e-4)


def test_a_block_of_the_decoder_is_that_of_the_library():
    torch.manual_seed(0)
    library = LIBRARY(3, 2, 4)
    ours = DecoderBlock(LIBRARY(3, 2, 4).conv1, LIBRARY(3, 2, 4).conv2)
    ours.load_state_dict(library.state_dict())
    small, beside = numbers(2, 3, 4, 6), numbers(2, 2, 8, 12)

    learned = [block.train()(small, 8, 12, beside) for block in (library, ours)]
    asked = [block.eval()(small, 8, 12, beside) for block in (library, ours)]

    assert torch.allclose(*learned, atol=1e-5)
    assert torch.allclose(*asked, atol=1e-5)
    for name, kept in library.state_dict().items():
        assert torch.allclose(kept.float(), ours.state_dict()[name].float(), atol=1e-6)


def test_unet_begins_with_the_weights_of_the_library_and_says_the_same():
    torch.manual_seed(0)
    ours = build_network("unet").eval()
    drawn = torch.rand(1)
    torch.manual_seed(0)
    library = smp.Unet("resnet18", encoder_weights=None, classes=2).eval()

    assert torch.equal(drawn, torch.rand(1))  # nothing else was left to chance
    weights = ours.body.state_dict()
    assert list(weights) == list(library.state_dict())
    assert all(torch.equal(weights[k], v) for k, v in library.state_dict().items())
    image = numbers(1, 3, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(ours.body(image), library(image), atol=1e-5)
