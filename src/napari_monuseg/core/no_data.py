"""Black that is no tissue: what a mask, a turn or a scanner left without pixels.

Images that were cut out by a mask, turned, or registered onto another are filled up
with black. To a network black is denser than any nucleus, and to `stains` it is the
darkest stain: both then misread the tissue beside it. So it is read as white, which is
how glass looks. No tissue is as black over a square as wide as a large nucleus.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

BLACKEST = 10
"""Red, green and blue of black are no larger; JPEG does not leave them at 0."""

SIDE = 33
"""Black fills squares of this side, px."""

WHITE = 255


def read_as_glass(
    read: Callable[[slice, slice], Rgb],
    shape: tuple[int, int],
    rows: slice,
    columns: slice,
) -> Rgb:
    """Read a window with white in place of black that is no tissue.

    A pixel's colour does not depend on the window it is read in. A narrow strip along
    an edge of the image counts if it is as long as a square is wide.

    Parameters
    ----------
    read : callable
        From rows and columns to RGB ``(h, w, 3)``, a new array.
    shape : (int, int)
        Height and width of the image, px.
    rows, columns : slice
        The window, inside the image; start and stop are given.

    Returns
    -------
    (h, w, 3) uint8
    """
    rgb = read(rows, columns)
    if rgb.min() > BLACKEST or not _black(rgb).any():
        return rgb
    wide, missing, inner = zip(
        *(_widened(*pair) for pair in zip((rows, columns), shape, strict=True)),
        strict=True,
    )
    black = _black(read(*wide))
    for beyond in ((True, False), (False, True)):  # above and below, left and right
        padded = np.pad(
            black, missing, constant_values=[(side,) * 2 for side in beyond]
        )
        rgb[_filled(padded)[inner]] = WHITE
    return rgb


def _black(rgb: Rgb) -> Mask:
    red, green, blue = (rgb[..., colour] <= BLACKEST for colour in range(3))
    black: Mask = red & green & blue
    return black


def _widened(window: slice, size: int) -> tuple[slice, tuple[int, int], slice]:
    """Return all that a side's pixels depend on, what of it is missing, and the rest.

    Returns
    -------
    wide : slice
        Of the image.
    missing : (int, int)
        How many pixels lie before and beyond the image.
    inner : slice
        Where the window lies in both together.
    """
    reach = SIDE - 1
    start, stop = window.start - reach, window.stop + reach
    wide = slice(max(0, start), min(size, stop))
    inner = slice(reach, reach + window.stop - window.start)
    return wide, (wide.start - start, stop - wide.stop), inner


def _filled(black: Mask) -> Mask:
    """Return the squares of `SIDE` px that are all black (an opening)."""
    middles = ndimage.minimum_filter(black.astype(np.uint8), SIDE)
    filled: Mask = ndimage.maximum_filter(middles, SIDE, mode="constant") > 0
    return filled
