import numpy as np
import pytest

from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.docks.bindings import hand_mask
from napari_monuseg.docks.undo_steps import State


@pytest.fixture
def written():
    labels = np.zeros((6, 8), np.int32)
    labels[1:4, 1:4] = 1
    return labels


@pytest.fixture
def state(written):
    hand = HandWork.none(written.shape)
    return State(written=written, hand=hand, options=InstanceOptions())


def test_what_differs_from_the_state_is_hand_work(written, state):
    edited = written.copy()
    edited[4:, 5:] = 2

    mask = hand_mask({"state": state}, edited)

    assert np.array_equal(mask, edited == 2)


@pytest.mark.parametrize("shape", [(3, 8), (6, 8, 1)])
def test_of_pixels_of_another_size_nothing_is_known(state, shape):
    other = np.zeros(shape, np.int32)

    assert hand_mask({"state": state}, other) is None
    assert hand_mask({"hand": np.ones((6, 8), bool)}, other) is None


def test_of_numbers_of_another_kind_nothing_is_known(written, state):
    assert hand_mask({"state": state}, written.astype(np.uint8)) is None


def test_a_mask_is_taken_where_no_state_is_known(written):
    mask = written == 1

    assert np.array_equal(hand_mask({"hand": mask}, written), mask)
    assert hand_mask({}, written) is None
