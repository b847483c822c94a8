"""How sure a difference between two models is.

What was held out falls into blocks. Drawing blocks anew, again and again, shows how
much the scores would vary with other tissue of the same kind: a bootstrap, paired,
since both models see the same blocks.

References
----------
B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.looks import Seen, inside
from napari_monuseg.core.overlaps import Overlaps
from napari_monuseg.core.regions import that_count

BLOCK = 64
"""Side of the blocks that are drawn anew, px."""

DRAWS = 2000

CONFIDENCE = 0.9

JUDGED = ("dice", "aji", "pq")

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One score before and after, over all that was held out together.

    Parameters
    ----------
    before, after : float
        In [0, 1], 1 is best.
    low, high : float
        Between which the difference lies, with a confidence of `CONFIDENCE`.
    """

    before: float
    after: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """After less before."""
        return self.after - self.before


def compare(before: Sequence[Seen], after: Sequence[Seen]) -> dict[str, Change]:
    """Return Dice, AJI and PQ of two models, and how sure their difference is.

    Parameters
    ----------
    before, after : sequence of Seen
        What each model found in the same parts; at least one.

    Returns
    -------
    dict of str to Change
        By the names in `JUDGED`.
    """
    old, new = (
        np.concatenate([_count_by_block(one) for one in seen])
        for seen in (before, after)
    )
    blocks = len(old)
    random = np.random.default_rng(0)
    draws = random.multinomial(blocks, np.full(blocks, 1 / blocks), size=DRAWS)
    differences = _scores(draws @ new) - _scores(draws @ old)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(differences, (tail, 1 - tail), axis=0)
    scores = [_scores(counts.sum(0)[None])[0] for counts in (old, new)]
    return {
        name: Change(
            before=float(scores[0][number]),
            after=float(scores[1][number]),
            low=float(low[number]),
            high=float(high[number]),
        )
        for number, name in enumerate(JUDGED)
    }


def _scores(sums: Floats) -> Floats:
    """Return Dice, AJI and PQ ``(N, 3)`` from summed counts ``(N, 7)``."""
    both, either, shared, union, matched, unmatched, jaccard = sums.T
    return np.stack(
        [
            _ratio(2 * both, either),
            _ratio(shared, union),
            _ratio(jaccard, matched + unmatched / 2),
        ],
        axis=1,
    )


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole; 1 where there is nothing to find and nothing found."""
    return np.divide(part, whole, out=np.ones_like(part), where=whole > 0)


def _count_by_block(seen: Seen) -> Floats:
    """Return what Dice, AJI and PQ are made of, block by block ``(B, 7)``.

    The pixels in both, and the sum of either's; the intersections and unions of
    AJI, with what is missed or invented; the nuclei matched for PQ, how many of
    both sides are not, and the sum of the matched ones' Jaccard indices.
    """
    truth, found = (one[0] for one in inside(seen.truth, seen.found, seen.area))
    block = _block_of_each_pixel(that_count(seen.truth, seen.area))
    size = int(block.max(initial=-1)) + 1
    overlaps = Overlaps.of(truth[None], found[None])
    homes = _homes(truth, block), _homes(found, block)

    def summed(places: Indices, values: npt.ArrayLike) -> Floats:
        weights = np.broadcast_to(np.asarray(values, np.float64), places.shape)
        sums = np.bincount(places, weights=weights, minlength=size)
        return sums.astype(np.float64)  # without any places they are whole numbers

    taken = overlaps.best_of_each_true()
    over = np.flatnonzero(overlaps.jaccard > 0.5)
    true_home = homes[0][overlaps.true]
    lost, lost_homes = _alone(overlaps, taken, homes)
    _, unmatched_homes = _alone(overlaps, over, homes)
    return np.stack(
        [
            summed(block, (truth > 0) & (found > 0)),
            summed(block, (truth > 0).astype(int) + (found > 0)),
            summed(true_home[taken], overlaps.intersection[taken]),
            summed(true_home[taken], overlaps.union[taken]) + summed(lost_homes, lost),
            summed(true_home[over], 1),
            summed(unmatched_homes, 1),
            summed(true_home[over], overlaps.jaccard[over]),
        ],
        axis=1,
    )


def _block_of_each_pixel(counts: npt.NDArray[np.bool_]) -> Indices:
    rows, columns = np.nonzero(counts)
    names = (rows // BLOCK) * (counts.shape[1] // BLOCK + 1) + columns // BLOCK
    return np.unique(names, return_inverse=True)[1].ravel()


def _homes(labels: npt.NDArray[np.int32], block: Indices) -> Indices:
    """Return the block of each nucleus's first pixel, in the order of the labels."""
    numbers, first = np.unique(labels, return_index=True)
    return block[first[numbers > 0]]


def _alone(
    overlaps: Overlaps, pairs: Indices, homes: tuple[Indices, Indices]
) -> tuple[Indices, Indices]:
    """Return areas and homes of the nuclei of either side that are in no pair."""
    sides = (
        (overlaps.true_areas, overlaps.true, homes[0]),
        (overlaps.predicted_areas, overlaps.predicted, homes[1]),
    )
    areas, places = [], []
    for side_areas, indices, side_homes in sides:
        others = np.setdiff1d(np.arange(side_areas.size), indices[pairs])
        areas.append(side_areas[others])
        places.append(side_homes[others])
    return np.concatenate(areas), np.concatenate(places)
