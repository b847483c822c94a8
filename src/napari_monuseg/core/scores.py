"""How well predicted nuclei agree with the true ones, for one image at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from napari_monuseg.core.errors import AnnotationError
from napari_monuseg.core.overlaps import Overlaps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Agreement of predicted with true nuclei in one image, or a mean over images.

    All but the two counts are in [0, 1], and 1 is best. Where neither side has a
    nucleus every score is 1; where only one side has any, every score is 0 except
    `accuracy`, which stays the share of right pixels.

    Parameters
    ----------
    accuracy : float
        Share of pixels whose class (nucleus or background) is right.
    precision, recall : float
        Share of predicted nucleus pixels that are true, and of true ones found.
    dice : float
        Pixel Dice, the same as F1: harmonic mean of `precision` and `recall`.
    aji : float
        Aggregated Jaccard index [1]_: each true nucleus takes the predicted one
        with the largest Jaccard index; predicted nuclei that none took add to the
        union. As in the original, several true nuclei may take the same one.
    aji_plus : float
        The same with each nucleus used at most once, in the pairing with the
        largest sum of Jaccard indices [2]_.
    dq, sq, pq : float
        Detection, segmentation and panoptic quality [2]_: F1 of the nuclei found
        (Jaccard index over 0.5), mean Jaccard index of those, and their product.
    true_nuclei, predicted_nuclei : int
        Number of nuclei; a float in a mean.

    References
    ----------
    .. [1] Kumar et al., "A Dataset and a Technique for Generalized Nuclear
       Segmentation for Computational Pathology", IEEE TMI 36(7), 2017.
    .. [2] Graham et al., "HoVer-Net: Simultaneous Segmentation and Classification
       of Nuclei in Multi-Tissue Histology Images", Medical Image Analysis 58, 2019.
    """

    accuracy: float
    precision: float
    recall: float
    dice: float
    aji: float
    aji_plus: float
    dq: float
    sq: float
    pq: float
    true_nuclei: int | float
    predicted_nuclei: int | float


def score_labels(truth: NDArray[Any], predicted: NDArray[Any]) -> Scores:
    """Score the predicted nuclei of one whole image.

    Parameters
    ----------
    truth, predicted : (H, W) integer arrays
        Labels, 0 is background; any numbering.

    Returns
    -------
    Scores
        Scores of the image.

    Raises
    ------
    AnnotationError
        If the shapes differ or either holds no labels.
    """
    _check(truth, predicted)
    overlaps = Overlaps.of(truth, predicted)
    return Scores(
        **_pixel_scores(truth != 0, predicted != 0),
        aji=_aji(overlaps),
        aji_plus=_aji_plus(overlaps),
        **_panoptic_quality(overlaps),
        true_nuclei=overlaps.true_areas.size,
        predicted_nuclei=overlaps.predicted_areas.size,
    )


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Average the scores of images, each image counting the same.

    Parameters
    ----------
    scores : sequence of Scores
        Scores of the images; at least one.

    Returns
    -------
    Scores
        Mean of every field, the counts included.

    Raises
    ------
    ValueError
        If there are no scores.
    """
    if not scores:
        raise ValueError("the mean of no scores is not defined")
    names = [field.name for field in fields(Scores)]
    return Scores(
        **{
            name: float(np.mean([getattr(score, name) for score in scores]))
            for name in names
        }
    )


def _pixel_scores(
    truth: NDArray[np.bool_], found: NDArray[np.bool_]
) -> dict[str, float]:
    both = int(np.count_nonzero(truth & found))
    true, predicted = int(np.count_nonzero(truth)), int(np.count_nonzero(found))
    wrong = true + predicted - 2 * both
    empty = not (true or predicted)
    return {
        "accuracy": 1 - wrong / truth.size if truth.size else 1.0,
        "precision": _ratio(both, predicted, empty=empty),
        "recall": _ratio(both, true, empty=empty),
        "dice": _ratio(2 * both, true + predicted, empty=empty),
    }


def _aji(overlaps: Overlaps) -> float:
    return _aggregated(overlaps, overlaps.best_of_each_true())


def _aji_plus(overlaps: Overlaps) -> float:
    return _aggregated(overlaps, _best_pairing(overlaps))


def _aggregated(overlaps: Overlaps, chosen: NDArray[np.int64]) -> float:
    """Return summed intersections over summed unions and unpaired areas."""
    intersection = int(overlaps.intersection[chosen].sum())
    union = int(overlaps.union[chosen].sum())
    missed = np.delete(overlaps.true_areas, overlaps.true[chosen])
    invented = np.delete(overlaps.predicted_areas, overlaps.predicted[chosen])
    total = union + int(missed.sum()) + int(invented.sum())
    return _ratio(intersection, total, empty=overlaps.empty)


def _best_pairing(overlaps: Overlaps) -> NDArray[np.int64]:
    """Return the pairs, each nucleus once, whose Jaccard indices sum highest."""
    nuclei = np.arange(overlaps.true_areas.size)
    partners = overlaps.predicted_areas.size
    # Each true nucleus may stay alone with a partner of its own at cost 2; a real
    # pair costs 2 - Jaccard, since the sparse solver takes a cost of 0 as no edge.
    costs = np.concatenate((2 - overlaps.jaccard, np.full(nuclei.size, 2.0)))
    rows = np.concatenate((overlaps.true, nuclei))
    columns = np.concatenate((overlaps.predicted, partners + nuclei))
    edges = coo_array((costs, (rows, columns)), (nuclei.size, partners + nuclei.size))
    _, partner = min_weight_full_bipartite_matching(edges.tocsr())
    return np.flatnonzero(partner[overlaps.true] == overlaps.predicted)


def _panoptic_quality(overlaps: Overlaps) -> dict[str, float]:
    jaccard = overlaps.jaccard
    # Over a half, a pair is unique: no other nucleus can have the larger part.
    found = jaccard[jaccard > 0.5]
    nuclei = overlaps.true_areas.size + overlaps.predicted_areas.size
    dq = _ratio(2 * found.size, nuclei, empty=overlaps.empty)
    sq = _ratio(float(found.sum()), found.size, empty=overlaps.empty)
    return {"dq": dq, "sq": sq, "pq": dq * sq}


def _ratio(part: float, whole: float, *, empty: bool) -> float:
    """Return `part` / `whole`; with nothing to find and nothing found 1, else 0."""
    return part / whole if whole else float(empty)


def _check(truth: NDArray[Any], predicted: NDArray[Any]) -> None:
    if truth.shape != predicted.shape:
        raise AnnotationError(
            f"The true labels have the shape {truth.shape} and the predicted ones "
            f"{predicted.shape}; both must come from the same image."
        )
    for labels in (truth, predicted):
        if labels.dtype.kind not in "iu" or labels.min(initial=0) < 0:
            raise AnnotationError(
                "Labels must be whole numbers from 0 (background) up; "
                f"these are {labels.dtype}."
            )
