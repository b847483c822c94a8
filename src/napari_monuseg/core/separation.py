"""One piece of foreground ─► separate nuclei, each whole and without holes."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.prominence import prominent_tops

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
FloatImage = npt.NDArray[np.float32]


def separate(
    foreground: Mask, distance: FloatImage, prominence: float, smallest_px: int
) -> tuple[Labels, int]:
    """Divide the foreground among the nuclei in it.

    Every top of `distance` that is prominent enough is a nucleus, with the foreground
    from which it is uphill to the top. Nuclei then lose their holes (a nucleus that
    lies wholly inside another goes with them), and small ones are dropped.

    Parameters
    ----------
    foreground : (H, W) bool
        What is divided; each of its connected components for itself.
    distance : (H, W) float32
        Distance to the nearest border, 1 in the middle of a nucleus.
    prominence : float
        How far the distance must fall between two nuclei, from the lower one.
    smallest_px : int
        Nuclei of fewer pixels are dropped.

    Returns
    -------
    labels : (H, W) int32
        Numbered from 1 without gaps, in the order of their first pixels.
    count : int
        How many nuclei.
    """
    labels = prominent_tops(distance, foreground, prominence)
    if not labels.any():
        return labels, 0
    _fill_holes(labels)
    return _keep_large(labels, smallest_px)


def connected_components(mask: Mask) -> Labels:
    """Return the 4-connected components of a mask ``(H, W)``, numbered from 1."""
    components = np.empty(mask.shape, np.int32)
    ndimage.label(mask, output=components)
    return components


def largest_part(mask: Mask) -> Mask:
    """Return the largest 4-connected part of a mask; nothing of an empty one."""
    parts = connected_components(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    largest: Mask = (parts == sizes.argmax()) & mask
    return largest


def run_starts(labels: Labels) -> npt.NDArray[np.int64]:
    """Return where another number begins, in raster order; a few for each nucleus."""
    flat = labels.ravel()
    begins = np.ones(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def _fill_holes(labels: Labels) -> None:
    """Fill the holes of each nucleus, in place, first nuclei first."""
    boxes = ndimage.find_objects(labels)
    everywhere = np.ones((3, 3), bool)
    for number in labels_with_holes(labels).tolist():
        window = labels[boxes[number - 1]]
        window[ndimage.binary_fill_holes(window == number, everywhere)] = number


def labels_with_holes(labels: Labels) -> npt.NDArray[np.int64]:
    """Return the numbers of the labels that enclose something.

    Each label is taken to be one 4-connected component, so that it has a hole
    where its Euler number is below 1. The Euler number is counted over windows
    of 2 × 2 px: with `one` of the label's pixels in the window, three of them,
    or two on a diagonal, it is (one − three + 2 diagonal) / 4.

    References
    ----------
    S. B. Gray, "Local Properties of Binary Images in Two Dimensions", IEEE
    Transactions on Computers C-20(5), 1971.
    """
    padded = np.pad(labels, 1)
    mixed = np.zeros(padded.shape, bool)
    mixed[:-1, :-1] = (padded[:-1, :-1] != padded[:-1, 1:]) | (
        padded[1:, :-1] != padded[1:, 1:]
    )
    mixed[:-1, :-1] |= padded[:-1, :-1] != padded[1:, :-1]
    row = padded.shape[1]
    first = np.flatnonzero(mixed)
    around = padded.ravel()[first + np.array([[0], [1], [row + 1], [row]])]
    same = (around[:, None] == around[None]).sum(1)
    opposite = around == np.roll(around, 2, axis=0)
    # A window counts once for each of the label's pixels in it, hence the shares.
    share = np.select(
        [same == 1, same == 3, (same == 2) & opposite], [1.0, -1 / 3, 1.0], 0.0
    )
    quarters = np.bincount(around.ravel(), weights=share.ravel())
    present = np.bincount(around.ravel()) > 0
    present[0] = False
    return np.flatnonzero(present & (np.rint(quarters) < 4))


def _keep_large(labels: Labels, smallest_px: int) -> tuple[Labels, int]:
    """Drop small nuclei and number the others in the order of their first pixels."""
    starts = run_starts(labels)
    numbers = labels.ravel()[starts]
    lengths = np.diff(starts, append=labels.size)
    areas = np.bincount(numbers, weights=lengths)
    areas[0] = 0
    kept = areas >= max(1, smallest_px)
    first = np.zeros(areas.size, np.int64)
    first[numbers[::-1]] = starts[::-1]  # the last one written stays
    order = np.flatnonzero(kept)
    order = order[np.argsort(first[order])]
    renumbered = np.zeros(areas.size, np.int32)
    renumbered[order] = np.arange(1, order.size + 1)
    return np.take(renumbered, labels), int(order.size)
