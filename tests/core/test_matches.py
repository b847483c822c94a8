"""True, false and missed nuclei: what the panoptic quality counts."""

import numpy as np

from napari_monuseg.core.matches import Matches
from napari_monuseg.core.scores import score_labels


def test_nuclei_fall_into_three_layers():
    truth = np.array([[9, 9, 9, 0, 4, 4, 0, 7, 7]])
    predicted = np.array([[2, 2, 0, 0, 0, 5, 0, 0, 3]])

    matches = Matches.of(truth, predicted)

    # A Jaccard index of exactly a half is no match.
    np.testing.assert_array_equal(matches.found, [[9, 9, 0, 0, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(matches.false, [[0, 0, 0, 0, 0, 5, 0, 0, 3]])
    np.testing.assert_array_equal(matches.missed, [[0, 0, 0, 0, 4, 4, 0, 7, 7]])


def test_the_layers_count_what_detection_quality_counts(tissue):
    _, truth = tissue
    predicted = np.where(truth % 5 == 0, 0, np.roll(truth, 3, axis=1))

    matches = Matches.of(truth, predicted)

    found, false, missed = (
        np.unique(layer[layer > 0]).size
        for layer in (matches.found, matches.false, matches.missed)
    )
    assert min(found, missed) > 3
    expected = score_labels(truth, predicted)
    assert found + false == expected.predicted_nuclei
    assert found + missed == expected.true_nuclei
    assert 2 * found / (2 * found + false + missed) == expected.dq


def test_without_nuclei_there_are_no_layers():
    empty = np.zeros((4, 4), np.int32)

    matches = Matches.of(empty, empty)

    layers = matches.found, matches.false, matches.missed
    assert not np.any(layers)
