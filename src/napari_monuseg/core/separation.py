"""One piece of foreground ─► separate nuclei, each whole and without holes."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

from napari_monuseg.core.boxes import bounding_window

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
FloatImage = npt.NDArray[np.float32]


def separate(
    components: Labels, distance: FloatImage, seed_threshold: float, smallest_px: int
) -> tuple[Labels, int]:
    """Divide the foreground among the nuclei in it.

    Every connected region of `distance` above the threshold is a seed. A
    component of the foreground with one seed, or none, is one nucleus as it
    stands; the others are divided by a watershed of the distance. Nuclei then lose
    their holes (a nucleus that lies wholly inside another goes with them), and
    small ones are dropped.

    Parameters
    ----------
    components : (H, W) int32
        The connected components of the foreground, however numbered.
    distance : (H, W) float32
        Distance to the nearest border, 1 in the middle of a nucleus.
    seed_threshold : float
        See above.
    smallest_px : int
        Nuclei of fewer pixels are dropped.

    Returns
    -------
    labels : (H, W) int32
        Numbered from 1 without gaps, in the order of their first pixels.
    count : int
        How many nuclei.
    """
    component_count = int(components.max(initial=0))
    labels = components.copy()
    if not component_count:
        return labels, 0
    seeds = connected_components((components > 0) & (distance > seed_threshold))
    crowded = _crowded(components, component_count, seeds)
    if crowded.any():
        mask = crowded[components]
        _watershed(labels, distance, seeds, mask, first=component_count + 1)
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


def _crowded(components: Labels, component_count: int, seeds: Labels) -> Mask:
    """Tell, by number, which components have more than one seed."""
    seeded = run_starts(seeds)
    owner = np.zeros(seeds.max(initial=0) + 1, np.int64)
    owner[seeds.ravel()[seeded]] = components.ravel()[seeded]
    crowded: Mask = np.bincount(owner[1:], minlength=component_count + 1) > 1
    return crowded


def run_starts(labels: Labels) -> npt.NDArray[np.int64]:
    """Return where another number begins, in raster order; a few for each nucleus."""
    flat = labels.ravel()
    begins = np.ones(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def _watershed(
    labels: Labels, distance: FloatImage, seeds: Labels, mask: Mask, first: int
) -> None:
    """Flood the mask from its seeds, in place, numbered from `first`.

    Seeds are flooded first and in raster order. Left to their values, equal ones
    would come in an order that depends on everything else in the window, and the
    result on how the image was cut.
    """
    window = bounding_window(mask)
    markers = np.where(mask[window], seeds[window], 0)
    height = -distance[window].astype(np.float64)
    seeded = np.flatnonzero(markers)
    height.flat[seeded] = np.linspace(-2, -1.5, seeded.size)
    divided = watershed(height, markers, mask=mask[window])
    np.copyto(labels[window], divided + (first - 1), where=mask[window])


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
