"""Colours that H&E never has: pen, drawn lines, frames and scale bars.

To a network they are denser than any nucleus, and they spoil what it says of the tissue
within a hundred pixels; to `stains` they are the strongest stain of the image, and a
thin line is enough to shift all of it. So to both they are glass, as black is that
fills squares (`glass`). Hematoxylin and eosin both take more green than red out of
the light; ink that is blue, green or cyan takes more red, and black ink all of it.

Colours are looked at in blocks of 2 × 2 px, which lie on the image's own grid.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.stains import DENSITY, sample_windows

Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
White = npt.NDArray[np.uint8]

BLACK = 30
"""Red, green and blue of black ink are no larger, in images that are bright."""

BRIGHT = 150
"""The brightest pixels of a bright image are no darker."""

GROWN = 2
"""Blocks around ink that are taken for it as well: its edge is a mixture."""

_DENSE = 127
"""Coloured ink has a colour below this."""

_DARKEST = 5
"""Below this, differences are those of noise and of JPEG."""


def measure_white(read: Callable[[slice, slice], Rgb], shape: tuple[int, int]) -> White:
    """Find the brightest red, green and blue of an image, one pixel in a hundred.

    Parameters
    ----------
    read : callable
        From rows and columns to RGB ``(h, w, 3)``.
    shape : (int, int)
        Height and width, px.

    Returns
    -------
    (3,) uint8
    """
    counts = np.zeros((3, 256), np.int64)
    for window in sample_windows(shape):
        seen = read(*window)[::2, ::2]
        for colour in range(3):
            counts[colour] += np.bincount(seen[..., colour].ravel(), minlength=256)
    share = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)
    white: White = np.argmax(share >= 0.99, axis=1).astype(np.uint8)
    return white


def find_ink(rgb: Rgb, white: White) -> Mask:
    """Tell what is ink, in blocks of 2 × 2 px.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        From the first pixel of a block on; pixels within 8 px of where the image goes
        on beyond may differ.
    white : (3,) uint8
        Of the image.

    Returns
    -------
    (H, W) bool
    """
    means = _block_means(rgb)
    red, green, blue = (means[..., colour] for colour in range(3))
    ink = np.zeros(red.shape, bool)
    if white.max() >= BRIGHT:
        places = np.nonzero(np.maximum(np.maximum(red, green), blue) <= BLACK)
        ink[places] = _is_black_ink(means[places])
    # Most pixels are no candidates: numbers are faster to compare than densities.
    places = np.nonzero((red <= green) & (np.minimum(red, blue) < _DENSE))
    ink[places] |= _is_coloured_ink(means[places], white)
    if ink.any():
        wide_enough = ndimage.binary_opening(ink, np.ones((2, 2), bool))
        ink = ndimage.maximum_filter(wide_enough, 2 * GROWN + 1)
    pixels: Mask = ink.repeat(2, axis=0).repeat(2, axis=1)
    return pixels[: rgb.shape[0], : rgb.shape[1]]


def _is_black_ink(colours: Rgb) -> Mask:
    """Tell which dark colours ``(n, 3)`` are black: the darkest nuclei are purple."""
    density = DENSITY[colours.clip(_DARKEST)]
    black: Mask = density.min(axis=1) >= 0.75 * density.max(axis=1)
    return black


def _is_coloured_ink(colours: Rgb, white: White) -> Mask:
    """Tell which colours ``(n, 3)`` are those of ink."""
    red, green, blue = (DENSITY[colours[:, colour]] for colour in range(3))
    # A cast that takes out red is no ink.
    red = red - max(0.0, float(DENSITY[white[0]] - DENSITY[white[1]]))
    densest = np.maximum(np.maximum(red, green), blue)
    pale: Mask = (densest > 0.7) & (red > 1.25 * green + 0.15)  # green, cyan, pale blue
    strong: Mask = (densest > 1.2) & (red >= green) & (blue < 0.4 * green)  # blue
    ink: Mask = pale | strong
    return ink


def _block_means(rgb: Rgb) -> Rgb:
    """Return the mean of each block of 2 × 2 px; at an odd edge of what there is."""
    height, width = rgb.shape[:2]
    even = rgb
    if height % 2 or width % 2:
        even = np.pad(rgb, [(0, height % 2), (0, width % 2), (0, 0)], "edge")
    total = even[0::2, 0::2].astype(np.uint16)
    for row, column in ((0, 1), (1, 0), (1, 1)):
        total += even[row::2, column::2]
    means: Rgb = (total >> 2).astype(np.uint8)
    return means
