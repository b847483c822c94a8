"""Corrections are counted where they were made, each once."""

import numpy as np
import pytest

from napari_monuseg.core.effort import corrected_since
from napari_monuseg.core.handwork import HandWork

NONE = HandWork.none((40, 40))


@pytest.fixture
def written():
    """Nine nuclei of 8 × 8 px."""
    labels = np.zeros((40, 40), np.int32)
    for number in range(9):
        row, column = divmod(number, 3)
        labels[13 * row + 2 :, 13 * column + 2 :][:8, :8] = number + 1
    return labels


def everywhere():
    return np.ones((40, 40), bool)


def edited(written, change):
    current = written.copy()
    change(current)
    return NONE.gather(current, written)


def trim(labels):
    labels[2:10, 2:4] = 0


def erase(labels):
    labels[labels == 5] = 0


def add(labels):
    labels[36:39, 36:39] = 20


def test_what_is_cut_off_a_nucleus_is_one_correction(written):
    assert corrected_since(NONE, edited(written, trim), everywhere()) == 1


def test_a_nucleus_erased_and_one_made_are_two(written):
    def change(labels):
        erase(labels)
        add(labels)

    assert corrected_since(NONE, edited(written, change), everywhere()) == 2


def test_nothing_counts_outside_of_the_area(written):
    area = everywhere()
    area[:, :13] = False

    def change(labels):
        trim(labels)
        erase(labels)

    assert corrected_since(NONE, edited(written, change), area) == 1
    assert corrected_since(NONE, edited(written, change), np.zeros_like(area)) == 0


def test_what_came_along_from_an_earlier_round_does_not_count_again(written):
    before = edited(written, trim)
    kept = before.merge(written)
    now = kept.copy()
    erase(now)

    assert corrected_since(before, before.gather(kept, kept), everywhere()) == 0
    assert corrected_since(before, before.gather(now, kept), everywhere()) == 1
    assert corrected_since(before, NONE, everywhere()) == 0
