"""How much had to be corrected: what tells whether teaching a model pays."""

import numpy as np
from scipy import ndimage

from napari_monuseg.core.counting import count_nuclei
from napari_monuseg.core.handwork import HandWork, close_up
from napari_monuseg.core.separation import Mask, connected_components


def corrected_since(before: HandWork, hand: HandWork, area: Mask) -> int:
    """Count what was corrected by hand in an area, and was not before.

    Parameters
    ----------
    before, hand : HandWork
        Hand work on one grid ``(H, W)``, at first and now.
    area : (H, W) bool
        Where to count.

    Returns
    -------
    int
        Nuclei that were made or changed, and places where one was erased. What was
        cut off a nucleus is that nucleus's change, and no place of its own.
    """
    return max(0, _corrected(hand, area) - _corrected(before, area))


def _corrected(hand: HandWork, area: Mask) -> int:
    inside = hand.edited & area.ravel()[hand.pixels]
    if not inside.any():
        return 0
    pixels, labels = hand.pixels[inside], hand.labels[inside]
    places, shape = close_up(pixels, hand.shape)
    nuclei, erased = np.zeros(shape, bool), np.zeros(shape, bool)
    nuclei[places] = labels > 0
    erased[places] = labels == 0
    regions = connected_components(erased)
    cut_off = regions[ndimage.binary_dilation(nuclei)]
    return count_nuclei(labels) + count_nuclei(regions) - count_nuclei(cut_off)
