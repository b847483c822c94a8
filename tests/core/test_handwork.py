"""What was made by hand is found by comparing, and stands in what comes after."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_monuseg.core import handwork
from napari_monuseg.core.counting import count_nuclei, nuclei_inside
from napari_monuseg.core.handwork import (
    HandCount,
    HandWork,
)

SHAPE = (60, 80)


def disc(row, column, radius):
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def discs(*places):
    """Give nuclei numbered from 1, each a (row, column, radius)."""
    labels = np.zeros(SHAPE, np.int32)
    for number, place in enumerate(places, 1):
        labels[disc(*place)] = number
    return labels


@pytest.fixture
def written():
    return discs((15, 15, 8), (15, 50, 8), (45, 30, 8))


@pytest.fixture(params=[7, handwork.BLOCK])
def block(request, monkeypatch):
    """Compare in blocks that cut nuclei, and in one that holds all."""
    monkeypatch.setattr(handwork, "BLOCK", request.param)


def gathered(current, written, reviewed=None):
    return HandWork.none(SHAPE).gather(current, written, reviewed)


def test_what_nobody_touched_is_no_hand_work(written):
    hand = gathered(written.copy(), written)

    assert hand.pixels.size == 0
    assert hand.count == HandCount(0, 0)
    assert np.array_equal(hand.merge(written), written)


@pytest.mark.usefixtures("block")
def test_one_pixel_makes_the_whole_nucleus_hand_work(written):
    current = written.copy()
    current[15, 24] = 1

    hand = gathered(current, written)

    assert np.array_equal(hand.held, current == 1)
    assert hand.count == HandCount(1, 0)
    assert hand.used == {1}


@pytest.mark.usefixtures("block")
def test_a_trimmed_nucleus_is_held_with_what_was_erased(written):
    current = written.copy()
    current[15, 7:10] = 0

    hand = gathered(current, written)

    assert np.array_equal(hand.held, written == 1)
    assert hand.count == HandCount(1, 1)


@pytest.mark.usefixtures("block")
def test_a_nucleus_painted_over_another_holds_both(written):
    current = written.copy()
    current[disc(15, 15, 3)] = 9

    hand = gathered(current, written)

    assert np.array_equal(hand.held, written == 1)
    assert hand.count == HandCount(2, 0)
    assert hand.used == {1, 9}


def test_a_deleted_nucleus_does_not_come_back_larger(written):
    current = np.where(written == 1, 0, written)
    hand = gathered(current, written)

    for radius in (8, 10, 14):  # at 14 more is left of it than was deleted
        merged = hand.merge(discs((15, 15, radius), (15, 50, 9)))
        assert not merged[disc(15, 15, 15)].any()
        assert (merged == 2).sum() == disc(15, 50, 9).sum()
    assert hand.count == HandCount(0, 1)


def test_a_neighbour_loses_what_is_held_and_stays_in_one_piece():
    written = discs((30, 20, 5))
    current = written.copy()
    current[:, 38:42] = 7  # drawn right across where the next one comes

    merged = gathered(current, written).merge(discs((30, 20, 5), (30, 44, 15)))

    assert np.array_equal(merged == 7, current == 7)
    (number,) = set(np.unique(merged[:, 42:])) - {0}
    assert ndimage.label(merged == number)[1] == 1
    assert not merged[:, 26:38].any()  # the smaller piece is gone


def test_a_nucleus_that_is_mostly_held_is_dropped(written):
    current = written.copy()
    current[10:20, 30:60] = 9

    merged = gathered(current, written).merge(discs((15, 45, 8)))

    assert set(np.unique(merged)) == {0, 2, 9}
    assert np.array_equal(merged[10:20, 30:60], current[10:20, 30:60])


def test_ids_used_by_hand_are_not_given_to_the_nuclei_of_the_program(written):
    current = written.copy()
    current[disc(45, 65, 4)] = 2  # by hand, in the number of another one
    hand = gathered(current, written)

    merged = hand.merge(discs((45, 10, 4), (30, 5, 3), (5, 75, 3)))

    assert np.array_equal(merged == 2, current == 2)
    assert merged[30, 5] not in (0, 1, 2, 3)
    assert (merged[45, 10], merged[5, 75]) == (1, 3)


def test_an_id_stays_used_after_its_nucleus_is_gone(written):
    painted = np.where(disc(45, 65, 4), 4, written).astype(np.int32)
    first = gathered(painted, written)
    again = first.gather(written, first.merge(written))

    assert again.used == {4}
    four = discs((5, 5, 2), (5, 15, 2), (5, 25, 2), (5, 35, 2))
    assert 4 not in again.merge(four)


def test_hand_work_accumulates(written):
    first = written.copy()
    first[disc(45, 65, 4)] = 9
    hand = gathered(first, written)
    shown = hand.merge(discs((15, 15, 6), (15, 50, 6)))
    second = shown.copy()
    second[shown == 1] = 0

    hand = hand.gather(second, shown)

    assert hand.count == HandCount(1, 1)
    merged = hand.merge(written)
    assert np.array_equal(merged == 9, disc(45, 65, 4))
    assert not merged[disc(15, 15, 6)].any()


def test_an_edit_that_was_undone_is_no_longer_held(written):
    hand = gathered(np.where(written == 2, 9, written).astype(np.int32), written)
    assert hand.count.nuclei == 1

    assert gathered(written, written).count == HandCount(0, 0)


def test_the_reviewed_area_is_held_as_it_stands(written):
    reviewed = np.zeros(SHAPE, bool)
    reviewed[:30, :20] = True

    hand = gathered(written, written, reviewed)

    assert np.array_equal(hand.held, reviewed | (written == 1))
    merged = hand.merge(discs((4, 4, 3), (15, 15, 10), (45, 30, 9)))
    assert np.array_equal(merged[hand.held], written[hand.held])
    assert (merged[45, 30], merged[4, 4]) == (3, 0)
    assert hand.count == HandCount(0, 0)


def test_what_is_no_longer_reviewed_is_the_programs_again(written):
    edited = np.where(written == 2, 0, written).astype(np.int32)
    hand = gathered(edited, written, np.ones(SHAPE, bool))

    later = hand.gather(edited, edited)

    assert np.array_equal(later.held, written == 2)


def test_what_was_saved_is_held_again(written):
    current = np.where(written == 2, 9, written).astype(np.int32)
    hand = gathered(current, written)

    again = HandWork.restored(current, hand.held_by_edits, hand.used)

    assert np.array_equal(again.merge(discs()), hand.merge(discs()))
    assert again.used == hand.used


def test_very_large_ids_cost_no_more_memory(written):
    largest = np.iinfo(np.int32).max
    current = np.where(written == 2, largest, written).astype(np.int32)

    merged = gathered(current, written).merge(written)

    assert np.array_equal(merged == largest, written == 2)
    assert count_nuclei(merged) == 3


@pytest.mark.parametrize("largest", [4000, 200_000_000, np.iinfo(np.int32).max])
def test_nuclei_of_the_program_may_bear_very_large_ids_too(written, largest):
    current = written.copy()
    drawn, found = disc(28, 50, 4), disc(18, 50, 8)
    current[drawn] = 9
    hand = gathered(current, written)
    derived = np.where(found, largest, 0).astype(np.int32)

    tracemalloc.start()
    merged = hand.merge(derived)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 10_000_000
    assert np.array_equal(merged == largest, found & ~drawn)
    assert np.array_equal(merged == 9, drawn)


def test_nuclei_cut_by_the_edge_do_not_count(written):
    mask = np.zeros(SHAPE, bool)
    mask[:30, :50] = True

    assert nuclei_inside(written, mask) == (1, 1)
    assert nuclei_inside(written, np.ones(SHAPE, bool)) == (3, 0)
    assert nuclei_inside(written, np.zeros(SHAPE, bool)) == (0, 0)


def small_labels(shape):
    return arrays(np.int32, shape, elements=st.integers(0, 4))


@st.composite
def histories(draw):
    """What the program wrote, what was made of it, what it finds next, reviewed."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))
    written, derived = draw(small_labels(shape)), draw(small_labels(shape))
    stamp = draw(arrays(bool, shape))
    current = np.where(stamp, draw(small_labels(shape)), written).astype(np.int32)
    reviewed = draw(st.none() | arrays(bool, shape))
    return written, current, derived, reviewed


