"""Nuclei found again keep their numbers, and no two share one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from napari_monuseg.core.numbering import keep_numbers, number_pieces
from napari_monuseg.core.samples import synthetic_tissue

SMALL = arrays(np.int32, (6, 7), elements=st.integers(0, 9))


def test_the_same_nuclei_keep_their_numbers_however_they_come():
    _, before = synthetic_tissue((200, 200), seed=2)
    shuffled = np.random.default_rng(0).permutation(before.max()) + 1
    found = np.concatenate(([0], shuffled))[before].astype(np.int32)

    assert np.array_equal(keep_numbers(found, before), before)


def test_the_larger_part_of_a_divided_nucleus_keeps_the_number():
    before = np.array([[7, 7, 7, 7, 0, 3]], np.int32)
    found = np.array([[2, 1, 1, 1, 0, 0]], np.int32)

    assert keep_numbers(found, before).tolist() == [[1, 7, 7, 7, 0, 0]]


def test_nuclei_that_became_one_bear_the_number_of_the_larger():
    before = np.array([[4, 4, 6, 6, 6, 0]], np.int32)
    found = np.array([[1, 1, 1, 1, 1, 1]], np.int32)

    assert keep_numbers(found, before).tolist() == [[6] * 6]


def test_a_new_nucleus_gets_a_number_that_was_not_there():
    before = np.array([[1, 0, 3, 0]], np.int32)
    found = np.array([[1, 2, 0, 3]], np.int32)

    assert keep_numbers(found, before).tolist() == [[1, 2, 0, 4]]


@given(found=SMALL, before=SMALL)
def test_it_is_the_same_partition(found, before):
    numbered = keep_numbers(found, before)

    pairs = set(zip(found.ravel().tolist(), numbered.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(found)) == len(np.unique(numbered))
    assert np.array_equal(numbered == 0, found == 0)


def test_nuclei_painted_in_one_number_get_one_each():
    labels = np.zeros((20, 60), np.int32)
    labels[2:8, 2:8] = labels[2:12, 20:30] = labels[10:14, 40:44] = 5
    labels[15:19, 2:6] = 9
    before = labels.copy()

    numbered = number_pieces(labels)

    assert np.array_equal(labels, before)
    assert np.unique(numbered[2:12, 20:30]).tolist() == [5]  # the largest
    assert np.unique(numbered[2:8, 2:8]).tolist() == [10]
    assert np.unique(numbered[10:14, 40:44]).tolist() == [11]
    assert np.array_equal(numbered == 9, labels == 9)
    assert np.array_equal(numbered > 0, labels > 0)


def test_the_largest_number_leaves_room_for_pieces():
    labels = np.zeros((20, 40), np.int32)
    labels[2:12, 2:10] = labels[2:12, 12:18] = labels[2:12, 20:24] = 2**31 - 1
    labels[2:12, 30:38] = 1

    numbered = number_pieces(labels)

    assert np.unique(numbered).tolist() == [0, 1, 2, 3, 2**31 - 1]
    assert np.unique(numbered[2:12, 2:10]).tolist() == [2**31 - 1]


@pytest.mark.parametrize("highest", [9, np.iinfo(np.int32).max])
def test_pieces_get_no_number_that_is_taken(highest):
    labels = np.zeros((12, 24), np.int32)
    labels[1:9, 1:9] = labels[1:6, 14:19] = highest

    numbered = number_pieces(labels, taken=frozenset({1, 2, 30}))

    assert (numbered[1:9, 1:9] == highest).all()
    assert (numbered[1:6, 14:19] == (31 if highest == 9 else 3)).all()


def test_what_a_brush_left_stays_with_its_nucleus():
    labels = np.zeros((20, 20), np.int32)
    labels[2:8, 2:8] = labels[8, 8] = labels[15:17, 15:17] = 3

    assert number_pieces(labels) is labels


@given(SMALL)
def test_no_two_pieces_share_a_number(labels):
    numbered = number_pieces(labels, smallest=1)

    assert np.array_equal(numbered > 0, labels > 0)
    for number in np.unique(numbered[numbered > 0]):
        own = numbered == number
        assert ndimage.label(own, np.ones((3, 3)))[1] == 1
        assert np.unique(labels[own]).size == 1
    assert number_pieces(labels, smallest=100) is labels
