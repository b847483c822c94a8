"""How many nuclei there are in labels, and in a part of them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]


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


def nuclei_inside(labels: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> InsideCount:
    """Count the nuclei inside a mask and those that its edge cuts, both ``(H, W)``."""
    inside, outside = ids_in(labels[mask]), ids_in(labels[~mask])
    cut = np.intersect1d(inside, outside, assume_unique=True).size
    return InsideCount(inside.size - cut, cut)
