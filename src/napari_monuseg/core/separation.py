"""One piece of foreground ─► separate nuclei, each whole and without holes."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
FloatImage = npt.NDArray[np.float32]


def separate(
    mask: Mask, distance: FloatImage, seed_threshold: float, smallest_px: int
) -> tuple[Labels, int]:
    """Divide the foreground among the nuclei in it.

    Every connected region of `distance` above the threshold is a seed. A
    component of the mask with one seed, or none, is one nucleus as it stands;
    the others are divided by a watershed of the distance. Nuclei then lose their
    holes (a nucleus that lies wholly inside another goes with them), and small
    ones are dropped.

    Parameters
    ----------
    mask : (H, W) bool
        Foreground.
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
    components = connected_components(mask)
    component_count = int(components.max(initial=0))
    if not component_count:
        return np.zeros(mask.shape, np.int32), 0
    seeds = connected_components(mask & (distance > seed_threshold))
    seeds_in = _seeds_per_component(components, component_count, seeds)
    crowded = (seeds_in > 1)[components]
    labels = np.where(crowded, 0, components).astype(np.int32)
    if crowded.any():
        divided = _watershed(distance, np.where(crowded, seeds, 0), crowded)
        np.copyto(labels, divided + component_count, where=divided > 0)
    _fill_holes(labels)
    return _keep_large(labels, smallest_px)


def connected_components(mask: Mask) -> Labels:
    """Return the 4-connected components of a mask ``(H, W)``, numbered from 1."""
    components = np.empty(mask.shape, np.int32)
    ndimage.label(mask, output=components)
    return components


def _seeds_per_component(
    components: Labels, component_count: int, seeds: Labels
) -> npt.NDArray[np.int64]:
    owner = np.zeros(seeds.max(initial=0) + 1, np.int64)
    inside = seeds > 0
    owner[seeds[inside]] = components[inside]
    seeds_in = np.bincount(owner[1:], minlength=component_count + 1)
    seeds_in[0] = 0
    return seeds_in


def _watershed(distance: FloatImage, seeds: Labels, mask: Mask) -> Labels:
    """Flood the mask from the seeds, inside the window that holds the mask.

    Seeds are flooded first and in raster order. Left to their values, equal ones
    would come in an order that depends on everything else in the window, and the
    result on how the image was cut.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    height = -distance[window].astype(np.float64)
    seeded = np.flatnonzero(seeds[window])
    height.flat[seeded] = np.linspace(-2, -1.5, seeded.size)
    divided = np.zeros(mask.shape, np.int32)
    divided[window] = watershed(height, seeds[window], mask=mask[window])
    return divided


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
    corners = np.stack(
        [padded[:-1, :-1], padded[:-1, 1:], padded[1:, 1:], padded[1:, :-1]]
    )
    mixed = (corners[0] != corners[2]) | (corners[1] != corners[3])
    mixed |= corners[0] != corners[1]
    around = corners[:, mixed]
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
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    kept = areas >= max(1, smallest_px)
    occupied = np.flatnonzero(labels)
    numbers, first = np.unique(labels.ravel()[occupied], return_index=True)
    order = numbers[np.argsort(first)]
    order = order[kept[order]]
    renumbered = np.zeros(areas.size, np.int32)
    renumbered[order] = np.arange(1, order.size + 1)
    return renumbered[labels], int(order.size)
