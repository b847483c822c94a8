"""The rims of what was made by hand, which are drawn over it."""

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.handwork import HandWork

MADE, ERASED = 1, 2

WIDTH = 2
"""How wide a rim is, px."""

_ERASED = -1
"""Stands for what was erased while rims are looked for: no nucleus has this number."""


def rims_of(hand: HandWork) -> npt.NDArray[np.uint8]:
    """Give the rims of nuclei made or changed by hand, and of what was erased.

    The work grows with what is held, not with the image.

    Returns
    -------
    (H, W) uint8
        `MADE` on a nucleus and `ERASED` where one was, within `WIDTH` px of something
        else by the shortest way along rows and columns; 0 elsewhere. The edge of the
        image is nothing else.
    """
    pixels, labels = hand.pixels[hand.edited], hand.labels[hand.edited]
    labels = np.where(labels == 0, np.int32(_ERASED), labels)
    around = np.zeros(hand.shape, np.int32)
    around.ravel()[pixels] = labels
    rows, columns = np.unravel_index(pixels, hand.shape)
    last_row, last_column = (side - 1 for side in hand.shape)
    rim = np.zeros(pixels.size, bool)
    for down in range(-WIDTH, WIDTH + 1):
        beside = np.clip(rows + down, 0, last_row)
        for across in range(abs(down) - WIDTH, WIDTH + 1 - abs(down)):
            there = around[beside, np.clip(columns + across, 0, last_column)]
            rim |= there != labels
    rims = np.zeros(hand.shape, np.uint8)
    rims.ravel()[pixels[rim]] = np.where(labels[rim] == _ERASED, ERASED, MADE)
    return rims
