"""Resampling keeps means, has no seams and does not shift."""

import numpy as np
import pytest
from scipy import ndimage

from napari_monuseg.core import resampling
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.resampling import at_pixel_size, resample_window


def resample(image, shape, window=None):
    scale = (shape[0] / image.shape[0], shape[1] / image.shape[1])
    everything = (slice(0, shape[0]), slice(0, shape[1]))
    return resample_window(
        lambda rows, columns: image[rows, columns],
        image.shape[:2],
        window or everything,
        scale,
    )


def test_constant_stays_constant():
    image = np.full((30, 41, 3), 7, np.uint8)

    assert np.allclose(resample(image, (52, 77)), 7)
    assert np.allclose(resample(image, (11, 13)), 7)


@pytest.mark.parametrize("shape", [(90, 75), (27, 22), (60, 40)])
def test_windows_agree_with_the_whole(shape):
    image = np.random.default_rng(0).random((60, 50))
    window = (slice(7, 20), slice(3, 19))

    assert np.allclose(resample(image, shape, window), resample(image, shape)[window])


@pytest.mark.parametrize("factor", [2, 0.5])
def test_a_ramp_does_not_shift(factor):
    image = np.tile(np.arange(64.0) + 0.5, (8, 1))
    shape = (round(8 * factor), round(64 * factor))

    ramp = resample(image, shape)[0] * factor

    expected = np.arange(shape[1]) + 0.5
    assert np.allclose(ramp[4:-4], expected[4:-4], atol=1e-4)


def test_coarser_grids_do_not_alias():
    checkerboard = np.indices((64, 64)).sum(0) % 2 * 1.0

    coarse = resample(checkerboard, (16, 16))

    assert np.allclose(coarse, 0.5, atol=0.02)


@pytest.mark.parametrize("pixel_size", [0.0625, 0.125, 0.2, 0.35, 0.5])
def test_labels_lie_on_their_tissue(pixel_size):
    """By their centres of gravity, in the mean of discs that are dark on white."""
    middles = np.random.default_rng(0).uniform(40, 60, (20, 2))

    moved = [_moved(middle, pixel_size) for middle in middles]

    assert np.abs(np.mean(moved, axis=0)).max() < 0.06


def _moved(middle, pixel_size):
    rows, columns = np.indices((104, 112)) - middle[:, None, None]
    disc = (rows**2 + columns**2 < 31**2).astype(np.int32)
    rgb = np.repeat((255 * (1 - disc)).astype(np.uint8)[..., None], 3, axis=2)
    image = TissueImage.from_array(rgb, pixel_size=pixel_size)
    seen, labels = at_pixel_size(image, [disc], 0.25)
    tissue = ndimage.center_of_mass(255.0 - seen[..., 0])
    return np.subtract(ndimage.center_of_mass(labels), tissue)


def test_an_image_is_resampled_block_by_block_as_in_one(tissue, monkeypatch):
    image = TissueImage.from_array(tissue[0], pixel_size=0.4)

    whole, labels = at_pixel_size(image, [tissue[1]], 0.25)
    monkeypatch.setattr(resampling, "_BLOCK", 100)
    cut, same = at_pixel_size(image, [tissue[1]], 0.25)

    assert whole.shape == (410, 410, 3)
    assert np.abs(whole.astype(int) - cut).max() <= 1
    assert (whole != cut).mean() < 1e-3
    assert np.array_equal(labels, same)
