"""Which true and predicted nuclei share pixels, and how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Overlaps:
    """The areas of all nuclei, and each pair of them that shares pixels.

    Parameters
    ----------
    true_areas, predicted_areas : (T,) and (P,) int64
        In the order of the labels, px.
    true, predicted : (K,) int64
        Indices into them of each pair; the pairs are ordered by both.
    intersection : (K,) int64
        What each pair shares, px.
    """

    true_areas: NDArray[np.int64]
    predicted_areas: NDArray[np.int64]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    intersection: NDArray[np.int64]

    @classmethod
    def of(cls, truth: NDArray[Any], predicted: NDArray[Any]) -> Overlaps:
        """Count them in two label arrays of one shape."""
        true_areas, true_index = _number(truth)
        predicted_areas, predicted_index = _number(predicted)
        both = (true_index >= 0) & (predicted_index >= 0)
        shared = np.ones(np.count_nonzero(both), dtype=np.int64)
        table = coo_array(
            (shared, (true_index[both], predicted_index[both])),
            shape=(true_areas.size, predicted_areas.size),
        )
        table.sum_duplicates()
        # scipy orders summed pairs by column; ties are decided by the row's order.
        order = np.lexsort((table.col, table.row))
        return cls(
            true_areas,
            predicted_areas,
            table.row[order].astype(np.int64),
            table.col[order].astype(np.int64),
            table.data[order],
        )

    @property
    def union(self) -> NDArray[np.int64]:
        """Area of each pair's union, px."""
        areas = self.true_areas[self.true] + self.predicted_areas[self.predicted]
        return areas - self.intersection

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """Intersection over union of each pair."""
        return self.intersection / self.union

    def best_of_each_true(self) -> NDArray[np.int64]:
        """Return the pair of each true nucleus with the largest Jaccard index.

        Of equal ones that of the lower label. As in the original AJI, several true
        nuclei may take the same predicted one.
        """
        order = np.lexsort((-self.jaccard, self.true))
        _, first = np.unique(self.true[order], return_index=True)
        return order[first]

    @property
    def empty(self) -> bool:
        """Whether neither side has a nucleus."""
        return not (self.true_areas.size or self.predicted_areas.size)


def _number(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the areas of the nuclei, and each pixel's index into them or -1."""
    flat = labels.ravel()
    if flat.size == 0 or int(flat.max()) > flat.size:
        # Few and large numbers: a table over all of them would not fit.
        flat = np.unique(flat, return_inverse=True)[1] + int(flat.all())
    flat = flat.astype(np.intp, copy=False)
    areas = np.bincount(flat)
    areas[:1] = 0
    index = np.cumsum(areas > 0) - 1
    index[:1] = -1
    return areas[areas > 0], index[flat]
