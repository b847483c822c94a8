"""Hand work stays where it lies on its image, whichever part is looked at."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_monuseg.core.carrying import Carried, combined, holds
from napari_monuseg.core.handwork import HandWork

SHAPE = (20, 30)


def hand_of(labels, held):
    return HandWork.restored(labels, held)


def square(top, left, number, labels=None, side=4):
    labels = np.zeros(SHAPE, np.int32) if labels is None else labels
    labels[top : top + side, left : left + side] = number
    return labels


def image_of(hand):
    """Give what hand work holds as an image: -1 where it holds nothing."""
    image = np.full(hand.shape, -1, np.int64)
    image.ravel()[hand.pixels] = hand.labels
    return image


@st.composite
def hands(draw, shape=None, highest=4):
    shape = shape or draw(array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8))
    labels = draw(arrays(np.int32, shape, elements=st.integers(0, highest)))
    return hand_of(labels, draw(arrays(bool, shape)))


def test_what_came_from_elsewhere_is_left_out():
    labels = square(10, 10, 8, square(2, 3, 7))
    brought = hand_of(square(2, 3, 7), square(2, 3, 7) > 0)

    one = Carried(hand=hand_of(labels, labels > 0), offset=(0, 0), brought=brought)
    image = image_of(one.onto((0, 0), SHAPE))

    assert np.array_equal(image == 8, labels == 8)
    assert not (image == 7).any()


@pytest.mark.parametrize("lost", ["erased", "given to another"])
def test_what_came_from_elsewhere_and_was_made_smaller_is_there(lost):
    labels = square(2, 3, 7)
    brought = hand_of(labels, labels > 0)
    labels = square(2, 3, 0 if lost == "erased" else 9, labels.copy(), side=2)

    one = Carried(hand=hand_of(labels, brought.held), offset=(0, 0), brought=brought)

    image = image_of(one.onto((0, 0), SHAPE))
    assert np.array_equal(image, np.where(brought.held, labels, -1))


def test_what_was_only_reviewed_elsewhere_and_is_corrected_here_is_there():
    written = square(2, 3, 7)
    reviewed = np.ones(SHAPE, bool)
    brought = HandWork.none(SHAPE).gather(written, written, reviewed)
    labels = square(2, 3, 0, written.copy(), side=2)
    hand = brought.gather(labels, written)

    one = Carried(hand=hand, offset=(0, 0), brought=brought)

    image = image_of(one.onto((0, 0), SHAPE))
    assert np.array_equal(image, np.where(written > 0, labels, -1))


def test_what_was_only_reviewed_is_left_out():
    written = square(2, 3, 7)
    reviewed = np.ones(SHAPE, bool)
    hand = HandWork.none(SHAPE).gather(
        square(10, 10, 8, written.copy()), written, reviewed
    )

    image = image_of(Carried(hand=hand, offset=(0, 0)).onto((0, 0), SHAPE))

    assert set(np.unique(image)) == {-1, 8}


def test_nuclei_that_the_former_edge_cuts_are_left_out():
    labels = square(8, 0, 7, square(0, 10, 8, square(8, 26, 9)))

    one = Carried(hand=hand_of(labels, labels > 0), offset=(0, 5))
    image = image_of(one.onto((0, 0), (40, 35)))

    # Above and to the right both parts end alike, to the left the new one goes on.
    assert set(np.unique(image)) == {-1, 8, 9}


@given(
    hands(),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
@settings(max_examples=200, deadline=None)
def test_what_lies_on_the_part_is_there_and_nothing_else(hand, offset, other, shape):
    tissue = np.full((30, 30), -1, np.int64)
    height, width = hand.shape
    tissue[offset[0] : offset[0] + height, offset[1] : offset[1] + width] = image_of(
        hand
    )

    moved = Carried(hand=hand, offset=offset).onto(other, shape)

    # Nuclei that the former grid's edge cuts inside of the part are left out, and so
    # are places that were erased.
    erased, _ = ndimage.label(image_of(hand) == 0)
    whole = np.zeros(tissue.shape, np.int32)
    whole[offset[0] : offset[0] + height, offset[1] : offset[1] + width] = erased
    for axis, side in enumerate(hand.shape):
        for line, inner in (
            (0, other[axis] < offset[axis]),
            (side - 1, offset[axis] + side < other[axis] + shape[axis]),
        ):
            if inner:
                cut = np.take(image_of(hand), line, axis)
                tissue[np.isin(tissue, cut[cut > 0])] = -1
                places = np.take(erased, line, axis)
                tissue[np.isin(whole, places[places > 0])] = -1

    seen = tissue[other[0] : other[0] + shape[0], other[1] : other[1] + shape[1]]
    assert moved.shape == shape
    assert np.array_equal(image_of(moved), seen)
    assert (np.diff(moved.pixels) > 0).all()
    assert moved.used == hand.used


def test_a_nucleus_that_reaches_in_is_taken_whole_and_what_was_erased_is_not():
    labels = square(8, 8, 7)
    erased = square(2, 8, 1) > 0
    mask = np.zeros(SHAPE, bool)
    mask[:, :10] = True

    hand = hand_of(labels, (labels > 0) | erased)
    moved = Carried(hand=hand, offset=(0, 0)).onto((0, 0), SHAPE, mask)

    assert np.array_equal(image_of(moved) == 7, labels == 7)
    assert np.array_equal(image_of(moved) == 0, erased & mask)


def test_of_two_the_last_lies_above():
    below = hand_of(square(2, 2, 1, square(10, 10, 2)), np.ones(SHAPE, bool))
    above = hand_of(square(3, 3, 1), square(3, 3, 1) > 0)

    whole = combined([below, above], SHAPE)

    image = image_of(whole)
    assert (image[3:7, 3:7] == 1).all()
    assert (image[10:14, 10:14] == 2).all()
    assert image[2, 2] == -1  # less than half of the other was left
    assert set(np.unique(image)) == {-1, 0, 1, 2}
    assert {1, 2} <= whole.used


def test_what_keeps_most_of_itself_gets_another_number():
    below = hand_of(square(2, 2, 1), square(2, 2, 1) > 0)
    above = hand_of(square(5, 5, 1), square(5, 5, 1) > 0)

    image = image_of(combined([below, above], SHAPE))

    assert (image[5:9, 5:9] == 1).all()
    other = image[2, 2]
    assert other not in {-1, 0, 1}
    assert (image == other).sum() == 15


@given(st.data(), array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8))
@settings(max_examples=200, deadline=None)
def test_the_uppermost_stands_bit_for_bit_over_the_others(data, shape):
    layers = [data.draw(hands(shape=shape)) for _ in range(3)]

    whole = combined(layers, shape)
    image, top = image_of(whole), image_of(layers[-1])

    assert np.array_equal(image[top >= 0], top[top >= 0])
    held = np.logical_or.reduce([one.held for one in layers])
    assert not (image[~held] >= 0).any()
    assert (np.diff(whole.pixels) > 0).all()
    assert all(one.used <= whole.used for one in layers)
    # A number stands for one nucleus only.
    for number in set(np.unique(image)) - {-1, 0}:
        place = image == number
        if (place & (top >= 0)).any():
            assert not (place & (top < 0)).any()
    # Where nothing lies above, the place is as it was: a nucleus, or none.
    second = image_of(layers[1])
    free = (top < 0) & (second == 0)
    assert (image[free] == 0).all()


def test_what_another_cuts_in_two_is_two_nuclei():
    lower, upper = np.zeros(SHAPE, np.int32), np.zeros(SHAPE, np.int32)
    lower[4:8, 2:20] = 7
    upper[2:10, 10:12] = 8

    whole = combined([hand_of(lower, lower > 0), hand_of(upper, upper > 0)], SHAPE)

    image = image_of(whole)
    assert (image[4:8, 2:10] == 7).all()
    (other,) = set(image[4:8, 12:20].ravel().tolist())
    assert other not in {-1, 0, 7, 8}
    assert other in whole.used


def test_without_any_there_is_none():
    assert not combined([], SHAPE).pixels.size


@given(hands(), st.tuples(st.integers(0, 9), st.integers(0, 9)), st.data())
@settings(max_examples=200, deadline=None)
def test_all_of_it_is_held_where_it_was_laid_and_nowhere_less(hand, offset, data):
    part = Carried(hand=hand, offset=offset)
    image = np.full((30, 30), -1, np.int64)
    height, width = hand.shape
    window = image[offset[0] : offset[0] + height, offset[1] : offset[1] + width]
    window[:] = np.where(image_of(hand) > 0, image_of(hand) + 50, image_of(hand))

    def whole():
        return hand_of(np.maximum(image, 0).astype(np.int32), image >= 0)

    assert holds(whole(), part, (0, 0))
    if not hand.pixels.size:
        return
    pixel = data.draw(st.sampled_from([*zip(*np.nonzero(window >= 0), strict=True)]))
    stood = window[pixel]
    # Nothing is held there, or another nucleus, or one is erased, or one is not.
    window[pixel] = data.draw(st.sampled_from([-1, 99, 0 if stood else 98]))

    alone = (image == stood).sum() == 0 and window[pixel] >= 98 and stood > 0
    assert holds(whole(), part, (0, 0)) == alone


def test_what_lies_beyond_is_not_held():
    part = Carried(hand=hand_of(square(2, 3, 7), square(2, 3, 7) > 0), offset=(5, 5))

    assert holds(part.hand, part, (5, 5))
    assert not holds(part.hand, part, (8, 5))
    assert not holds(part.hand, part, (5, 36))


def test_the_end_of_a_row_is_not_the_beginning_of_the_next():
    first, last = square(5, 0, 7, side=1), square(4, SHAPE[1] - 1, 7, side=1)
    part = Carried(hand=hand_of(first, first > 0), offset=(0, 0))

    assert not holds(hand_of(last, last > 0), part, (0, 1))


def test_what_was_only_reviewed_need_not_be_held():
    written = square(2, 3, 7)
    edited = square(10, 10, 8, written.copy())
    hand = HandWork.none(SHAPE).gather(edited, written, np.ones(SHAPE, bool))
    other = hand_of(square(10, 10, 5), square(10, 10, 5) > 0)

    assert holds(other, Carried(hand=hand, offset=(0, 0)), (0, 0))


def test_two_nuclei_in_one_are_not_held():
    labels = square(10, 10, 8, square(2, 3, 7))
    part = Carried(hand=hand_of(labels, labels > 0), offset=(0, 0))

    assert not holds(hand_of((labels > 0).astype(np.int32), labels > 0), part, (0, 0))
