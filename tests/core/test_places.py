"""Few pixels are looked at in the window that holds them."""

import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_monuseg.core.places import close_up, regions

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


@given(mask=masks.filter(np.any))
def test_the_window_is_the_smallest_that_has_all_pixels(mask):
    places, shape = close_up(np.flatnonzero(mask), mask.shape)

    window = np.zeros(shape, bool)
    window[places] = True
    (box,) = ndimage.find_objects(mask.astype(np.int8))
    assert np.array_equal(window, mask[box])


@given(mask=masks)
def test_regions_are_those_of_the_whole_image(mask):
    pixels = np.flatnonzero(mask)

    found = regions(pixels, mask.shape)

    expected, count = ndimage.label(mask)
    pairs = set(zip(found.tolist(), expected.ravel()[pixels].tolist(), strict=True))
    assert len(pairs) == count
    assert {number for number, _ in pairs} == set(range(1, count + 1))
