"""How many nuclei there are in labels, and in a part of them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class InsideCount(NamedTuple):
    """How many nuclei lie wholly inside a mask, and how many its edge cuts."""

    inside: int
    cut: int


def ids_in(labels: npt.NDArray[Any]) -> Ids:
    """Return the distinct ids in labels of any shape, ascending, without background."""
    values = labels.ravel()
    # Neighbours mostly have the same id: one of each run of them is enough.
    starts = np.flatnonzero(values[1:] != values[:-1]) + 1
    values = np.concatenate([values[:1], values[starts]])
    lowest, highest = int(values.min(initial=0)), int(values.max(initial=0))
    if lowest >= 0 and highest <= 4 * labels.size:  # counting is faster than sorting
        found = np.flatnonzero(np.bincount(values))
    else:
        found = np.unique(values).astype(np.int64)
    ids: Ids = found[found != 0]
    return ids


def count_nuclei(labels: npt.NDArray[Any]) -> int:
    """Return the number of ids in labels ``(H, W)``, gaps or not."""
    return ids_in(labels).size


def how_many(nuclei: int) -> str:
    """Say how many nuclei there are."""
    return f"{nuclei:,} {'nucleus' if nuclei == 1 else 'nuclei'}"


def nuclei_inside(
    labels: npt.NDArray[Any], mask: Mask, beyond: Mask | None = None
) -> InsideCount:
    """Count the nuclei inside a mask and those that its edge cuts.

    Parameters
    ----------
    labels : (H, W) array of int
        Nuclei.
    mask : (H, W) bool
        What they are counted in.
    beyond : (H, W) bool, optional
        Pixels of nuclei that go on beyond the labels, as `cut_off` finds them.
    """
    known = mask if beyond is None else mask & ~beyond
    found, outside = ids_in(labels[mask]), ids_in(labels[~known])
    cut = np.intersect1d(found, outside, assume_unique=True).size
    return InsideCount(found.size - cut, cut)


def cut_off(
    labels: npt.NDArray[Any], offset: tuple[int, int], image_shape: tuple[int, int]
) -> Mask:
    """Tell which nuclei may go on where labels end but their image does not.

    Parameters
    ----------
    labels : (h, w) array of int
        Nuclei of a part of an image.
    offset : tuple of int
        Row and column of the image where the labels begin, px.
    image_shape : tuple of int
        Height and width of the image, px.

    Returns
    -------
    (h, w) bool
        True on all pixels of every nucleus that touches such an end.
    """
    (top, left), (height, width) = offset, labels.shape
    ends = [
        labels[:1] if top > 0 else None,
        labels[-1:] if top + height < image_shape[0] else None,
        labels[:, :1] if left > 0 else None,
        labels[:, -1:] if left + width < image_shape[1] else None,
    ]
    touching = [ids_in(end) for end in ends if end is not None]
    ids = np.unique(np.concatenate(touching)) if touching else np.zeros(0, int)
    cut: Mask = np.isin(labels, ids) if ids.size else np.zeros(labels.shape, bool)
    return cut
