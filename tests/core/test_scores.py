"""Scores, each against its definition written out the slow way."""

import time
from dataclasses import asdict, fields
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_monuseg.core.errors import AnnotationError
from napari_monuseg.core.scores import Scores, mean_scores, score_labels

AGREEMENT = [field.name for field in fields(Scores) if "nuclei" not in field.name]

small_labels = arrays(np.int32, (6, 6), elements=st.integers(0, 4), fill=st.just(0))


@st.composite
def label_pairs(draw):
    """Two label images that are alike, so that pairs over a half are common."""
    truth = draw(small_labels)
    changed = draw(arrays(np.bool_, truth.shape))
    return truth, np.where(changed, draw(small_labels), truth)


def masks(labels):
    return [labels == value for value in np.unique(labels) if value]


def jaccard(one, other):
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def slow_aji(truth, predicted):
    intersection = union = 0
    used = set()
    found = masks(predicted)
    for nucleus in masks(truth):
        scores = [jaccard(nucleus, other) for other in found]
        if max(scores, default=0) == 0:
            union += np.count_nonzero(nucleus)
            continue
        best = int(np.argmax(scores))
        used.add(best)
        intersection += np.count_nonzero(nucleus & found[best])
        union += np.count_nonzero(nucleus | found[best])
    union += sum(np.count_nonzero(found[i]) for i in range(len(found)) if i not in used)
    return intersection / union


def slow_aji_plus(truth, predicted):
    """Return AJI+ for every pairing with the largest sum of Jaccard indices."""
    true, found = masks(truth), masks(predicted)
    results = []
    # `None` stands for no partner.
    for partners in set(
        permutations([*range(len(found)), *[None] * len(true)], len(true))
    ):
        paired = [(i, j) for i, j in enumerate(partners) if j is not None]
        paired = [(i, j) for i, j in paired if (true[i] & found[j]).any()]
        alone = [true[i] for i in range(len(true)) if i not in [i for i, _ in paired]]
        alone += [
            found[j] for j in range(len(found)) if j not in [j for _, j in paired]
        ]
        intersection = sum(np.count_nonzero(true[i] & found[j]) for i, j in paired)
        union = sum(np.count_nonzero(true[i] | found[j]) for i, j in paired)
        union += sum(np.count_nonzero(nucleus) for nucleus in alone)
        total = sum(jaccard(true[i], found[j]) for i, j in paired)
        results.append((total, intersection / union))
    best = max(total for total, _ in results)
    return [aji for total, aji in results if total > best - 1e-9]


def slow_panoptic_quality(truth, predicted):
    true, found = masks(truth), masks(predicted)
    values = [jaccard(one, other) for one in true for other in found]
    over_half = [value for value in values if value > 0.5]
    dq = len(over_half) / (0.5 * len(true) + 0.5 * len(found))
    sq = float(np.mean(over_half)) if over_half else 0.0
    return dq, sq, dq * sq


@settings(deadline=None)
@given(label_pairs())
def test_pixel_scores_follow_their_definition(pair):
    truth, predicted = pair
    scores = score_labels(truth, predicted)

    right = np.count_nonzero((truth > 0) == (predicted > 0))
    hits = np.count_nonzero((truth > 0) & (predicted > 0))
    true, found = np.count_nonzero(truth), np.count_nonzero(predicted)
    neither = float(not true and not found)

    assert scores.accuracy == pytest.approx(right / truth.size)
    assert scores.precision == pytest.approx(hits / found if found else neither)
    assert scores.recall == pytest.approx(hits / true if true else neither)
    assert scores.dice == pytest.approx(
        2 * hits / (true + found) if true + found else neither
    )
    assert scores.true_nuclei == len(masks(truth))
    assert scores.predicted_nuclei == len(masks(predicted))


@settings(deadline=None)
@given(label_pairs().filter(lambda pair: pair[0].any() or pair[1].any()))
def test_nucleus_scores_follow_their_definition(pair):
    scores = score_labels(*pair)

    assert scores.aji == pytest.approx(slow_aji(*pair))
    assert any(scores.aji_plus == pytest.approx(aji) for aji in slow_aji_plus(*pair))
    assert (scores.dq, scores.sq, scores.pq) == pytest.approx(
        slow_panoptic_quality(*pair)
    )


