"""Crops keep colours and targets together, and vary as they are told."""

from dataclasses import replace

import numpy as np
import pytest

from napari_monuseg.core.augmentation import (
    AugmentationOptions,
    patch_side,
    vary_geometry,
    vary_look,
)
from napari_monuseg.core.crops import (
    CropSource,
    read_training_images,
    require_crop,
    training_image,
)
from napari_monuseg.core.datasets import Sample, find_samples
from napari_monuseg.core.errors import ImageError, TrainingError
from napari_monuseg.core.networks import build_network
from napari_monuseg.core.progress import finish
from napari_monuseg.core.targets import distance_target
from napari_monuseg.core.torch_import import torch

CPU = torch.device("cpu")
STILL = AugmentationOptions(
    scale=1, stain=0, colour=0, brightness=0, blur_px=0, noise=0
)


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("pixel_size", [0.0001, 10])
def test_a_pixel_size_without_nuclei_is_refused_with_the_name(
    tissue_folder, pixel_size
):
    (sample, *_) = find_samples(tissue_folder)

    with pytest.raises(ImageError, match="cannot be told apart in one;"):
        finish(read_training_images([replace(sample, pixel_size=pixel_size)], 0.25))


@pytest.mark.parametrize(
    ("side", "batch", "sentence"),
    [(48, 4, "a multiple of 32 px"), (32, 1, "One crop of 32 px is too little")],
)
def test_crops_that_teach_nothing_are_refused(side, batch, sentence):
    network = build_network("unet")
    assert network.stride == 32

    with pytest.raises(TrainingError, match=sentence):
        require_crop(side, network, batch)

    require_crop(64, network, 1)
    require_crop(32, network, 2)


def test_distance_is_one_in_the_middle_and_zero_outside(tissue):
    labels = tissue[1]

    distance = distance_target(labels)

    assert (distance[labels == 0] == 0).all()
    for number in range(1, labels.max() + 1):
        assert distance[labels == number].max() == 1
        assert distance[labels == number].min() > 0


def test_a_large_number_takes_no_memory():
    labels = np.zeros((20, 40), np.int32)
    labels[5:15, 5:15] = 2
    expected = distance_target(labels)
    labels[5:15, 5:15] = 2_000_000_000

    assert np.array_equal(distance_target(labels), expected)


def test_distance_falls_where_nuclei_touch_but_not_at_the_images_edge():
    labels = np.zeros((20, 40), np.int32)
    labels[:, :20], labels[:, 20:] = 1, 2

    distance = distance_target(labels)

    assert distance[10, 0] == 1
    assert distance[10, 19] == distance[10, 20] == pytest.approx(0.05)


def test_targets_turn_with_the_tissue(tissue):
    # Red is made to say what the foreground says, so they must stay equal.
    rgb, labels = tissue
    rgb[...] = ((labels > 0) * 255).astype(np.uint8)[..., None]
    source = CropSource(
        [training_image(rgb, labels)],
        crop=96,
        options=AugmentationOptions(
            stain=0, colour=0, brightness=0, blur_px=0, noise=0
        ),
    )

    batch = source.draw(6, chance(), CPU)

    agreement = ((batch.rgb[:, 0] > 0.5) == (batch.foreground > 0.5)).float().mean()
    assert agreement > 0.99
    assert batch.foreground.mean() > 0.05


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (slice(20), slice(180, 200)),
        (slice(230, 250), slice(180, 200)),
        (slice(150, 155), slice(5)),
    ],
)
def test_crops_lie_where_something_counts(tissue, rows, columns):
    rgb, labels = tissue
    valid = np.zeros(labels.shape, bool)
    valid[rows, columns] = True
    source = CropSource([training_image(rgb, labels, valid)], crop=64, options=STILL)

    batch = source.draw(32, chance(), CPU)

    assert batch.valid.dtype == torch.bool
    assert batch.valid.flatten(1).any(1).all()


def test_images_are_drawn_from_by_their_shares(tissue):
    rgb, labels = tissue
    white, black = (
        training_image(np.full_like(rgb, value), labels) for value in (255, 0)
    )
    source = CropSource([white, black], crop=32, options=STILL, shares=[0.9, 0.1])

    batch = source.draw(200, chance(), CPU)

    assert float(batch.rgb.mean()) == pytest.approx(0.9, abs=0.06)


