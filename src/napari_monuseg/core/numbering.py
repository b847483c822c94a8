"""Numbers of nuclei: one found again bears the one it had, and no two share one."""

import numpy as np

from napari_monuseg.core.counting import ids_in
from napari_monuseg.core.overlaps import Numbers, Overlaps
from napari_monuseg.core.runs import pieces_of, runs_of
from napari_monuseg.core.separation import Labels

LARGEST_NUMBER = 2**30
"""Of a nucleus that can be corrected: there must be room for more."""

SMALLEST_PIECE = 16
"""Of a number's pieces, those of as many pixels are nuclei."""


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


def number_pieces(
    labels: Labels,
    *,
    smallest: int = SMALLEST_PIECE,
    taken: frozenset[int] = frozenset(),
) -> Labels:
    """Give pieces that lie apart numbers of their own.

    With a brush, several nuclei are easily painted in one number.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei, 0 for background; left as they are.
    smallest : int
        A smaller piece keeps the number of its nucleus, px: it is what a brush left.
    taken : frozenset of int
        Numbers that no piece is to get, beside those in the labels.

    Returns
    -------
    (H, W) int32
        `labels` itself where each number is in one piece, connected across edges or
        corners. Otherwise the largest piece of each keeps the number, and the others
        are numbered from the highest on, or with free numbers where there are none.
    """
    runs = runs_of(labels)
    pieces = pieces_of(runs, labels.shape[1])
    _, first = np.unique(pieces, return_index=True)
    numbers, sizes = runs.numbers[first], np.bincount(pieces, weights=runs.lengths)
    others = np.setdiff1d(np.arange(first.size), _largest(numbers, sizes))
    others = others[sizes[others] >= smallest]
    if not others.size:
        return labels
    not_free = np.array([*ids_in(numbers), *taken], np.int64)
    numbers[others] = numbers_beyond(not_free, others.size)
    apart = np.isin(pieces, others)
    renamed = runs.only(apart)
    numbered = labels.copy()
    numbered.ravel()[renamed.pixels()] = np.repeat(
        numbers[pieces[apart]], renamed.lengths
    )
    return numbered


def numbers_beyond(taken: Numbers, count: int) -> Numbers:
    """Give numbers from the highest that is taken on, or free ones if none are left.

    Parameters
    ----------
    taken : (n,) int64
        In any order.
    count : int
        How many are wanted.

    Returns
    -------
    (count,) int64
        Ascending, each at most `LARGEST_NUMBER` while there are so many.
    """
    highest = int(taken.max(initial=0))
    if highest + count <= LARGEST_NUMBER:
        return highest + np.arange(1, count + 1)
    return _free(np.unique(taken), count)


def close_gaps(labels: Labels) -> Labels:
    """Give nuclei ``(H, W)`` the numbers from 1 on, without gaps, in their order."""
    ids = ids_in(labels)
    if not ids.size or ids.size == int(ids[-1]):
        return labels
    numbered: Labels = (np.searchsorted(ids, labels) + 1).astype(np.int32)
    numbered[labels == 0] = 0
    return numbered


def _largest(groups: Numbers, sizes: Numbers) -> Numbers:
    """Return, for each group, where the largest of it is; of equal ones the first."""
    order = np.lexsort((-sizes, groups))
    _, first = np.unique(groups[order], return_index=True)
    return order[first]


def _free(taken: Numbers, count: int) -> Numbers:
    """Return the lowest numbers from 1 that are not taken, each of which is once."""
    candidates = np.arange(1, taken.size + count + 1)
    return np.setdiff1d(candidates, taken, assume_unique=True)[:count]