@settings(deadline=None)
@given(label_pairs(), st.permutations(range(1, 5)), st.sampled_from([1, 10**6, 2**60]))
def test_numbering_does_not_matter(pair, order, factor):
    truth, predicted = pair
    renumbered = np.array([0, *order], dtype=np.uint64)[truth] * np.uint64(factor)

    scores, again = score_labels(truth, predicted), score_labels(renumbered, predicted)

    assert asdict(again) == pytest.approx(asdict(scores))


def test_one_predicted_nucleus_over_two_true_ones_counts_twice_in_aji_only():
    truth = np.array([[1, 1, 1, 2, 2]])
    predicted = np.array([[7, 7, 7, 7, 7]])

    scores = score_labels(truth, predicted)

    assert scores.aji == pytest.approx((3 + 2) / (5 + 5))
    assert scores.aji_plus == pytest.approx(3 / (5 + 2))


def test_aji_plus_prefers_the_larger_sum_to_the_largest_pair():
    # 1-1 has 4/9 and leaves 2 alone; 1-2 with 2-1 has 3/8 + 2/6.
    truth = np.array([[1, 1, 1, 1, 1, 1, 1, 2, 2]])
    predicted = np.array([[2, 2, 2, 1, 1, 1, 1, 1, 1]])

    scores = score_labels(truth, predicted)

    best = max(4 / 9, 3 / 7 + 2 / 6)
    assert best == 3 / 7 + 2 / 6
    assert scores.aji_plus == pytest.approx((3 + 2) / (7 + 6))


def test_half_overlap_is_not_a_nucleus_found():
    scores = score_labels(np.array([[1, 1, 0]]), np.array([[1, 0, 0]]))

    assert (scores.dq, scores.sq, scores.pq) == (0, 0, 0)


def test_nothing_to_find_and_nothing_found_is_perfect():
    empty = np.zeros((4, 4), dtype=np.int32)

    scores = asdict(score_labels(empty, empty))

    assert [scores[name] for name in AGREEMENT] == [1.0] * len(AGREEMENT)


@pytest.mark.parametrize("missed", [True, False])
def test_nuclei_on_one_side_only_score_nothing_but_right_pixels(missed):
    empty = np.zeros((4, 4), dtype=np.int32)
    one = empty.copy()
    one[0, 0] = 1

    scores = asdict(score_labels(one, empty) if missed else score_labels(empty, one))

    assert scores.pop("accuracy") == pytest.approx(15 / 16)
    assert [scores[name] for name in AGREEMENT[1:]] == [0.0] * (len(AGREEMENT) - 1)


def test_the_true_labels_score_one(tissue):
    _, labels = tissue

    scores = asdict(score_labels(labels, labels))

    assert [scores[name] for name in AGREEMENT] == [1.0] * len(AGREEMENT)


def test_mean_counts_every_image_the_same():
    few = score_labels(np.array([[1, 0]]), np.array([[1, 0]]))
    many = score_labels(np.array([[1, 2, 3, 4]]), np.array([[0, 0, 0, 0]]))

    mean = mean_scores([few, many])

    assert mean.dice == 0.5
    assert mean.true_nuclei == 2.5


def test_mean_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no scores"):
        mean_scores([])


@pytest.mark.parametrize(
    ("truth", "predicted", "reason"),
    [
        (np.zeros((4, 4), int), np.zeros((4, 5), int), r"\(4, 5\).*same image"),
        (np.zeros((4, 4), int), np.zeros((4, 4)), "whole numbers"),
        (np.full((4, 4), -1), np.zeros((4, 4), int), "whole numbers"),
        (np.zeros((4, 4), bool), np.zeros((4, 4), int), "whole numbers"),
    ],
)
def test_what_is_not_labels_is_refused(truth, predicted, reason):
    with pytest.raises(AnnotationError, match=reason):
        score_labels(truth, predicted)


def test_a_whole_image_is_scored_quickly():
    truth = np.zeros((1000, 1000), dtype=np.int32)
    rows, columns = np.indices((25, 25)).reshape(2, -1) * 40
    for label, (row, column) in enumerate(zip(rows, columns, strict=True), start=1):
        truth[row : row + 24, column : column + 24] = label
    predicted = np.roll(truth, (3, 3), axis=(0, 1))

    times = []
    for _ in range(3):
        start = time.perf_counter()
        score_labels(truth, predicted)
        times.append(time.perf_counter() - start)

    assert min(times) < 0.5  # a tenth of this on an idle machine
