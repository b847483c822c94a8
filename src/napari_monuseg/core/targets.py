"""True labels ─► what a network should say of each pixel."""

import math

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.boxes import widened


def distance_target(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """Return each pixel's distance to the border of its nucleus, normalised.

    Parameters
    ----------
    labels : (H, W) int32
        True nuclei, 0 for background.

    Returns
    -------
    (H, W) float32
        1 in the middle of each nucleus, falling to 0 outside. The image's edge is
        no border: a nucleus cut by it goes on beyond.
    """
    distance = np.zeros(labels.shape, np.float32)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        window = widened(box, 1, labels.shape)
        own = labels[window] == number
        inner = ndimage.distance_transform_edt(own).astype(np.float32)
        distance[window][own] = (inner / inner.max())[own]
    return distance


def touching_target(
    labels: npt.NDArray[np.int32], reach_px: float = 3.0
) -> npt.NDArray[np.float32]:
    """Return how close each pixel lies to two nuclei at once.

    Parameters
    ----------
    labels : (H, W) int32
        True nuclei, 0 for background.
    reach_px : float
        Standard deviation of the fall with distance, px.

    Returns
    -------
    (H, W) float32
        ``exp(-(a + b)² / 2 reach²)``, where a and b are the distances to the nearest
        and to the second nearest nucleus, 0 inside it: 1 on either side of a border
        that two nuclei share, falling to 0 where there is one nucleus, or none.

    References
    ----------
    O. Ronneberger et al., "U-Net", MICCAI 2015, equation 2, there for the background
    alone, since its cells do not touch.
    """
    reach = math.ceil(3 * reach_px)
    nearest = np.full(labels.shape, np.inf, np.float32)
    second = nearest.copy()
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        window = widened(box, reach, labels.shape)
        away = ndimage.distance_transform_edt(labels[window] != number)
        away = away.astype(np.float32)
        farther = np.maximum(nearest[window], away)
        np.minimum(second[window], farther, out=second[window])
        np.minimum(nearest[window], away, out=nearest[window])
    closeness: npt.NDArray[np.float32] = np.exp(
        -0.5 * ((nearest + second) / reach_px) ** 2
    )
    return closeness
