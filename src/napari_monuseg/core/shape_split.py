"""A nucleus that is two: where to cut it, judged by its shape alone."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

from napari_monuseg.core.pieces import flood
from napari_monuseg.core.separation import (
    Labels,
    Mask,
    connected_components,
    largest_part,
)

SMALLEST_PART = 8
"""What a cut leaves smaller than this is no nucleus, px."""

CLEAR_WAIST = 0.5
"""A waist counts if the smaller of its sides is wider than it by this, px."""


def halves(mask: Mask) -> Labels:
    """Divide a nucleus in two: at its waist, or else across its middle.

    Parameters
    ----------
    mask : (h, w) bool
        A 4-connected nucleus of at least twice `SMALLEST_PART` px.

    Returns
    -------
    (h, w) int32
        1 and 2 in the halves, each 4-connected; 0 outside of the mask.
    """
    width = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    seeds = _two_centres(width)
    if seeds is not None:
        parts: Labels = watershed(-width, seeds, mask=mask).astype(np.int32)
        if np.bincount(parts.ravel())[1:].min() >= SMALLEST_PART:
            return parts
    return _across_the_middle(mask)


def _two_centres(width: npt.NDArray[np.float64]) -> Labels | None:
    """Find the two parts of a nucleus that the clearest waist lies between.

    The distance to the border is looked at from every level: what is above falls
    into islands, and the height of the second highest one is what the waist counts.
    """
    best, clearest = None, CLEAR_WAIST
    # In large pieces the steps grow with it, so that looking takes no longer.
    step = max(0.25, width.max() / 40)
    for level in np.arange(0.5, width.max(), step):
        islands = connected_components(width > level)
        heights = ndimage.maximum(width, islands, range(1, islands.max() + 1))
        if len(heights) < 2:
            continue
        first, second = np.argsort(heights)[:-3:-1]
        if heights[second] - level >= clearest:
            clearest = heights[second] - level
            best = (islands == first + 1) + 2 * (islands == second + 1)
    return None if best is None else best.astype(np.int32)


def _across_the_middle(mask: Mask) -> Labels:
    """Cut across the long axis, at the narrowest place of the middle."""
    along = _along_axis(mask)
    bins = np.floor(along - along.min()).astype(int)
    widths = np.bincount(bins)
    before = np.cumsum(widths)
    middle = np.flatnonzero((before >= 0.3 * bins.size) & (before <= 0.7 * bins.size))
    if not middle.size:
        middle = np.array([np.searchsorted(before, bins.size / 2)])
    # Of equally narrow places the one nearest to the half, which two widths decide.
    neck = (widths + np.append(widths[1:], 0))[middle]
    off_half = np.abs(before[middle] - bins.size / 2)
    cut = middle[np.lexsort((off_half, neck))[0]]
    first = np.zeros(mask.shape, bool)
    first[mask] = bins <= cut
    seeds = largest_part(first) + 2 * largest_part(mask & ~first)
    return flood(mask, seeds.astype(np.int32))


def _along_axis(mask: Mask) -> npt.NDArray[np.float64]:
    """Give how far along the long axis each pixel of a mask lies, px."""
    pixels = np.argwhere(mask).astype(float)
    pixels -= pixels.mean(0)
    _, axes = np.linalg.eigh(pixels.T @ pixels)
    along: npt.NDArray[np.float64] = pixels @ axes[:, -1]
    return along
