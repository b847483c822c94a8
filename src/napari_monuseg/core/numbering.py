"""Numbers that stay: a nucleus that is found again bears the number it had."""

import numpy as np

from napari_monuseg.core.overlaps import Numbers, Overlaps
from napari_monuseg.core.separation import Labels


def keep_numbers(found: Labels, before: Labels) -> Labels:
    """Give nuclei the numbers they had before.

    A nucleus takes the number of the former one with which it shares most pixels,
    unless another one shares more of that. The others get the lowest numbers that
    no former one has.

    Parameters
    ----------
    found, before : (H, W) int32
        Nuclei, 0 for background.

    Returns
    -------
    (H, W) int32
        The nuclei of `found`; where nothing changed, the numbers of `before`.
    """
    pairs = Overlaps.of(before, found)
    old, new = pairs.true_ids, pairs.predicted_ids
    claims = _largest(pairs.predicted, pairs.intersection)
    kept = claims[_largest(pairs.true[claims], pairs.intersection[claims])]
    numbers = np.zeros(int(found.max(initial=0)) + 1, np.int32)
    numbers[new[pairs.predicted[kept]]] = old[pairs.true[kept]]
    nameless = new[numbers[new] == 0]
    numbers[nameless] = _free(old, nameless.size)
    return np.take(numbers, found)


def _largest(groups: Numbers, sizes: Numbers) -> Numbers:
    """Return, for each group, where the largest of it is; of equal ones the first."""
    order = np.lexsort((-sizes, groups))
    _, first = np.unique(groups[order], return_index=True)
    return order[first]


def _free(taken: Numbers, count: int) -> Numbers:
    """Return the lowest numbers from 1 that are not taken."""
    candidates = np.arange(1, taken.size + count + 1)
    return np.setdiff1d(candidates, taken, assume_unique=True)[:count]
