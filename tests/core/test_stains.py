"""Tissue is brought towards a stain, the same everywhere in an image."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from skimage.data import immunohistochemistry as ihc

from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.samples import (
    immunohistochemistry_restained,
    synthetic_tissue,
)
from napari_monuseg.core.stains import (
    ENOUGH,
    Stain,
    StainReference,
    apply_tones,
    measure_stain,
)

ALL = slice(None), slice(None)
REFERENCE = StainReference(
    mean=(0.35, 0.7, 0.3), spread=(0.25, 0.25, 0.12), strength=1.0
)


@pytest.fixture(scope="module")
def tissue():
    return synthetic_tissue((384, 384))[0]


def paler(rgb, factor):
    """Return tissue with less of both stains, as Beer and Lambert have it."""
    return np.rint(255 * (rgb / 255) ** factor).astype(np.uint8)


def stain_of(rgb):
    return TissueImage.from_array(rgb).stain


def test_the_stain_is_the_density_of_the_tissue_alone():
    rgb = np.full((300, 300, 3), 250, np.uint8)
    rgb[:100] = (128, 64, 128)
    rgb[100:200] = (64, 32, 64)

    stain = stain_of(rgb)

    assert stain.pixels == 200 * 300
    doubled = np.log([255 / 128, 255 / 64, 255 / 128])
    np.testing.assert_allclose(stain.mean, doubled + np.log(2) / 2, atol=1e-6)
    np.testing.assert_allclose(stain.spread, np.log(2) / 2, atol=1e-6)


@pytest.mark.parametrize("strength", [0.35, 1, 2])
def test_tissue_in_hematoxylin_and_eosin_may_be_so(tissue, strength):
    assert stain_of(paler(tissue, strength)).may_be_h_and_e
    assert stain_of(immunohistochemistry_restained()).may_be_h_and_e


def test_other_colours_are_not_those_of_h_and_e(tissue):
    grey = np.repeat(tissue.mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1)

    for other in (255 - tissue, grey, ihc(), paler(ihc(), 0.5)):
        assert not stain_of(other).may_be_h_and_e


def test_light_on_black_is_no_h_and_e(tissue):
    night = np.zeros_like(tissue)
    night[..., 2] = (255 - tissue).max(-1) // 2

    assert not stain_of(night).may_be_h_and_e


@pytest.mark.parametrize("glass", [245, 225, 200])
@pytest.mark.parametrize("light", [(1, 1, 1), (0.7, 0.7, 0.7), (0.85, 0.97, 0.85)])
def test_much_grey_glass_and_tinted_light_do_not_make_it_another_stain(
    tissue, glass, light
):
    rgb = np.full((768, 768, 3), glass, np.uint8)
    rgb[:384, :384] = tissue

    assert stain_of((rgb * light).astype(np.uint8)).may_be_h_and_e


def test_a_reference_tells_whether_it_is_of_h_and_e(tissue):
    usual, other = (
        StainReference.between([stain_of(rgb)], 0.7) for rgb in (tissue, ihc())
    )

    assert usual.may_be_h_and_e
    assert not other.may_be_h_and_e


def test_without_tissue_no_colour_is_doubted():
    rgb = np.full((300, 300, 3), 250, np.uint8)
    rgb[:30, :30] = 60

    assert stain_of(rgb).may_be_h_and_e
    assert not stain_of(rgb[:64, :64].repeat(4, axis=0)).may_be_h_and_e


def test_every_image_of_monuseg_may_be_h_and_e(monuseg):
    for path in (monuseg / "images").iterdir():
        with TissueImage.open(path) as image:
            assert image.stain.may_be_h_and_e, path.stem


def test_at_full_strength_tissue_has_the_stain_of_the_reference(tissue):
    image = TissueImage.from_array(tissue).for_network(REFERENCE)

    stain = measure_stain(image.read, tissue.shape[:2])

    np.testing.assert_allclose(stain.mean, REFERENCE.mean, atol=0.03)
    np.testing.assert_allclose(stain.spread, REFERENCE.spread, atol=0.03)


def test_half_of_the_way_lies_between(tissue):
    own = stain_of(tissue)
    half = replace(REFERENCE, strength=0.5)

    shown = TissueImage.from_array(tissue).for_network(half).read(*ALL)

    middle = (np.array(own.mean) + REFERENCE.mean) / 2
    np.testing.assert_allclose(stain_of(shown).mean, middle, atol=0.03)


@pytest.mark.parametrize("factor", [0.6, 1.4])
def test_pale_and_dark_preparations_of_one_tissue_become_alike(tissue, factor):
    other = paler(tissue, factor)

    shown = [
        TissueImage.from_array(rgb).for_network(REFERENCE).read(*ALL).astype(int)
        for rgb in (tissue, other)
    ]

    before = np.abs(tissue.astype(int) - other).mean()
    assert np.abs(shown[0] - shown[1]).mean() < before / 3


def test_a_crop_is_shown_as_in_the_whole_image(tissue):
    tissue = tissue.copy()
    tissue[:192] = paler(tissue[:192], 0.5)
    window = slice(200, 300), slice(20, 90)
    image = TissueImage.from_array(tissue)

    crop = image.crop(*window).for_network(REFERENCE)

    np.testing.assert_array_equal(
        crop.read(*ALL), image.for_network(REFERENCE).read(*window)
    )


def test_no_reference_leaves_tissue_as_it_is(tissue):
    image = TissueImage.from_array(tissue).for_network(REFERENCE).for_network(None)

    np.testing.assert_array_equal(image.read(*ALL), tissue)


def test_more_stain_never_becomes_less(tissue):
    tones = REFERENCE.tones(stain_of(tissue)).astype(int)

    assert tones.shape == (256, 3)
    assert (np.diff(tones, axis=0) >= 0).all()


@pytest.mark.parametrize("rgb", [(255, 255, 255), (120, 60, 130), (0, 0, 0)])
def test_images_of_one_colour_are_not_torn_apart(rgb):
    """Empty glass stays; a single colour has no spread to be stretched from."""
    image = TissueImage.from_array(np.full((300, 300, 3), rgb, np.uint8))

    shown = image.for_network(REFERENCE).read(*ALL)

    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 1
    if rgb[0] == 255:
        np.testing.assert_array_equal(shown, 255)


def test_little_tissue_is_changed_little(tissue):
    """A few nuclei say little of how a laboratory stains."""
    small = TissueImage.from_array(tissue[:48, :48])

    tones = small.tones(REFERENCE)

    pixels = small.stain.pixels
    assert 0 < pixels <= 48 * 48
    weaker = replace(REFERENCE, strength=pixels / ENOUGH)
    np.testing.assert_array_equal(
        tones, weaker.tones(replace(small.stain, pixels=ENOUGH))
    )
    assert np.abs(tones.astype(int) - np.arange(256)[:, None]).max() < 12


def test_large_images_are_looked_at_here_and_there():
    asked = []

    def read(rows, columns):
        asked.append((rows, columns))
        height, width = rows.stop - rows.start, columns.stop - columns.start
        return np.full((height, width, 3), 100, np.uint8)

    measure_stain(read, (100_000, 300))

    pixels = sum((r.stop - r.start) * (c.stop - c.start) for r, c in asked)
    assert pixels < 500_000
    assert min(rows.start for rows, _ in asked) == 0
    assert max(rows.stop for rows, _ in asked) == 100_000


def test_the_reference_is_the_mean_of_images():
    stains = [
        Stain(mean=(0.2, 0.4, 0.6), spread=(0.1, 0.1, 0.1), pixels=10),
        Stain(mean=(0.4, 0.8, 0.8), spread=(0.3, 0.2, 0.1), pixels=90_000),
    ]

    reference = StainReference.between(stains, 0.5)

    np.testing.assert_allclose(reference.mean, (0.3, 0.6, 0.7))
    np.testing.assert_allclose(reference.spread, (0.2, 0.15, 0.1))
    assert reference.strength == 0.5


def test_a_reference_comes_back_from_a_file():
    assert StainReference.read(asdict(REFERENCE)) == REFERENCE
    for wrong in ({"mean": (1, 2)}, {"spread": ("a", 1, 2)}, {"other": 1}):
        with pytest.raises((TypeError, ValueError)):
            StainReference.read(asdict(REFERENCE) | wrong)


def test_tones_replace_each_colours_levels():
    tones = np.stack([np.arange(256), 255 - np.arange(256), np.zeros(256)], 1)
    rgb = np.array([[[1, 2, 3], [250, 251, 252]]], np.uint8)

    toned = apply_tones(tones.astype(np.uint8), rgb)

    np.testing.assert_array_equal(toned, [[[1, 253, 0], [250, 4, 0]]])
