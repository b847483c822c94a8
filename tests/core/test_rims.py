"""Rims of hand work lie on it, along everything that is not the same nucleus."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.rims import ERASED, MADE, WIDTH, rims_of

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)


@given(st.data(), SHAPES)
def test_they_are_what_is_near_to_something_else(data, shape):
    labels = data.draw(arrays(np.int32, shape, elements=st.integers(0, 2)))
    held = data.draw(arrays(bool, shape))

    rims = rims_of(HandWork.restored(labels, held))

    seen = np.where(held, np.where(labels == 0, -1, labels), 0)
    near = ndimage.iterate_structure(ndimage.generate_binary_structure(2, 1), WIDTH)
    alike = ndimage.minimum_filter(
        seen, footprint=near, mode="nearest"
    ) == ndimage.maximum_filter(seen, footprint=near, mode="nearest")
    expected = np.select([alike, seen == -1, seen > 0], [0, ERASED, MADE], 0)
    assert np.array_equal(rims, expected)


def test_what_was_only_reviewed_has_none():
    labels = np.zeros((20, 20), np.int32)
    labels[2:8, 2:8] = 1
    hand = HandWork.none((20, 20)).gather(labels, labels, np.ones((20, 20), bool))

    assert not rims_of(hand).any()
