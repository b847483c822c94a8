"""How many nuclei there are, against what a set of all pixels says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_monuseg.core.counting import count_nuclei, cut_off, ids_in, nuclei_inside

numbers = st.sampled_from([0, 0, 0, 1, 2, 3, 7, 2**31 - 1])
planes = array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6)


@given(
    arrays(np.int32, array_shapes(max_dims=3, min_side=0, max_side=6), elements=numbers)
)
def test_ids_are_those_of_all_pixels(labels):
    ids = ids_in(labels)

    assert ids.tolist() == sorted(set(labels.ravel().tolist()) - {0})
    assert ids.dtype == np.int64
    assert count_nuclei(labels) == ids.size


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64])
def test_ids_of_any_whole_numbers(dtype):
    labels = np.array([[5, 5, 0], [0, 100, 5]], dtype)

    assert ids_in(labels).tolist() == [5, 100]
    assert ids_in(labels[:, ::-1]).tolist() == [5, 100]


@given(st.data())
def test_what_an_edge_cuts_is_neither_inside_nor_left_out(data):
    labels = data.draw(arrays(np.int32, planes, elements=numbers))
    mask = data.draw(arrays(bool, labels.shape))

    found = nuclei_inside(labels, mask)

    inside = set(labels[mask].tolist()) - {0}
    outside = set(labels[~mask].tolist()) - {0}
    assert found == (len(inside - outside), len(inside & outside))


@given(st.data())
def test_what_may_go_on_beyond_labels_is_cut(data):
    labels = data.draw(arrays(np.int32, planes, elements=numbers))
    (height, width), beyond = labels.shape, st.integers(0, 2)
    top, left, bottom, right = (data.draw(beyond) for _ in range(4))
    image_shape = (top + height + bottom, left + width + right)

    found = cut_off(labels, (top, left), image_shape)

    # Laid on its image, with something other all around that is not the image's edge.
    image = np.full((height + 2, width + 2), -1)
    image[1:-1, 1:-1] = labels
    ends = np.zeros_like(image, bool)
    ends[0], ends[-1] = top > 0, bottom > 0
    ends[:, 0] |= left > 0
    ends[:, -1] |= right > 0
    near = ends.copy()
    for axis in (0, 1):
        near |= np.roll(ends, 1, axis) | np.roll(ends, -1, axis)
    touching = set(image[near & (image >= 0)].tolist()) - {0}
    assert np.array_equal(found, np.isin(labels, list(touching)))


@given(st.data())
def test_what_goes_on_beyond_is_neither_inside_nor_left_out(data):
    labels = data.draw(arrays(np.int32, planes, elements=numbers))
    mask = data.draw(arrays(bool, labels.shape))
    gone = data.draw(st.sets(numbers))
    beyond = np.isin(labels, list(gone))

    found = nuclei_inside(labels, mask, beyond)

    inside = set(labels[mask].tolist()) - {0}
    outside = set(labels[~mask].tolist()) | gone
    assert found == (len(inside - outside), len(inside & outside))
