"""The loss and the old Dice of maps, against their definitions."""

import numpy as np
import pytest

from napari_monuseg.core import map_scores
from napari_monuseg.core.crops import Batch
from napari_monuseg.core.losses import nucleus_loss
from napari_monuseg.core.map_scores import cross_entropy, score_maps
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.targets import distance_target
from napari_monuseg.core.torch_import import torch


def maps_of(foreground, distance):
    return NucleusMaps(
        foreground=foreground.astype(np.float16), distance=distance.astype(np.float16)
    )


@pytest.fixture
def truth(tissue):
    return tissue[1]


def test_the_loss_is_the_training_s_own(truth):
    logits = torch.randn(1, 2, *truth.shape, generator=torch.manual_seed(0))
    said = torch.sigmoid(logits)[0].numpy()
    batch = Batch(
        rgb=torch.zeros(1, 3, *truth.shape),
        foreground=torch.from_numpy((truth > 0).astype(np.float32))[None],
        distance=torch.from_numpy(distance_target(truth))[None],
        valid=torch.ones(1, *truth.shape, dtype=torch.bool),
    )

    scores = score_maps(truth, maps_of(said[0], said[1]))

    assert scores.loss == pytest.approx(float(nucleus_loss(logits, batch)), rel=1e-3)


def test_maps_that_are_certain_and_wrong_have_a_loss_that_is_a_number(truth):
    right = (truth > 0).astype(float)
    everywhere = np.ones(truth.shape, bool)

    best = score_maps(truth, maps_of(right, distance_target(truth))).loss
    worst = score_maps(truth, maps_of(1 - right, 1 - right)).loss

    # What is left of the best is the distance's own entropy: it is not 0 or 1.
    entropy = cross_entropy(truth, maps_of(right, distance_target(truth)), everywhere)
    assert best == pytest.approx(entropy / truth.size, abs=1e-6)
    assert best < 0.2
    assert 1 < worst < 30


def test_cross_entropy_counts_only_what_counts():
    truth = np.array([[1, 0]], np.int32)
    said = np.array([[0.25, 0.25]])

    one = cross_entropy(truth, maps_of(said, said), np.array([[True, False]]))
    both = cross_entropy(truth, maps_of(said, said), np.array([[True, True]]))

    assert one == pytest.approx(-2 * np.log(0.25), rel=1e-6)
    assert both == pytest.approx(-2 * np.log(0.25) - 2 * np.log(0.75), rel=1e-6)


@pytest.mark.parametrize(
    ("true", "said", "expected"),
    [(0, 0, 1), (1, 1, 1), (1, 0, 1 / 2), (0, 1, 1 / 2), (1, 0.5, 2 / 2.5)],
)
def test_the_old_dice_of_a_pixel(true, said, expected):
    truth = np.full((3, 3), true, np.int32)
    foreground = np.full((3, 3), float(said))

    scores = score_maps(truth, maps_of(foreground, foreground))

    assert scores.legacy_dice == pytest.approx(expected)


def test_the_old_dice_is_the_mean_over_pixels_and_near_half_of_one_and_accuracy(truth):
    rng = np.random.default_rng(0)
    wrong = rng.random(truth.shape) < 0.1
    foreground = ((truth > 0) ^ wrong).astype(np.float16)

    scores = score_maps(truth, maps_of(foreground, foreground))

    pixels = [
        (2 * t * p + 1) / (t + p + 1)
        for t, p in zip((truth > 0).ravel(), foreground.ravel(), strict=True)
    ]
    assert scores.legacy_dice == pytest.approx(np.mean(pixels))
    assert scores.legacy_dice == pytest.approx((1 + 1 - wrong.mean()) / 2)


def test_scores_of_blocks_add_up_to_those_of_the_whole(truth, monkeypatch):
    said = np.random.default_rng(0).random((2, *truth.shape))
    maps = maps_of(*said)

    whole = score_maps(truth, maps)
    monkeypatch.setattr(map_scores, "_BLOCK", 100)
    summed = score_maps(truth, maps)

    assert summed.loss == pytest.approx(whole.loss)
    assert summed.legacy_dice == pytest.approx(whole.legacy_dice)
