"""Pieces told by runs are those that an image labelled pixel by pixel has."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from skimage.measure import label

from napari_monuseg.core.runs import pieces_of, runs_of

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)


@given(arrays(np.int32, SHAPES, elements=st.integers(0, 3)))
def test_pieces_are_connected_across_edges_and_corners(labels):
    runs = runs_of(labels)
    pieces = np.zeros(labels.size, np.int64)
    pieces[runs.pixels()] = np.repeat(pieces_of(runs, labels.shape[1]), runs.lengths)

    expected = label(labels, background=0, connectivity=2)
    assert np.array_equal(pieces[labels.ravel() > 0], expected[labels > 0] - 1)


@given(arrays(np.int32, SHAPES, elements=st.integers(0, 3)), st.integers(1, 3))
def test_runs_have_the_pixels_of_their_numbers(labels, number):
    runs = runs_of(labels)
    own = runs.only(runs.numbers == number)

    assert np.array_equal(runs.pixels(), np.flatnonzero(labels))
    assert np.array_equal(own.pixels(), np.flatnonzero(labels == number))
    assert (runs.numbers == labels.ravel()[runs.begins]).all()


def test_no_run_goes_on_in_the_next_row():
    labels = np.zeros((2, 4), np.int32)
    labels[0, 3] = labels[1, 0] = 5

    runs = runs_of(labels)

    assert runs.lengths.tolist() == [1, 1]
    assert pieces_of(runs, 4).tolist() == [0, 1]


def test_background_alone_has_none():
    runs = runs_of(np.zeros((3, 4), np.int32))

    assert runs.pixels().size == 0
    assert pieces_of(runs, 4).size == 0
