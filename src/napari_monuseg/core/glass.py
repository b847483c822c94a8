"""An image with glass in place of what is no tissue: black without pixels, and ink.

Both would mislead the network, and what is measured of the stain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_monuseg.core.boxes import shifted, widened
from napari_monuseg.core.ink import find_ink
from napari_monuseg.core.no_data import SIDE, find_no_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

GLASS = 255

_REACH = SIDE - 1 + 8
"""As far as surroundings count, px: those of ink, and those of black around it."""


def read_tissue(
    read: Callable[[slice, slice], NDArray[np.uint8]],
    shape: tuple[int, int],
    rows: slice,
    columns: slice,
    white: NDArray[np.uint8] | None,
) -> NDArray[np.uint8]:
    """Read a window of an image with white in place of what is no tissue.

    A pixel's colour does not depend on the window it is read in.

    Parameters
    ----------
    read : callable
        From rows and columns to RGB ``(h, w, 3)``, a new array.
    shape : (int, int)
        Height and width of the image, px.
    rows, columns : slice
        The window, inside the image; start and stop are given.
    white : (3,) uint8, optional
        As `measure_white` found it; None for grey images, in which no colour tells ink.

    Returns
    -------
    (h, w, 3) uint8
    """
    around = widened((rows, columns), _REACH, shape)
    # Ink is looked for in blocks, from the first pixel of one on.
    down, across = (slice(side.start & ~1, side.stop) for side in around)
    rgb = read(down, across)
    rgb[find_no_data(rgb)] = GLASS
    if white is not None:
        rgb[find_ink(rgb, white)] = GLASS
    inner = shifted((rows, columns), (-down.start, -across.start))
    return np.ascontiguousarray(rgb[inner])
