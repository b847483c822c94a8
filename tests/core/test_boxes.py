"""Windows of an image hold what they should, and tile it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_monuseg.core.boxes import (
    blocks,
    bounding_window,
    clusters,
    placed,
    shifted,
    size,
    widened,
)


def test_the_bounding_window_is_the_smallest_with_its_margin():
    mask = np.zeros((20, 30), bool)
    mask[4, 7] = mask[9, 3] = True

    assert bounding_window(mask) == (slice(4, 10), slice(3, 8))
    assert bounding_window(mask, margin=5) == (slice(0, 15), slice(0, 13))


def test_windows_are_widened_inside_the_image_and_shifted():
    window = (slice(2, 5), slice(8, 9))

    assert widened(window, 3, (6, 30)) == (slice(0, 6), slice(5, 12))
    assert shifted(window, (10, 1)) == (slice(12, 15), slice(9, 10))
    assert size(window) == (3, 1)


@given(
    offset=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    corner=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_a_layer_is_placed_on_a_window_of_its_image(offset, corner):
    layer = np.arange(1, 71, dtype=np.int32).reshape(7, 10)
    image = np.zeros((60, 60), np.int32)
    image[offset[0] : offset[0] + 7, offset[1] : offset[1] + 10] = layer
    window = shifted((slice(0, 12), slice(0, 5)), corner)

    assert np.array_equal(placed(layer, offset, window), image[window])


@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), side=st.integers(1, 50))
def test_blocks_cover_every_pixel_once(shape, side):
    times = np.zeros(shape, int)
    for window in blocks(shape, side):
        times[window] += 1
        assert max(size(window)) <= side

    assert (times == 1).all()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_nothing_has_no_blocks(shape):
    assert not list(blocks(shape, 4))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 190),
            st.integers(0, 140),
            st.integers(1, 30),
            st.integers(1, 30),
        ),
        max_size=6,
    ),
    st.integers(1, 60),
)
def test_clusters_hold_all_of_a_mask_and_lie_apart(rectangles, gap):
    mask = np.zeros((200, 150), bool)
    for top, left, height, width in rectangles:
        mask[top : top + height, left : left + width] = True

    windows = clusters(mask, gap)

    assert sum(int(mask[window].sum()) for window in windows) == mask.sum()
    for number, one in enumerate(windows):
        assert bounding_window(mask[one]) == tuple(slice(0, side) for side in size(one))
        for other in windows[:number]:
            down, across = (
                max(its.start - mine.stop, mine.start - its.stop)
                for mine, its in zip(one, other, strict=True)
            )
            assert max(down, across) >= gap


def test_what_lies_near_is_one_cluster_and_what_lies_far_is_not():
    mask = np.zeros((100, 100), bool)
    mask[10:20, 10:20] = mask[29:40, 10:20] = mask[10:20, 60:70] = True

    assert clusters(mask, 10) == [
        (slice(10, 40), slice(10, 20)),
        (slice(10, 20), slice(60, 70)),
    ]
    assert clusters(np.zeros((5, 5), bool), 10) == []
