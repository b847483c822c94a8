"""True labels ─► what a network should say of each pixel."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage


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
        window = _widen(box, labels.shape)
        own = labels[window] == number
        inner = ndimage.distance_transform_edt(own).astype(np.float32)
        distance[window][own] = (inner / inner.max())[own]
    return distance


def _widen(
    box: tuple[slice, ...], shape: tuple[int, ...], by: int = 1
) -> tuple[slice, ...]:
    """Return the box with a border of `by` px, inside the image."""
    return tuple(
        slice(max(side.start - by, 0), min(side.stop + by, length))
        for side, length in zip(box, shape, strict=True)
    )
