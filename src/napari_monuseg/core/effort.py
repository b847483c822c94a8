"""How much had to be corrected: what tells whether teaching a model pays."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.counting import Ids, ids_in
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.places import Places, close_up
from napari_monuseg.core.separation import Mask, connected_components

UNKNOWN = -1
"""What stood at a pixel that no hand work held."""


def corrected_since(before: HandWork, hand: HandWork, area: Mask) -> tuple[int, ...]:
    """Tell where something was corrected by hand in an area, and was not before.

    Parameters
    ----------
    before, hand : HandWork
        Hand work on one grid ``(H, W)``, at first and now.
    area : (H, W) bool
        Where to look.

    Returns
    -------
    tuple of int
        A pixel of each correction, as positions in the flattened image. Nuclei that
        were made or changed are one each, and those of the first that are gone. Of
        others that were erased nobody knows how many they were: each region without
        them is one, unless it was cut off a nucleus, which has changed then.
    """
    edits = hand.edited
    pixels, labels = hand.pixels[edits], hand.labels[edits]
    nuclei = hand.made.labels  # the same, with a number for each
    here = area.ravel()[pixels]
    if not here.any():
        return ()
    was = _labels_at(before, pixels)
    new = was != labels
    lost = new & (was > 0)
    standing = ids_in(labels)
    changed = np.union1d(
        ids_in(nuclei[new]), np.intersect1d(ids_in(was[lost]), standing)
    )
    seen = np.union1d(ids_in(nuclei[here]), ids_in(was[here & lost]))
    replaced = ids_in(was[lost & (labels > 0)])
    erased = here & new & (labels == 0)
    gone = np.setdiff1d(ids_in(was[erased & lost]), np.union1d(standing, replaced))
    corrected = np.intersect1d(changed, seen)
    there = np.setdiff1d(corrected, nuclei[here])  # cut back, out of the area
    places = [
        _a_pixel_each(corrected, nuclei[here], pixels[here]),
        _a_pixel_each(there, was[here & lost], pixels[here & lost]),
        _a_pixel_each(gone, was[erased & lost], pixels[erased & lost]),
        _places_erased(
            pixels[erased & (was == UNKNOWN)],
            pixels[here & new & (labels > 0)],
            hand.shape,
        ),
    ]
    return tuple(np.concatenate(places).tolist())


def _a_pixel_each(wanted: Ids, labels: npt.NDArray[np.int32], pixels: Places) -> Places:
    """Give the first pixel of each nucleus that is wanted and there."""
    ids, first = np.unique(labels, return_index=True)
    return pixels[first[np.isin(ids, wanted)]]


def _labels_at(hand: HandWork, pixels: Places) -> npt.NDArray[np.int32]:
    """Give what somebody made by hand at some pixels."""
    labels = np.full(pixels.size, UNKNOWN, np.int32)
    _, theirs, ours = np.intersect1d(
        hand.pixels[hand.edited], pixels, assume_unique=True, return_indices=True
    )
    labels[ours] = hand.labels[hand.edited][theirs]
    return labels


def _places_erased(erased: Places, nuclei: Places, shape: tuple[int, int]) -> Places:
    """Give a pixel of each region erased that was not cut off one of some nuclei."""
    if not erased.size:
        return erased
    (rows, columns), window = close_up(np.concatenate([erased, nuclei]), shape)
    off, on = np.zeros(window, bool), np.zeros(window, bool)
    off[rows[: erased.size], columns[: erased.size]] = True
    on[rows[erased.size :], columns[erased.size :]] = True
    regions = connected_components(off)
    cut_off = ids_in(regions[ndimage.binary_dilation(on)])
    region = regions[rows[: erased.size], columns[: erased.size]]
    return _a_pixel_each(np.setdiff1d(region, cut_off), region, erased)