@given(histories())
@settings(max_examples=300, deadline=None)
def test_whatever_was_done_it_stands_in_what_comes_after(history):
    written, current, derived, reviewed = history
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handwork, "BLOCK", 4)
        hand = HandWork.none(written.shape).gather(current, written, reviewed)
    held = hand.held

    merged = hand.merge(derived)

    # All that differs is held, and nuclei are held whole.
    assert held[(current != written) & ((current > 0) | (written > 0))].all()
    assert not np.intersect1d(current[held], current[~held & (current > 0)]).size
    if reviewed is not None:
        assert held[reviewed].all()
    # It stands bit for bit, and nothing outside of it bears one of its numbers.
    assert np.array_equal(merged[held], current[held])
    assert not np.isin(
        merged[~held], [*hand.used, *current[held & (current > 0)]]
    ).any()
    # What is the program's there is a part of what it found, and at least half.
    outside = np.where(held, 0, merged)
    for number in set(np.unique(outside)) - {0}:
        (origin,) = np.unique(derived[outside == number])
        assert origin > 0
        whole = derived == origin
        assert 2 * (whole & ~held).sum() >= whole.sum()
        if (whole & held).any():
            assert ndimage.label(outside == number)[1] == 1
    # To gather again what was just written adds nothing.
    assert np.array_equal(hand.gather(merged, merged).held, hand.held_by_edits)


def test_several_nuclei_painted_in_one_number_are_told_apart(written):
    current = written.copy()
    current[2:7, 2:7] = current[2:8, 52:58] = 40
    hand = HandWork.none(written.shape, frozenset({90})).gather(current, written)

    apart = hand.apart()

    labels = np.zeros(written.shape, np.int32)
    labels.ravel()[apart.pixels] = apart.labels
    assert np.array_equal(apart.pixels, hand.pixels)
    assert np.array_equal(apart.edited, hand.edited)
    assert (labels[2:8, 52:58] == 40).all()  # the larger keeps the number
    assert (labels[2:7, 2:7] == 91).all()  # above all that were ever used
    assert {40, 90, 91} <= apart.used
    assert apart.count.nuclei == 2


def test_several_nuclei_painted_in_one_number_count_one_by_one(written):
    current = written.copy()
    current[0:4, 0:4] = current[0:4, 36:40] = 30

    assert gathered(current, written).count == (2, 0)


def test_nuclei_of_one_number_each_stay_as_they_are(written):
    current = written.copy()
    current[2:7, 2:7] = 40
    hand = gathered(current, written)

    assert np.array_equal(hand.apart().labels, hand.labels)
    assert HandWork.none(written.shape).apart().pixels.size == 0
