"""Which true and predicted nuclei share pixels, and how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Overlaps:
    """The areas of all nuclei, and each pair of them that shares pixels.

    Parameters
    ----------
    true_ids, predicted_ids : (T,) and (P,) int64
        The labels there are, ascending, without background.
    true_areas, predicted_areas : (T,) and (P,) int64
        In the order of the labels, px.
    true, predicted : (K,) int64
        Indices into them of each pair; the pairs are ordered by both.
    intersection : (K,) int64
        What each pair shares, px.
    """

    true_ids: Numbers
    predicted_ids: Numbers
    true_areas: Numbers
    predicted_areas: Numbers
    true: Numbers
    predicted: Numbers
    intersection: Numbers

    @classmethod
    def of(cls, truth: NDArray[Any], predicted: NDArray[Any]) -> Overlaps:
        """Count them in two label arrays of one shape."""
        pairs = _pairs(truth.ravel(), predicted.ravel())
        true_ids, true, true_areas = _sum_up(pairs.true, pairs.pixels)
        predicted_ids, found, predicted_areas = _sum_up(pairs.predicted, pairs.pixels)
        both = (true >= 0) & (found >= 0)
        return cls(
            true_ids=true_ids,
            predicted_ids=predicted_ids,
            true_areas=true_areas,
            predicted_areas=predicted_areas,
            true=true[both],
            predicted=found[both],
            intersection=pairs.pixels[both],
        )

    @property
    def union(self) -> Numbers:
        """Area of each pair's union, px."""
        areas = self.true_areas[self.true] + self.predicted_areas[self.predicted]
        return areas - self.intersection

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """Intersection over union of each pair."""
        return self.intersection / self.union

    def best_of_each_true(self) -> Numbers:
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


class _Pairs(NamedTuple):
    """What two arrays hold at the same pixel, and how often; not background on both."""

    true: Numbers
    predicted: Numbers
    pixels: Numbers


def _pairs(truth: NDArray[Any], predicted: NDArray[Any]) -> _Pairs:
    inside = np.flatnonzero((truth != 0) | (predicted != 0))
    truth, predicted = truth[inside], predicted[inside]
    height, width = (int(flat.max(initial=0)) + 1 for flat in (truth, predicted))
    if height * width <= 4 * truth.size:
        keys = truth.astype(np.int64) * width + predicted.astype(np.int64)
        counts = np.bincount(keys, minlength=height * width)
        present = np.flatnonzero(counts)
        return _Pairs(*np.divmod(present, width), counts[present])
    # A table over all pairs would not fit, or be mostly empty.
    true_ids, true = np.unique(truth, return_inverse=True)
    found_ids, found = np.unique(predicted, return_inverse=True)
    keys, counts = np.unique(true * found_ids.size + found, return_counts=True)
    rows, columns = np.divmod(keys, max(found_ids.size, 1))
    return _Pairs(
        true_ids[rows].astype(np.int64), found_ids[columns].astype(np.int64), counts
    )


def _sum_up(ids: Numbers, pixels: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return the ids there are, each entry's index into them or -1, and their areas."""
    present, index = np.unique(ids, return_inverse=True)
    areas = np.bincount(index, weights=pixels, minlength=present.size).astype(np.int64)
    background = int(present.size > 0 and present[0] == 0)
    return present[background:], index - background, areas[background:]
