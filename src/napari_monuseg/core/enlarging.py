"""UNet's decoder without its enlarged maps: what is enlarged is convolved while small.

A block of the decoder doubles a map by repeating its pixels, puts it beside a map of
the encoder, and convolves both. Of the 3 × 3 pixels that such a convolution sees, two
rows and two columns repeat the same small ones. So each of the four pixels that a
small one becomes is a convolution of 2 × 2 small ones, whose weights are sums of the
3 × 3: less than half of the multiplications, and the largest maps of the network
need not be written. The result is the same up to rounding; the weights keep their
names and their shapes.

References
----------
W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient
Sub-Pixel Convolutional Neural Network", CVPR 2016: convolve first, enlarge then.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from napari_monuseg.core.bands import Maps, in_bands
from napari_monuseg.core.torch_import import functional, nn, torch


class EnlargedConv2d(nn.Conv2d):
    """3×3 convolution of a map that is doubled, and of one beside it that is not.

    Parameters
    ----------
    convolution : nn.Conv2d
        Of the doubled map's channels and then the other's, 3×3, padded by 1 px of
        zeros. Its parameters become those of this one.

    Attributes
    ----------
    settled : bool
        Whether the weights stay as they are from now on: then their sums are taken
        but once.
    convolve : callable
        How the channels beside are convolved: with a weight and a bias, padded by
        1 px of zeros.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__(
            convolution.in_channels,
            convolution.out_channels,
            kernel_size=3,
            padding=1,
            bias=convolution.bias is not None,
            device="meta",  # takes no memory, and nothing from the source of chance
        )
        self.weight, self.bias = convolution.weight, convolution.bias
        self.settled = False
        self.convolve: Callable[..., torch.Tensor] = partial(
            functional.conv2d, padding=1
        )
        self._sums: torch.Tensor | None = None

    def forward(
        self, small: torch.Tensor, beside: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Double, and convolve.

        Parameters
        ----------
        small : (N, C, H, W) tensor
            What is doubled.
        beside : (N, D, 2 H, 2 W) tensor, optional
            The other channels.

        Returns
        -------
        (N, O, 2 H, 2 W) tensor
        """
        doubled = small.shape[1]
        weight = self._weight_of_small(doubled)
        if beside is None:
            bias = None if self.bias is None else self.bias.repeat(4)
            return _joined(functional.conv2d(small, weight, bias, padding=1))
        others = self.weight[:, doubled:]
        whole = self.convolve(beside, others, self.bias)
        convolved = functional.conv2d(small, weight, padding=1)
        for place, quarter in _places(convolved):
            whole[place] += quarter
        return whole

    def _weight_of_small(self, channels: int) -> torch.Tensor:
        if self._sums is not None:
            return self._sums
        sums = _quarters(self.weight[:, :channels])
        if self.settled:
            self._sums = sums
        return sums


class DecoderBlock(nn.Module):
    """A block of segmentation-models-pytorch's UNet decoder that enlarges last.

    Parameters
    ----------
    conv1, conv2 : nn.Sequential
        Convolution, batch norm and activation, as a `UnetDecoderBlock` without
        attention has them; they become those of this one.

    Attributes
    ----------
    rows : int or None
        Of `small`, that are computed together; None for all.
    end : nn.Module
        What follows, and sees a row each way at most.
    """

    def __init__(self, conv1: nn.Sequential, conv2: nn.Sequential) -> None:
        super().__init__()
        convolution: Any
        convolution, *others = conv1
        self.conv1 = nn.Sequential(EnlargedConv2d(convolution), *others)
        self.conv2 = conv2
        self.rows: int | None = None
        self.end: nn.Module = nn.Identity()

    def forward(
        self,
        small: torch.Tensor,
        height: int,  # noqa: ARG002
        width: int,  # noqa: ARG002
        skip_connection: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return features ``(N, O, 2 H, 2 W)`` for ``(N, C, H, W)``.

        The decoder states the size, which is twice that of `small` wherever the
        input's sides are multiples of the network's stride.
        """
        # The end and the second convolution see a row of their own each way, the
        # first one a row of what is enlarged.
        maps = (small,) if skip_connection is None else (small, skip_connection)
        (features,) = in_bands(self._step, maps, rows=self.rows, halo=2)
        return features

    def _step(self, _: int, small: torch.Tensor, *beside: torch.Tensor) -> Maps:
        convolution, *others = self.conv1
        features: torch.Tensor = convolution(small, *beside)
        for layer in (*others, self.conv2, self.end):
            features = layer(features)
        return (features,)


def _quarters(weight: torch.Tensor) -> torch.Tensor:
    """Give the weights ``(4 O, C, 2, 2)`` of a small pixel's four, row by row."""
    quarters = _halved(_halved(weight, 2), 4)  # (right, down, O, C, 2, 2)
    return quarters.transpose(0, 1).flatten(0, 2)


def _halved(weight: torch.Tensor, dim: int) -> torch.Tensor:
    """Sum three taps along an axis to two, for either half of a small pixel.

    The first half sees its neighbour once and its own pixel twice, the second the
    other way round.
    """
    first, middle, last = weight.unbind(dim)
    halves = [(first, middle + last), (first + middle, last)]
    return torch.stack([torch.stack(taps, dim) for taps in halves])


def _places(
    convolved: torch.Tensor,
) -> Iterator[tuple[tuple[slice, ...], torch.Tensor]]:
    """Yield the four quarters ``(N, O, H, W)``, and where in the whole they lie.

    Convolved with `_quarters` and padded by 1 px there is a pixel more each way than
    there are: those to the right, and those further down, begin at the second.
    """
    height, width = (side - 1 for side in convolved.shape[2:])
    for number, quarter in enumerate(convolved.chunk(4, dim=1)):
        down, right = divmod(number, 2)
        place = (slice(None), slice(None), slice(down, None, 2), slice(right, None, 2))
        yield place, quarter[:, :, down : down + height, right : right + width]


def _joined(convolved: torch.Tensor) -> torch.Tensor:
    """Put the four quarters together where nothing lies beside them."""
    count, channels, height, width = convolved.shape
    whole = torch.empty(
        (count, channels // 4, 2 * (height - 1), 2 * (width - 1)),
        dtype=convolved.dtype,
        device=convolved.device,
        memory_format=torch.channels_last,
    )
    for place, quarter in _places(convolved):
        whole[place] = quarter
    return whole
