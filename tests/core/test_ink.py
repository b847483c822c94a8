"""Ink is read as glass; what hematoxylin and eosin can look like is not ink."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.ink import find_ink
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.core.stains import StainReference

INKS = {
    "blue": (20, 40, 170),
    "pure blue": (0, 0, 255),
    "navy": (20, 30, 110),
    "green": (20, 130, 60),
    "cyan": (0, 200, 230),
    "black": (15, 15, 20),
}
WHITE = [255, 255, 255]
GLASS = np.array(WHITE, np.uint8)
HEMATOXYLIN, EOSIN = (0.65, 0.70, 0.29), (0.07, 0.99, 0.11)


@pytest.fixture(scope="module")
def tissue():
    return synthetic_tissue((200, 300))[0]


def circle(shape, radius=70, width=5):
    row, column = np.ogrid[: shape[0], : shape[1]]
    away = np.hypot(row - shape[0] / 2, column - shape[1] / 2)
    return np.abs(away - radius) <= width / 2


def seen_by_a_network(rgb):
    return TissueImage.from_array(rgb).for_network(None)


def whole(rgb):
    return seen_by_a_network(rgb).read(slice(None), slice(None))


@pytest.mark.parametrize("ink", INKS)
def test_a_drawn_line_is_glass_and_what_lies_away_is_as_it_was(tissue, ink):
    line = circle(tissue.shape)
    drawn = tissue.copy()
    drawn[line] = INKS[ink]

    read = whole(drawn)

    away = ~ndimage.binary_dilation(line, iterations=10)
    assert (read[line] == WHITE).all(axis=-1).mean() > 0.98
    assert np.array_equal(read[away], tissue[away])


@settings(deadline=None)
@given(hematoxylin=st.floats(0, 5), eosin=st.floats(0, 5), seed=st.integers(0, 2**16))
def test_hematoxylin_and_eosin_are_no_ink(hematoxylin, eosin, seed):
    density = np.multiply(hematoxylin, HEMATOXYLIN) + np.multiply(eosin, EOSIN)
    noise = np.random.default_rng(seed).normal(0, 2, (8, 8, 3))
    rgb = (255 * np.exp(-density) + noise).clip(31, 255).astype(np.uint8)

    assert not find_ink(rgb, GLASS).any()


def test_tissue_has_no_ink(tissue):
    assert np.array_equal(whole(tissue), tissue)


def test_a_drawn_line_does_not_change_how_tissue_is_stained(tissue):
    reference = StainReference(mean=(0.5,) * 3, spread=(0.3,) * 3, strength=0.7)
    drawn = tissue.copy()
    drawn[circle(tissue.shape)] = INKS["blue"]

    tones = [TissueImage.from_array(rgb).tones(reference) for rgb in (tissue, drawn)]

    assert np.abs(np.subtract(*tones, dtype=int)).max() < 10


@pytest.mark.parametrize("nucleus", [(11, 3, 22), (25, 8, 30), (18, 6, 26)])
def test_the_darkest_nuclei_are_no_ink(tissue, nucleus):
    overstained = tissue.copy()
    overstained[40:70, 50:80] = nucleus

    assert np.array_equal(whole(overstained), overstained)


def test_in_a_grey_image_dark_is_tissue(tissue):
    grey = tissue[..., 1].copy()
    grey[40:60, 50:70] = 20

    assert np.array_equal(whole(grey)[..., 0], grey)


def test_in_a_dark_image_black_is_tissue(tissue):
    dark = (tissue * 0.1).astype(np.uint8)
    dark[:, ::20] = 25  # no black of `no_data` either

    assert np.array_equal(whole(dark), dark)


def test_a_green_cast_is_no_ink(tissue):
    cast = (tissue * (0.55, 1, 0.55)).astype(np.uint8)

    assert np.array_equal(whole(cast), cast)


def test_single_pixels_are_no_ink(tissue):
    dotted = tissue.copy()
    dotted[10::20, 10::20] = INKS["pure blue"]

    assert np.array_equal(whole(dotted), dotted)


def test_hardly_a_pixel_of_monuseg_is_taken_for_ink(monuseg):
    for path in sorted((monuseg / "images").glob("*.tif")):
        with TissueImage.open(path) as image:
            rgb = image.read(slice(None), slice(None))
            seen = image.for_network(None).read(slice(None), slice(None))
        assert (rgb != seen).any(axis=-1).mean() < 1e-3
