"""Windows cover an image, lie on the stride, and blend to 1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_monuseg.core.tiles import tile


@given(
    length=st.integers(1, 4000),
    stride=st.sampled_from([1, 2, 16, 32]),
    room=st.integers(2, 20),
    shared=st.integers(0, 5),
)
def test_windows_cover_the_axis_on_the_stride_and_sum_to_one(
    length, stride, room, shared
):
    overlap = shared * stride
    largest = (2 * shared + room) * stride

    tiling = tile(length, stride=stride, largest=largest, overlap=overlap)

    assert tiling.size <= largest
    assert tiling.size % stride == 0
    assert all(origin % stride == 0 for origin in tiling.origins)
    assert length <= tiling.length < length + stride
    assert tiling.origins[0] == 0
    assert tiling.origins[-1] + tiling.size == tiling.length
    total = np.zeros(tiling.length)
    for number, origin in enumerate(tiling.origins):
        total[origin : origin + tiling.size] += tiling.weights(number)
    assert np.allclose(total, 1, atol=1e-5)


@given(length=st.integers(800, 4000), shared=st.integers(0, 4))
def test_neighbours_share_at_least_the_overlap(length, shared):
    tiling = tile(length, stride=32, largest=512, overlap=32 * shared)

    ends = np.array(tiling.origins[:-1]) + tiling.size
    assert (ends - np.array(tiling.origins[1:]) >= 32 * shared).all()


@given(length=st.integers(1, 4000), room=st.integers(2, 20), shared=st.integers(0, 6))
def test_only_neighbours_share_anything(length, room, shared):
    largest = max(3 * shared, 2 * shared + room)

    tiling = tile(length, stride=1, largest=largest, overlap=shared)

    ends = np.array(tiling.origins[:-2]) + tiling.size
    assert (ends <= np.array(tiling.origins[2:])).all()


def test_one_window_where_the_image_fits_one():
    tiling = tile(500, stride=32, largest=768, overlap=96)

    assert tiling.origins == (0,)
    assert tiling.size == 512


def test_windows_are_no_larger_than_they_need_be():
    tiling = tile(1000, stride=32, largest=768, overlap=96)

    assert len(tiling.origins) == 2
    assert tiling.size == 576


def test_refuses_an_overlap_that_fills_the_window():
    with pytest.raises(ValueError, match="cannot overlap by 100 px"):
        tile(1000, stride=32, largest=128, overlap=100)
