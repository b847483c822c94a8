"""Rules by which any tissue image becomes RGB of 8 bits.

========================  ====================================================
stored                    becomes
========================  ====================================================
uint8 RGB                 itself
RGBA                      blended over white, as glass shows where tissue ends;
                          its colours where alpha is 0 everywhere
greyscale                 three equal channels; inverted if the file says that
                          0 is white
palette                   its colours
uint16, int16             scaled from its bit depth: the smallest of 8, 10, 12,
                          14 and 16 (int16: 15) bits that holds all values of the
                          *whole image* but for a few hot pixels, unless the file
                          says it
float                     scaled from 0–1
========================  ====================================================

The rule is the same for every window of an image and for its crops: a nucleus
does not change its colour with the window it is read in. Finding the bit depth
may take a pass over the image, made by window at the first reading; it ends as
soon as a value needs all bits.

Refused in one sentence: masks, wider integers (they are labels), complex numbers,
floats that are not 0–1 or not finite, negative values, other numbers of channels.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.glass import read_tissue
from napari_monuseg.core.ink import measure_white
from napari_monuseg.core.pixels import blocks
from napari_monuseg.core.stains import Stain, measure_stain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_monuseg.core.pixels import Pixels

# JFIF's full-range YCbCr to RGB: rows are R, G, B; columns Y, Cb, Cr.
_YCBCR_TO_RGB = np.array(
    [[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], dtype=np.float32
)

_DEPTHS = (8, 10, 12, 14)

HOT = 1e-5
"""Share of pixels that may be hot: a camera has some, and they say nothing of depth."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """What stored samples mean, where the file says more than their number.

    Parameters
    ----------
    alpha : {"straight", "premultiplied", "ignored"}
        What the fourth channel is.
    inverted : bool
        Whether 0 is white, in greyscale.
    palette : (n, 3) uint8 array, optional
        Colours that the samples number.
    ycbcr : bool
        Whether the channels are luminance and two colour differences.
    bits : int, optional
        Bits in use, where fewer than are stored.
    """

    alpha: Literal["straight", "premultiplied", "ignored"] = "straight"
    inverted: bool = False
    palette: NDArray[np.uint8] | None = None
    ycbcr: bool = False
    bits: int | None = None


class RgbPixels:
    """Pixels read as RGB uint8.

    Parameters
    ----------
    pixels : Pixels
        Stored samples.
    encoding : Encoding
        What they mean.
    name : str
        What an error calls the image.

    Raises
    ------
    ImageError
        If the samples cannot be RGB tissue.
    """

    def __init__(self, pixels: Pixels, encoding: Encoding, name: str) -> None:
        _check(pixels, name)
        self.height, self.width = pixels.height, pixels.width
        self._pixels = pixels
        self._encoding = encoding
        self._name = name
        self._scales: NDArray[np.float32] | None = None
        self._lock = threading.Lock()

    def read(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Read a window as a new (h, w, 3) uint8 array.

        Raises
        ------
        ImageError
            If the file cannot be read, or holds values outside their range.
        """
        window = self._pixels.read(rows, columns)
        if self._encoding.palette is not None:
            return self._encoding.palette.take(window[..., 0], axis=0, mode="clip")
        if self._is_rgb():
            return np.array(window, np.uint8, order="C")
        rgb = np.rint(self._blend(self._scaled(window))).clip(0, 255)
        return np.ascontiguousarray(rgb, dtype=np.uint8)

    def read_tissue(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Read a window with glass in place of what is no tissue, as in `glass`.

        Raises
        ------
        ImageError
            As `read`.
        """
        shape = (self.height, self.width)
        return read_tissue(self.read, shape, rows, columns, self._white)

    @cached_property
    def _white(self) -> NDArray[np.uint8] | None:
        if self._pixels.channels == 1 and self._encoding.palette is None:
            return None
        return measure_white(self.read, (self.height, self.width))

    @cached_property
    def stain(self) -> Stain:
        """How the tissue is stained; the image is looked through when first asked.

        Raises
        ------
        ImageError
            As `read`.
        """
        return measure_stain(self.read_tissue, (self.height, self.width))

    def close(self) -> None:
        """Give back what reading has kept in memory."""
        self._pixels.close()

    @cached_property
    def _is_unseen(self) -> bool:
        """Whether nothing would be seen: some writers leave alpha at 0 everywhere."""
        return not any(block[..., 3].any() for block in blocks(self._pixels))

    def _is_rgb(self) -> bool:
        encoding = self._encoding
        return (
            self._pixels.dtype == np.uint8
            and self._pixels.channels == 3
            and not encoding.ycbcr
            and encoding.bits in {None, 8}
        )

    def _scaled(self, window: NDArray[Any]) -> NDArray[np.float32]:
        """Scale samples to 0–255, channel by channel."""
        if window.dtype.kind == "f":
            _check_floats(window, self._name)
        elif window.dtype.kind == "i" and window.min() < 0:
            raise ImageError(
                f"{self._name} holds negative values; tissue is 0 and above: convert "
                "it to 8 or 16 bits without a sign."
            )
        with self._lock:
            if self._scales is None:
                self._scales = self._find_scales()
        scaled: NDArray[np.float32] = np.multiply(
            window, self._scales, dtype=np.float32
        )
        return scaled

    def _find_scales(self) -> NDArray[np.float32]:
        """Find what each channel is multiplied by to reach 255."""
        channels = self._pixels.channels
        if self._pixels.dtype.kind == "f":
            full = np.ones(channels)
        elif self._encoding.bits is not None and self._encoding.bits not in {8, 16}:
            full = np.full(channels, 2.0**self._encoding.bits - 1)
        elif self._pixels.dtype == np.uint8:
            full = np.full(channels, 255.0)
        else:
            full = _full_scale(self._pixels)
        return (255 / full).astype(np.float32)

    def _blend(self, scaled: NDArray[Any]) -> NDArray[Any]:
        """Turn 1, 3 or 4 channels of 0–255 into RGB."""
        encoding = self._encoding
        if scaled.shape[2] == 1:
            grey = 255 - scaled if encoding.inverted else scaled
            return np.repeat(grey, 3, axis=2)
        colour = scaled[..., :3]
        if encoding.ycbcr:
            colour = (colour - np.array([0, 128, 128], np.float32)) @ _YCBCR_TO_RGB.T
        if scaled.shape[2] == 3 or encoding.alpha == "ignored" or self._is_unseen:
            return colour
        alpha = scaled[..., 3:].clip(0, 255) / 255
        if encoding.alpha == "straight":
            colour = colour * alpha
        return colour + 255 * (1 - alpha)


def _check(pixels: Pixels, name: str) -> None:
    if pixels.height < 1 or pixels.width < 1:
        raise ImageError(f"{name} is empty ({pixels.height}×{pixels.width} px).")
    if pixels.channels not in {1, 3, 4}:
        raise ImageError(
            f"{name} has {pixels.channels} channels, as fluorescence images and stacks "
            "do; export it as RGB or as a single channel."
        )
    dtype = pixels.dtype
    if dtype.kind == "b":
        raise ImageError(f"{name} is a mask, true or false; choose the tissue itself.")
    if dtype.kind != "f" and dtype.newbyteorder("=") not in {
        np.dtype(np.uint8),
        np.dtype(np.uint16),
        np.dtype(np.int16),
    }:
        raise ImageError(
            f"{name} holds {dtype} values, as labels and measurements do; tissue has "
            "8 or 16 bits without a sign, or floats of 0–1: convert it."
        )


def _check_floats(window: NDArray[Any], name: str) -> None:
    """Refuse what is not 0–1, half a grey level of resampling overshoot aside."""
    lowest, highest = window.min(), window.max()  # NaN if any value is
    if np.isnan(lowest):
        raise ImageError(
            f"{name} holds values that are no numbers (NaN); replace them, or convert "
            "the image to 8 bits."
        )
    half = 0.5 / 255
    if not (-half <= lowest and highest <= 1 + half):
        raise ImageError(
            f"{name} holds floats from {lowest:.4g} to {highest:.4g}; they must run "
            "from 0 to 1: rescale them, or convert the image to 8 bits."
        )


def _full_scale(pixels: Pixels) -> NDArray[np.float64]:
    """Find the value that is white, for colour and for alpha."""
    most = 15 if pixels.dtype.kind == "i" else 16
    spared = int(HOT * pixels.height * pixels.width)
    beyond = np.zeros((pixels.channels, len(_DEPTHS)), np.int64)
    for block in blocks(pixels):
        largest = block.max()
        for number, bits in enumerate(_DEPTHS):
            if largest >= 2**bits:
                beyond[:, number] += np.count_nonzero(block >= 2**bits, axis=(0, 1))
        if beyond[:3, -1].max() > spared and (beyond[3:, -1] > spared).all():
            break
    depths = [_bit_depth(counts > spared, most) for counts in beyond]
    full = np.full(pixels.channels, 2.0 ** max(depths[:3]) - 1)
    full[3:] = 2.0 ** np.array(depths[3:]) - 1
    return full


def _bit_depth(beyond: NDArray[np.bool_], most: int) -> int:
    """Return the fewest bits that suffice; beyond which there is more is given."""
    depths = (bits for bits, more in zip(_DEPTHS, beyond, strict=True) if not more)
    return next(depths, most)
