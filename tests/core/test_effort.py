"""Corrections are counted where they were made, each once."""

import numpy as np
import pytest

from napari_monuseg.core import effort
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


def corrected_since(before, hand, area):
    """Count the corrections; each must lie in the area, and apart from the others."""
    places = effort.corrected_since(before, hand, area)
    assert len(set(places)) == len(places)
    assert area.ravel()[list(places)].all()
    return len(places)


def everywhere():
    return np.ones((40, 40), bool)


def edited(written, change):
    return again(NONE, written, change)


def again(before, kept, change):
    """Correct what a later run shows, hand work of the first in it."""
    now = kept.copy()
    change(now)
    return before.gather(now, kept)


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


def grow(labels):
    labels[10:12, 2:10] = 1


def unite(labels):
    labels[2:10, 10:15] = 1
    labels[2:10, 15:23] = 1


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (trim, 1),
        (grow, 1),
        (lambda labels: labels.__setitem__(labels == 1, 0), 1),
        (lambda labels: labels.__setitem__((slice(5, 7), slice(2, 10)), 0), 1),
        (unite, 1),
        (lambda labels: labels.__setitem__(labels == 2, 0), 1),
    ],
    ids=[
        "trimmed",
        "grown",
        "deleted",
        "cut in two",
        "united",
        "one beside it deleted",
    ],
)
def test_a_change_of_what_came_along_counts(written, change, count):
    before = edited(written, lambda labels: labels.__setitem__((10, 2), 1))
    kept = before.merge(written)

    assert corrected_since(before, again(before, kept, change), everywhere()) == count


def test_two_that_came_along_and_are_deleted_side_by_side_are_two(written):
    written[2:10, 10:15] = 2
    before = edited(written, lambda labels: labels.__setitem__((10, [2, 15]), (1, 2)))
    kept = before.merge(written)

    def erase_both(labels):
        labels[(labels == 1) | (labels == 2)] = 0

    assert corrected_since(before, again(before, kept, erase_both), everywhere()) == 2


def test_a_nucleus_deleted_beside_one_that_came_along_counts(written):
    written[2:10, 10:15] = 2
    before = edited(written, trim)
    kept = before.merge(written)

    def erase_the_other(labels):
        labels[labels == 2] = 0

    now = again(before, kept, erase_the_other)
    assert corrected_since(before, now, everywhere()) == 1


def redraw(labels):
    labels[labels == 1] = 0
    labels[3:9, 3:9] = 20


def unite_and_smooth(labels):
    unite(labels)
    labels[2, 22] = labels[10, 15] = 0


@pytest.mark.parametrize("change", [redraw, unite_and_smooth])
def test_one_that_came_along_and_is_another_now_counts_once(written, change):
    def take_both(labels):
        labels[10, [2, 15]] = (1, 2)

    before = edited(written, take_both)
    kept = before.merge(written)

    assert corrected_since(before, again(before, kept, change), everywhere()) == 1


@pytest.mark.parametrize("side", [4, 10])
def test_what_is_painted_in_the_number_of_one_that_came_along_counts(written, side):
    before = edited(written, trim)
    kept = before.merge(written)

    def paint(labels):
        labels[30 : 30 + side, 30 : 30 + side] = 1

    empty = written.copy()
    empty[26:, 26:] = 0
    kept = before.merge(empty)
    assert corrected_since(before, again(before, kept, paint), everywhere()) == 1


def test_what_came_along_in_two_pieces_counts_no_more_for_that():
    labels = np.zeros((40, 40), np.int32)
    labels[2:10, 2:10] = labels[2:8, 20:26] = 5
    before = HandWork.restored(labels, labels > 0)
    now = labels.copy()
    now[30:36, 30:36] = 6

    assert corrected_since(before, before.gather(labels, labels), everywhere()) == 0
    assert corrected_since(before, before.gather(now, labels), everywhere()) == 1


def test_a_nucleus_cut_back_out_of_the_area_counts_there(written):
    before = edited(written, grow)
    kept = before.merge(written)
    area = everywhere()
    area[:10] = False

    def cut_back(labels):
        labels[10:12, 2:10] = 0

    now = again(before, kept, cut_back)
    assert corrected_since(before, now, area) == 1


def test_several_painted_in_one_number_count_one_by_one(written):
    def paint(labels):
        labels[36:40, 0:4] = labels[36:40, 36:40] = 20

    assert corrected_since(NONE, edited(written, paint), everywhere()) == 2


def test_what_changed_outside_of_the_area_counts_where_its_nucleus_reaches_in(written):
    before = edited(written, trim)
    kept = before.merge(written)
    now = again(before, kept, grow)
    area = everywhere()
    area[10:] = False

    assert corrected_since(before, now, area) == 1
    assert corrected_since(before, now, ~area) == 1
    assert corrected_since(before, now, np.zeros_like(area)) == 0
