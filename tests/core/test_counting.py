"""How many nuclei there are, against what a set of all pixels says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_monuseg.core.counting import count_nuclei, ids_in, nuclei_inside

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
