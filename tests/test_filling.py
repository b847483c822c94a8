import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from napari_monuseg import filling
from napari_monuseg.filling import fill

SHAPE = (23, 31)

quarters = st.integers(-24, 160).map(lambda number: number / 4)
anywhere = st.floats(-6, 40, width=32)


def polygons(numbers):
    corner = st.tuples(numbers, numbers)
    return st.lists(corner, min_size=3, max_size=9).map(np.array)


def filled(polygon, shape=SHAPE):
    """Fill a mask so small in several blocks, as a large one is."""
    mask = np.zeros(shape, bool)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling, "BLOCK", 100)
        fill(mask, np.asarray(polygon, float))
    return mask


def on_outline(polygon, shape=SHAPE):
    """Give the pixels whose centres lie on the outline, but for round-off."""
    points = np.moveaxis(np.indices(shape), 0, -1)
    found = np.zeros(shape, bool)
    for one, other in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        way, length = other - one, max(np.sum((other - one) ** 2), 1e-12)
        share = np.clip((points - one) @ way / length, 0, 1)[..., None]
        found |= np.sum((one + share * way - points) ** 2, axis=-1) < 1e-10
    return found


@given(polygons(anywhere))
def test_what_lies_inside_is_filled_and_nothing_else(polygon):
    differs = filled(polygon) != polygon2mask(SHAPE, polygon)

    assert not differs[~on_outline(polygon)].any()


@given(polygons(quarters))
def test_outlines_through_centres_are_filled_as_scikit_image_does(polygon):
    assert np.array_equal(filled(polygon), polygon2mask(SHAPE, polygon))


@pytest.mark.parametrize("shift", [-0.5, 0, 0.25, 1e-9])
@pytest.mark.parametrize("beyond", [0, 40])
def test_rectangles_are_filled_by_the_same_rule(shift, beyond):
    top, left, bottom, right = np.array([3, 5, 11, 20 + beyond]) + shift
    corners = [(top, left), (top, right), (bottom, right), (bottom, left)]

    for polygon in (corners, corners[::-1], corners[1:] + corners[:1]):
        assert np.array_equal(filled(polygon), polygon2mask(SHAPE, np.array(polygon)))


def test_a_leaning_rectangle_is_not_taken_for_an_upright_one():
    polygon = np.array([(2, 4), (6, 18), (14, 16), (10, 2)])

    assert np.array_equal(filled(polygon), polygon2mask(SHAPE, polygon))


def test_what_was_filled_before_stays():
    mask = np.zeros(SHAPE, bool)
    mask[3, 3:9] = True

    fill(mask, np.array([(2.0, 2), (2, 20), (20, 2)]))

    assert mask[3, 3:9].all()


def test_a_polygon_beside_the_mask_fills_nothing():
    assert not filled([(-9, -9), (-9, 50), (-2, 20)]).any()
    assert not filled([(50, -9), (50, 50), (80, 20)]).any()


def test_a_large_polygon_takes_little_memory_beside_the_mask():
    mask = np.zeros((2000, 3000), bool)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    polygon = 1000 + 990 * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    tracemalloc.start()
    fill(mask, polygon)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert mask.sum() > 3_000_000
    assert peak < 3 * mask.size