def test_an_image_in_which_nothing_counts_is_refused(tissue):
    rgb, labels = tissue
    nothing = np.zeros(labels.shape, bool)

    with pytest.raises(TrainingError, match="mark a larger area as reviewed"):
        CropSource([training_image(rgb, labels, nothing)], crop=64, options=STILL)


def test_the_same_chance_draws_the_same_crops(tissue):
    source = CropSource(
        [training_image(*tissue)], crop=64, options=AugmentationOptions()
    )

    first, again = source.draw(4, chance(1), CPU), source.draw(4, chance(1), CPU)
    other = source.draw(4, chance(2), CPU)

    assert torch.equal(first.rgb, again.rgb)
    assert not torch.equal(first.rgb, other.rgb)


def test_images_smaller_than_a_crop_are_mirrored(tissue):
    rgb, labels = tissue
    source = CropSource(
        [training_image(rgb[:50, :70], labels[:50, :70])], crop=128, options=STILL
    )

    batch = source.draw(4, chance(), CPU)

    assert batch.rgb.shape == (4, 3, 128, 128)


def test_geometry_scales_within_its_bounds():
    options = AugmentationOptions(scale=1.5)
    side = patch_side(64, options)
    rows, columns = torch.meshgrid(
        torch.arange(side) - side / 2, torch.arange(side) - side / 2, indexing="ij"
    )
    disc = ((rows**2 + columns**2) < 20**2).float()[None, None].repeat(64, 1, 1, 1)

    _, discs = vary_geometry(disc, disc, 64, options, chance())
    areas = discs.sum((1, 2, 3))

    factors = (areas / disc[0].sum()) ** 0.5
    assert factors.min() > 1 / 1.6
    assert factors.max() < 1.6
    assert factors.max() / factors.min() > 1.5


def test_labels_lie_where_they_lay_however_crops_are_turned():
    options = AugmentationOptions(scale=1.25, label_shift=(-2.5, 1.0))
    side = patch_side(64, options)
    rows, columns = torch.meshgrid(
        torch.arange(side) - side / 2, torch.arange(side) - side / 2, indexing="ij"
    )
    tissue = torch.exp(-(rows**2 + columns**2) / 50)[None, None].repeat(32, 1, 1, 1)
    labels = torch.exp(-((rows + 2.5) ** 2 + (columns - 1) ** 2) / 50)
    labels = labels[None, None].repeat(32, 1, 1, 1)

    crops = vary_geometry(tissue, labels, 64, options, chance())

    apart = middles(crops[1]) - middles(crops[0])
    assert torch.allclose(apart, torch.tensor([-2.5, 1.0]), atol=0.2)


def middles(images):
    """Give the centre of mass of each image, row and column."""
    weights = images[:, 0] / images.sum((2, 3))[..., None]
    places = torch.arange(images.shape[-1], dtype=torch.float32)
    rows = (weights.sum(2) * places).sum(1)
    columns = (weights.sum(1) * places).sum(1)
    return torch.stack([rows, columns], 1)


def test_looks_vary_between_crops_and_stay_in_range():
    grey = torch.full((16, 3, 32, 32), 0.6)

    varied = vary_look(grey, AugmentationOptions(), chance())

    assert varied.min() >= 0
    assert varied.max() <= 1
    assert varied.mean((2, 3)).std(0).min() > 0.01


def test_nothing_varies_when_nothing_is_asked(tissue):
    rgb = torch.from_numpy(tissue[0]).permute(2, 0, 1)[None].float() / 255
    rgb = rgb.clamp(2 / 255, 1)

    assert torch.allclose(vary_look(rgb, STILL, chance()), rgb, atol=1e-3)


def test_coarse_training_images_are_brought_to_the_networks_pixel_size(
    tissue, tmp_path
):
    class Coarse(Sample):
        def image(self):
            from napari_monuseg.core.image import TissueImage

            return TissueImage.from_array(tissue[0], pixel_size=0.5)

        def labels(self):
            return tissue[1]

    sample = Coarse("coarse", tmp_path, tmp_path)

    (image,) = finish(read_training_images([sample], 0.25))

    assert image.shape == (6, 512, 512)
    assert ((image[3] > 0).float().mean() - (tissue[1] > 0).mean()).abs() < 0.01
