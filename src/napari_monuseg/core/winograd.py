"""3×3 convolutions by Winograd's algorithm, where a CPU is known to gain by it.

It takes 64 multiplications for what 6 × 6 pixels give, instead of 324. Torch brings
NNPACK along, on Linux, which has it; of itself it turns there only for batches of
16 images and more. On CPUs with AVX512 it is not yet measured, and not used.

References
----------
A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
"""

from napari_monuseg.core.enlarging import EnlargedConv2d
from napari_monuseg.core.interruption import make_interruptible
from napari_monuseg.core.torch_import import functional, nn, torch

FEWEST_CHANNELS = 64
"""Going in and coming out, from which on it is faster."""

_RGB = 3


def winograd_is_faster(device: torch.device) -> bool:
    """Say whether networks gain by it on a device."""
    # Where NNPACK does not know the CPU, torch warns when asked: ask that first.
    return (
        device.type == "cpu"
        and torch.backends.cpu.get_cpu_capability() == "AVX2"
        and _has_nnpack()
    )


def use_winograd(network: nn.Module) -> None:
    """Let the 3×3 convolutions of a network run by Winograd's algorithm, in place.

    Maps flow through it with their channels first, as NNPACK wants them, from the
    first of these convolutions on.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode, on the CPU.
    """
    for name, part in [*network.named_modules()]:
        if not isinstance(part, nn.Conv2d):
            continue
        if part.in_channels > _RGB:
            _put_channels_first(part)
        if isinstance(part, EnlargedConv2d):
            part.convolve = convolve
        elif _fits(part):
            network.set_submodule(name, WinogradConv2d(part))


def convolve(
    features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """Convolve 3×3, padded by 1 px of zeros, by Winograd's algorithm if that is faster.

    Parameters
    ----------
    features : (N, C, H, W) tensor
    weight : (O, C, 3, 3) tensor
    bias : (O,) tensor or None

    Returns
    -------
    (N, O, H, W) tensor
        The same as `functional.conv2d` gives, up to rounding.
    """
    suits = (
        min(weight.shape[:2]) >= FEWEST_CHANNELS
        and features.dtype == weight.dtype == torch.float32
        and features.device.type == "cpu"
        and _has_nnpack()
    )
    if not suits:
        return functional.conv2d(features, weight, bias, padding=1)
    sides = [1, 1]
    return torch._nnpack_spatial_convolution(features, weight, bias, sides, sides)


class WinogradConv2d(nn.Conv2d):
    """3×3 convolution that keeps the size, by Winograd's algorithm if that is faster.

    A dilated one becomes several that are not: each of its results comes from pixels
    a fixed step apart, and so from one of ``step × step`` smaller maps.

    Parameters
    ----------
    convolution : nn.Conv2d
        3×3, dense, without stride, padded by its dilation; its parameters become
        those of this one.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        step = convolution.dilation[0]
        super().__init__(
            convolution.in_channels,
            convolution.out_channels,
            kernel_size=3,
            padding=step,
            dilation=step,
            bias=convolution.bias is not None,
            device="meta",  # takes no memory, and nothing from the source of chance
        )
        self.weight, self.bias = convolution.weight, convolution.bias
        make_interruptible(self)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Convolve ``(N, C, H, W)`` to ``(N, O, H, W)``."""
        step, _ = self.dilation
        if step == 1:
            return convolve(features, self.weight, self.bias)
        count, _, height, width = features.shape
        # Beyond the edge there are zeros in any case.
        filled = functional.pad(features, (0, -width % step, 0, -height % step))
        convolved = convolve(_apart(filled, step), self.weight, self.bias)
        return _together(convolved, count, step)[:, :, :height, :width]


def _fits(convolution: nn.Conv2d) -> bool:
    down, across = convolution.dilation
    return (
        convolution.kernel_size == (3, 3)
        and convolution.stride == (1, 1)
        and convolution.groups == 1
        and down == across
        and convolution.padding == convolution.dilation
        and convolution.padding_mode == "zeros"
        and min(convolution.in_channels, convolution.out_channels) >= FEWEST_CHANNELS
    )


def _has_nnpack() -> bool:
    # The operator is not public, and to ask also sets NNPACK up.
    return (
        hasattr(torch, "_nnpack_spatial_convolution")
        and torch.backends.nnpack.is_available()  # type: ignore[no-untyped-call]
    )


def _put_channels_first(convolution: nn.Conv2d) -> None:
    """Lay out the weights so that maps keep the layout in which they come."""
    weight = convolution.weight
    # Where a side is 1, both layouts are one to torch, which then copies nothing.
    plain = torch.empty(weight.shape, dtype=weight.dtype, device=weight.device)
    weight.data = plain.copy_(weight.data)


def _apart(features: torch.Tensor, step: int) -> torch.Tensor:
    """Give the maps ``(N step², C, H / step, W / step)`` of pixels a step apart."""
    count, channels, height, width = features.shape
    parts = functional.pixel_unshuffle(features, step)
    parts = parts.view(count, channels, step**2, height // step, width // step)
    return parts.transpose(1, 2).flatten(0, 1)


def _together(parts: torch.Tensor, count: int, step: int) -> torch.Tensor:
    """Undo `_apart`."""
    maps = parts.view(count, step**2, *parts.shape[1:]).transpose(1, 2)
    return functional.pixel_shuffle(maps.flatten(1, 2), step)
