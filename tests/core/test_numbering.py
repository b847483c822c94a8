"""Nuclei found again keep their numbers, and no two share one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_monuseg.core.numbering import keep_numbers
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
