"""Disturbances change what they name, and nothing else."""

import numpy as np
import pytest
from disturbances import DISTURBANCES, blur, compress, enlarge, halve
from stains import (
    GLASS,
    MACENKO,
    MACENKO_STRENGTHS,
    RUIFROK,
    STRONGEST,
    optical_density,
    restain,
    stains_of,
)

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.samples import synthetic_tissue

OWN = np.array([[0.60, 0.69, 0.40], [0.20, 0.83, 0.52]])


@pytest.fixture(scope="module")
def rgb():
    return synthetic_tissue((256, 256))[0]


@pytest.fixture(scope="module")
def stained():
    """Pixels of each stain alone and of both, as `OWN` shows them."""
    amounts = np.random.default_rng(0).uniform(0.8, 1.2, (90, 60, 2))
    amounts[:30, :, 0] = amounts[30:60, :, 1] = 0
    light = GLASS * np.exp(-amounts @ OWN) - 1
    return np.rint(light).astype(np.uint8)


def mean_difference(one, other):
    return np.abs(one.astype(float) - other).mean()


def angles(one, other):
    """Return the angles between stains, in degrees."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.degrees(np.arccos(np.clip((one * other).sum(axis=1) / lengths, -1, 1)))


def test_stains_are_found_hematoxylin_first(stained):
    assert angles(stains_of(stained), OWN).max() < 2


def test_hematoxylin_is_found_in_tissue_whose_eosin_is_too_clear(rgb):
    assert angles(stains_of(rgb), RUIFROK)[0] < 3


@pytest.mark.parametrize("picture", ["rgb", "stained"])
def test_tissue_shown_in_its_own_stains_stays_as_it_is(picture, request):
    before = request.getfixturevalue(picture)

    assert mean_difference(before, restain(before, stains_of(before))) < 3


def test_restained_tissue_has_the_stains_and_strengths_asked_for(stained):
    restained = restain(stained, MACENKO, MACENKO_STRENGTHS)

    assert angles(stains_of(restained), MACENKO).max() < 2
    amounts = optical_density(restained) @ np.linalg.pinv(MACENKO)
    strengths = np.percentile(amounts, STRONGEST, axis=(0, 1))
    assert strengths == pytest.approx(MACENKO_STRENGTHS, rel=0.02)


def test_glass_has_no_stains():
    with pytest.raises(ImageError, match="no stained tissue"):
        stains_of(np.full((8, 8, 3), 250, np.uint8))


def test_blur_spreads_a_point_and_keeps_its_light():
    point = np.zeros((21, 21, 3), np.uint8)
    point[10, 10] = 255

    blurred = blur(point).astype(float)

    assert blurred[10, 10, 0] == pytest.approx(255 / (2 * np.pi), rel=0.03)
    assert blurred.sum() == pytest.approx(3 * 255, rel=0.05)


def test_jpeg_costs_more_the_lower_its_quality(rgb):
    assert mean_difference(rgb, compress(rgb, 90)) > 0
    assert mean_difference(rgb, compress(rgb, 90)) < mean_difference(rgb, compress(rgb))
    assert mean_difference(rgb, compress(rgb)) < 15


def test_half_the_magnification_takes_means_of_four():
    rgb = np.zeros((5, 4, 3), np.uint8)
    rgb[0, :2] = 100

    assert halve(rgb)[..., 0].tolist() == [[50, 0], [0, 0]]


def test_labels_come_back_on_the_whole_grid():
    labels = np.array([[1, 0], [0, 2]], np.int32)

    enlarged = enlarge(labels, 2, (5, 4))

    assert enlarged.shape == (5, 4)
    assert enlarged[:2, :2].tolist() == [[1, 1], [1, 1]]
    assert enlarged[4].tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize("way", DISTURBANCES, ids=lambda way: way.name)
def test_each_disturbance_leaves_its_image_alone_and_gives_another(way, rgb):
    before = rgb.copy()

    disturbed = way.apply(rgb)

    assert np.array_equal(rgb, before)
    assert disturbed.dtype == np.uint8
    assert disturbed.shape == (256 // way.coarser, 256 // way.coarser, 3)
    assert not np.array_equal(disturbed, rgb)
