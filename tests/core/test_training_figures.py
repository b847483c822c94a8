"""Curves of a training and a patch as it saw them."""

import math
from dataclasses import asdict

import numpy as np
import pytest

from napari_monuseg.core.augmentation import AugmentationOptions
from napari_monuseg.core.datasets import find_samples
from napari_monuseg.core.figures import LIME
from napari_monuseg.core.model_info import ModelInfo
from napari_monuseg.core.progress import finish
from napari_monuseg.core.training_figures import (
    best_step,
    curves_figure,
    draw_patch,
    missing_curves,
    patch_figure,
)

HISTORY = [
    {"step": 10.0, "loss": 0.9, "accuracy": 0.8, "dice": 0.6, "aji": 0.4},
    {"step": 20.0, "loss": 0.7, "accuracy": 0.9, "dice": 0.8, "aji": 0.6},
    {"step": 30.0, "loss": 0.6, "accuracy": 0.9, "dice": 0.9, "aji": 0.5},
]


def curves(figure):
    """Points by title of the panel and name of the curve."""
    return {
        (axes.get_title(), line.get_label()): line.get_xydata().tolist()
        for axes in figure.axes
        for line in axes.lines
    }


def test_the_curves_are_the_history_with_the_best_step_marked():
    drawn = curves(curves_figure(HISTORY, "Training of unet"))

    assert drawn["loss", "training"] == [[10, 0.9], [20, 0.7], [30, 0.6]]
    assert drawn["AJI", "validation"] == [[10, 0.4], [20, 0.6], [30, 0.5]]
    assert drawn["accuracy", "best: step 20"] == [[20, 0], [20, 1]]
    assert ("accuracy", "training") not in drawn
    assert {title for title, _ in drawn} == {
        "loss",
        "accuracy",
        "F1 (= pixel Dice)",
        "AJI",
    }


def test_a_held_out_loss_and_training_scores_are_drawn_where_they_are_known():
    history = [
        line | {"validation_loss": loss, "training_accuracy": 0.7}
        for line, loss in zip(HISTORY, (0.3, 0.5, 0.6), strict=True)
    ]

    drawn = curves(curves_figure(history, ""))

    assert drawn["loss", "validation"][0] == [10, 0.3]
    assert drawn["accuracy", "training"][0] == [10, 0.7]
    assert ("loss", "best: step 10") in drawn


def test_without_validation_no_step_is_the_best():
    history = [{"step": 1.0, "loss": 0.5}, {"step": 2.0, "loss": 0.4}]

    assert best_step(history) is None
    assert list(curves(curves_figure(history, ""))) == [("loss", "training")]


@pytest.mark.parametrize("history", [[], [{"step": 1.0, "minutes": 2.0}]])
def test_a_history_without_scores_has_no_figure(history):
    assert curves_figure(history, "") is None


def test_what_a_history_lacks_is_told():
    assert missing_curves(HISTORY) == (
        "of training accuracy, F1 (= pixel Dice), AJI, legacy_dice; "
        "of validation loss, legacy_dice"
    )


@pytest.fixture
def sample(tissue_folder):
    return find_samples(tissue_folder)[0]


def test_a_patch_has_the_size_of_the_recipe_and_always_looks_the_same(sample):
    recipe = {"crop": 96, "augmentation": {"stain": 0.0, "of the future": 1}}
    info = ModelInfo(name="tiny", network="unet", recipe=recipe)

    patch, again = (finish(draw_patch(sample, info)) for _ in range(2))

    assert patch.rgb.shape == (96, 96, 3)
    assert patch.image == "one"
    np.testing.assert_array_equal(patch.rgb, again.rgb)
    assert 0 < patch.nuclei.mean() < 1
    # Nuclei are where the distance is, and darker than what surrounds them.
    assert patch.distance[patch.nuclei == 1].mean() > 0.2
    assert patch.rgb[patch.nuclei == 1].mean() < patch.rgb[patch.nuclei == 0].mean()


def test_a_model_without_a_recipe_has_a_patch_of_today(sample):
    plain = finish(draw_patch(sample, ModelInfo(name="tiny", network="unet")))
    today = {"augmentation": asdict(AugmentationOptions()), "crop": 256}

    told = finish(draw_patch(sample, ModelInfo(name="a", network="b", recipe=today)))

    np.testing.assert_array_equal(plain.rgb, told.rgb)


@pytest.mark.parametrize(
    "recipe",
    [
        {"crop": "large"},
        {"crop": 0},
        {"crop": math.inf},
        {"augmentation": [1]},
        {"augmentation": {"stain": "0.5"}},
        {"augmentation": {"stain": None}},
        {"augmentation": {"scale": [1]}},
        {"augmentation": {"label_shift": 3}},
    ],
    ids=str,
)
def test_a_recipe_of_another_program_has_a_patch_of_today(sample, recipe):
    told = ModelInfo(name="tiny", network="unet", recipe=recipe)

    patch = finish(draw_patch(sample, told))

    today = finish(draw_patch(sample, ModelInfo(name="tiny", network="unet")))
    np.testing.assert_array_equal(patch.rgb, today.rgb)


def test_the_patch_is_shown_with_the_contour_of_its_nuclei(sample):
    patch = finish(draw_patch(sample, ModelInfo(name="tiny", network="unet")))

    tissue, contour, distance = patch_figure(patch, "A patch").axes[:3]

    np.testing.assert_array_equal(tissue.images[0].get_array(), patch.rgb)
    lime = (contour.images[0].get_array() == LIME).all(axis=-1)
    assert lime.any()
    assert patch.nuclei[lime].all()
    np.testing.assert_array_equal(distance.images[0].get_array(), patch.distance)
