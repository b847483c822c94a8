"""A baseline learns, goes on where it stopped, and is scored on whole images."""

import numpy as np
import pytest
from baseline_training import (
    baseline_options,
    divide,
    draw_crops,
    segment_whole,
    train_baseline,
)
from baselines import score_baseline

from napari_monuseg.core.crops import training_image
from napari_monuseg.core.datasets import find_samples
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.progress import finish
from napari_monuseg.core.scores import score_labels
from napari_monuseg.core.torch_import import torch


def options(**changed):
    return baseline_options(
        **{"steps": 35, "minutes": None, "batch": 2, "seed": 0, "crop": 64, **changed}
    )


@pytest.fixture
def samples(tissue_folder):
    return find_samples(tissue_folder)


def test_a_baseline_learns_and_is_scored_on_whole_images(samples, tmp_path):
    state = finish(
        train_baseline("unet", samples[:2], options(), tmp_path / "one.training")
    )

    evaluation = score_baseline("unet", state, samples[2:])

    assert state.step == 35
    assert evaluation.mean.dice > 0.8
    assert samples[2].name in evaluation.as_table()


def test_a_training_goes_on_where_it_stopped(samples, tmp_path):
    path = tmp_path / "one.training"
    finish(train_baseline("segnet", samples, options(steps=2), path))

    state = finish(train_baseline("segnet", samples, options(steps=3), path))

    assert state.step == 3


def test_another_recipe_does_not_go_on(samples, tmp_path):
    path = tmp_path / "one.training"
    finish(train_baseline("segnet", samples, options(steps=1), path))

    with pytest.raises(TrainingError, match="other options"):
        finish(train_baseline("segnet", samples, options(seed=1), path))


def test_crops_are_parts_of_the_images_as_they_are(tissue):
    rgb, labels = tissue
    generator = torch.Generator().manual_seed(0)

    (crop,) = draw_crops([training_image(rgb, labels)], 1, 256, generator)

    assert np.array_equal(np.rint(255 * crop[:3].numpy()), np.moveaxis(rgb, -1, 0))
    assert np.array_equal(crop[3].numpy(), labels > 0)


def test_touching_nuclei_are_divided_and_specks_dropped():
    rows, columns = np.mgrid[:60, :90]
    truth = np.zeros((60, 90), np.int32)
    for number, middle in enumerate((30, 52), start=1):
        truth[np.hypot(rows - 30, columns - middle) < 12] = number
    mask = truth > 0
    mask[2:5, 2:5] = True

    labels = divide(mask)

    assert score_labels(truth, labels).aji > 0.9
    assert len(np.unique(labels)) == 3


def test_an_image_of_any_size_comes_back_in_its_size():
    def red(pixels):
        return 20 * pixels[:, :1] - 10

    rgb = np.zeros((50, 70, 3), np.uint8)
    rgb[10:30, 40:60] = 255, 0, 0

    labels = segment_whole(red, rgb, torch.device("cpu"))

    assert np.array_equal(labels > 0, rgb[..., 0] > 0)
