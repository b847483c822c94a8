"""Black that is no tissue: what a mask, a turn or a scanner left without pixels.

Images that were cut out by a mask, turned, or registered onto another are filled up
with black. To a network black is denser than any nucleus, and to `stains` it is the
darkest stain: both then misread the tissue beside it. So to both it is glass
(`glass`). No tissue is as black over a square as wide as a large nucleus.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

BLACKEST = 10
"""Red, green and blue of black are no larger; JPEG does not leave them at 0."""

SIDE = 33
"""Black fills squares of this side, px."""


def find_no_data(rgb: Rgb) -> Mask:
    """Tell where black fills squares.

    A narrow strip along an edge counts if it is as long as a square is wide. Where the
    image goes on beyond what is given, pixels within `SIDE` of that edge may differ.

    Parameters
    ----------
    rgb : (H, W, 3) uint8

    Returns
    -------
    (H, W) bool
    """
    if rgb.min() > BLACKEST:
        return np.zeros(rgb.shape[:2], bool)
    black = _black(rgb)
    if not black.any():
        return black
    filled = np.zeros_like(black)
    reach = SIDE - 1
    for beyond in ((True, False), (False, True)):  # above and below, left and right
        edges = [(side,) * 2 for side in beyond]
        padded = np.pad(black, reach, constant_values=edges)
        filled |= _squares(padded)[reach:-reach, reach:-reach]
    return filled


def _black(rgb: Rgb) -> Mask:
    red, green, blue = (rgb[..., colour] <= BLACKEST for colour in range(3))
    black: Mask = red & green & blue
    return black


def _squares(black: Mask) -> Mask:
    """Return the squares of `SIDE` px that are all black (an opening)."""
    middles = ndimage.minimum_filter(black.astype(np.uint8), SIDE)
    squares: Mask = ndimage.maximum_filter(middles, SIDE, mode="constant") > 0
    return squares
