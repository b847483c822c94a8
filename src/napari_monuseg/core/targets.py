"""True labels ─► what a network should say of each pixel."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.boxes import widened
from napari_monuseg.core.numbering import close_gaps


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
    labels = close_gaps(labels)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        window = widened(box, 1, labels.shape)
        own = labels[window] == number
        inner = ndimage.distance_transform_edt(own).astype(np.float32)
        distance[window][own] = (inner / inner.max())[own]
    return distance
