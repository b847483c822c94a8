"""How much had to be corrected: what tells whether teaching a model pays."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.counting import count_nuclei, ids_in
from napari_monuseg.core.handwork import HandWork, Places, close_up
from napari_monuseg.core.separation import Mask, connected_components

UNKNOWN = -1
"""What stood at a pixel that no hand work held."""


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
    now = hand.made
    here = area.ravel()[now.pixels]
    if not here.any():
        return 0
    was = _labels_at(before.made, now.pixels)
    new = was != now.labels
    erased = here & new & (now.labels == 0)
    standing = ids_in(now.labels)
    lost = ids_in(was[new & (was > 0)])
    changed = np.union1d(ids_in(now.labels[new]), np.intersect1d(lost, standing))
    gone = np.setdiff1d(ids_in(was[erased & (was > 0)]), standing)
    places = _places_erased(
        now.pixels[erased & (was == UNKNOWN)],
        now.pixels[here & new & (now.labels > 0)],
        hand.shape,
    )
    seen = np.intersect1d(changed, ids_in(now.labels[here]))
    return int(seen.size + gone.size) + places


def _labels_at(hand: HandWork, pixels: Places) -> npt.NDArray[np.int32]:
    """Give what hand work has at some pixels."""
    labels = np.full(pixels.size, UNKNOWN, np.int32)
    _, theirs, ours = np.intersect1d(
        hand.pixels, pixels, assume_unique=True, return_indices=True
    )
    labels[ours] = hand.labels[theirs]
    return labels


def _places_erased(erased: Places, nuclei: Places, shape: tuple[int, int]) -> int:
    """Count the regions erased that are not what was cut off one of some nuclei."""
    if not erased.size:
        return 0
    (rows, columns), window = close_up(np.concatenate([erased, nuclei]), shape)
    off, on = np.zeros(window, bool), np.zeros(window, bool)
    off[rows[: erased.size], columns[: erased.size]] = True
    on[rows[erased.size :], columns[erased.size :]] = True
    regions = connected_components(off)
    return count_nuclei(regions) - count_nuclei(regions[ndimage.binary_dilation(on)])
