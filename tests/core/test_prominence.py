"""Tops that rise far enough above their saddles, and what leads up to them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_monuseg.core.prominence import prominent_tops


def ridge(*heights):
    """Return a line of pixels as a map, and a mask that is all of it."""
    line = np.array([heights], np.float32)
    return line, np.ones(line.shape, bool)


def rough(seed, shape=(24, 30)):
    random = np.random.default_rng(seed)
    height = ndimage.gaussian_filter(random.random(shape), 1).astype(np.float32)
    return height, random.random(shape) < 0.8


def prominences(height, mask):
    """Return the prominence of each local maximum, by its definition.

    The level is lowered until the part above it that holds the maximum holds
    something higher; endless for the highest of a component.
    """
    found = []
    levels = np.unique(height[mask])[::-1]
    for row, column in np.argwhere(mask):
        top = height[row, column]
        for level in levels[levels <= top]:
            parts = ndimage.label(mask & (height >= level))[0]
            own = height[parts == parts[row, column]]
            if own.max() > top:
                found.append(top - level)
                break
        else:
            found.append(np.inf)
    return np.array(found)  # 0 where a pixel is no maximum


@pytest.mark.parametrize(("prominence", "count"), [(0.2, 2), (0.3, 1), (0.0, 2)])
def test_two_tops_count_if_the_lower_rises_far_enough(prominence, count):
    tops = prominent_tops(*ridge(0.1, 0.9, 0.5, 0.75, 0.2), prominence)

    assert tops.max() == count


def test_a_top_that_is_none_goes_beyond_its_highest_saddle():
    # The middle one rises 0.05 above the saddle to its right, 0.3 above the other.
    tops = prominent_tops(*ridge(0.9, 0.3, 0.6, 0.55, 0.8), 0.1)

    assert tops.tolist() == [[1, 1, 2, 2, 2]]


def test_the_border_lies_in_the_valley():
    tops = prominent_tops(*ridge(0.9, 0.6, 0.3, 0.5, 0.8), 0.1)

    assert tops[0, :2].tolist() == [1, 1]
    assert tops[0, 3:].tolist() == [2, 2]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), prominence=st.sampled_from([0.0, 0.02, 0.05, 0.1]))
def test_as_many_as_the_definition_says(seed, prominence):
    height, mask = rough(seed, (12, 14))

    tops = prominent_tops(height, mask, prominence)

    assert tops.max() == (prominences(height, mask) > prominence).sum()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), prominence=st.sampled_from([0.0, 0.03, 0.2]))
def test_what_belongs_to_a_top_is_one_piece_and_all_of_the_mask_belongs(
    seed, prominence
):
    height, mask = rough(seed)

    tops = prominent_tops(height, mask, prominence)

    assert np.array_equal(tops > 0, mask)
    for number in range(1, tops.max() + 1):
        assert ndimage.label(tops == number)[1] == 1


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_a_component_depends_on_nothing_else(seed):
    height, mask = rough(seed)
    height = np.round(height, 1)  # many equal heights
    components = ndimage.label(mask)[0]
    own = components == components.max() // 2 + 1
    rows, columns = ndimage.find_objects(own.astype(np.int32))[0]

    among_others = prominent_tops(height, mask, 0.05)[rows, columns]
    alone = prominent_tops(height[rows, columns], own[rows, columns], 0.05)

    here = own[rows, columns]
    pairs = np.unique(np.stack([among_others[here], alone[here]]), axis=1)
    assert pairs.shape[1] == alone.max() == np.unique(pairs[0]).size


@pytest.mark.parametrize("prominence", [0.0, 0.5])
def test_a_plateau_is_one_top(prominence):
    mask = np.ones((9, 11), bool)
    mask[2:5, 3:8] = False

    tops = prominent_tops(np.full(mask.shape, 0.25, np.float32), mask, prominence)

    assert np.array_equal(tops, mask.astype(np.int32))


def test_an_empty_mask_has_no_tops():
    nothing = np.zeros((5, 6), bool)

    assert not prominent_tops(np.ones(nothing.shape, np.float32), nothing, 0.1).any()
