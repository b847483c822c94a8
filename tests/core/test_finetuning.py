"""Fine-tuning learns what was reviewed, keeps the best, and does not forget."""

import math

import numpy as np
import pytest

from napari_monuseg.core import finetuning
from napari_monuseg.core.augmentation import AugmentationOptions
from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.devices import DeviceInfo
from napari_monuseg.core.errors import DeviceError, TrainingError
from napari_monuseg.core.finetuning import Finetuning
from napari_monuseg.core.finetuning_options import FinetuneOptions
from napari_monuseg.core.holding_out import FEWEST_TO_STOP, divide, hold_out
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.looks import look
from napari_monuseg.core.progress import finish
from napari_monuseg.core.regions import Region
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.core.torch_import import torch

OPTIONS = {
    "batch": 4,
    "crop": 96,
    "learning_rate": 5e-3,
    "averaging": 0.8,
    "augmentation": AugmentationOptions(scale=1.1, stain=0.05, noise=0),
    "device": "cpu",
}
INSTANCES = InstanceOptions(seed_prominence=0.2)


@pytest.fixture(scope="module")
def pale():
    """Tissue so pale that the tiny model, which never saw such, does badly."""
    rgb, labels = synthetic_tissue((512, 384), seed=7)
    faded = (255 - 0.45 * (255.0 - rgb)).astype(np.uint8)
    return Region(
        name="pale",
        rgb=faded,
        labels=labels,
        reviewed=np.ones(labels.shape, bool),
        pixel_size=0.25,
    )


@pytest.fixture
def base(tiny_model):
    return load_network(tiny_model)


def divided(region):
    enough = region.nuclei >= FEWEST_TO_STOP
    return divide(
        region.reviewed, hold_out(region.labels, region.reviewed, stop=enough)
    )


def tuning(base, region, **changes):
    options = FinetuneOptions(**{**OPTIONS, **changes})
    return Finetuning(base, INSTANCES, [region], [divided(region)], options)


def weights(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_it_learns_from_what_was_reviewed(base, pale):
    judged = [(pale, divided(pale).judge)]
    before = finish(look(judged, base, INSTANCES, "cpu"))
    untouched = weights(base)

    tuned = finish(tuning(base, pale, steps=60, looks=6).steps())

    after = finish(look(judged, tuned.network, INSTANCES, "cpu"))
    assert after.loss < 0.8 * before.loss
    assert after.dice > before.dice
    assert tuned.steps == 60
    assert [line["step"] for line in tuned.history] == [0, 10, 20, 30, 40, 50, 60]
    assert all(torch.equal(untouched[name], t) for name, t in weights(base).items())


def test_the_best_look_is_kept(base, pale, monkeypatch):
    losses = iter([1.0, 0.5, 0.7, 0.8])

    def scripted(parts, network, instances, device):
        yield from ()
        return finetuning.Look(loss=next(losses), dice=0.5, aji=0.5)

    monkeypatch.setattr(finetuning, "look", scripted)

    tuned = finish(tuning(base, pale, steps=3, looks=3).steps())

    assert tuned.step == 1
    assert tuned.steps == 3


def test_it_stops_when_it_no_longer_improves(base, pale, monkeypatch):
    losses = iter([0.5] + [0.6] * 20)

    def scripted(parts, network, instances, device):
        yield from ()
        return finetuning.Look(loss=next(losses), dice=0.5, aji=0.5)

    monkeypatch.setattr(finetuning, "look", scripted)

    tuned = finish(tuning(base, pale, steps=20, looks=20, patience=3).steps())

    assert tuned.steps == 3
    assert tuned.step == 0
    before, after = weights(base), weights(tuned.network)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_batch_statistics_and_what_is_frozen_stay(base, pale):
    before = weights(base)

    tuned = finish(tuning(base, pale, steps=4, looks=1, frozen="encoder").steps())

    after = weights(tuned.network)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not [name for name in changed if "running_" in name]
    assert not [name for name in changed if name.startswith("body.encoder.")]


def test_the_pull_keeps_the_weights_near_the_base(base, pale):
    def distance(pull):
        tuned = finish(tuning(base, pale, steps=12, looks=1, pull=pull).steps())
        before, after = weights(base), weights(tuned.network)
        return sum(
            float((after[name] - before[name]).float().norm()) for name in before
        )

    assert distance(0.5) < 0.7 * distance(0)


def test_twenty_nuclei_are_enough_for_a_fixed_number_of_steps(base):
    rgb, labels = synthetic_tissue((256, 256), seed=9)
    few = np.where(labels <= 20, labels, 0)
    region = Region(
        name="few",
        rgb=rgb,
        labels=few,
        reviewed=np.ones(labels.shape, bool),
        pixel_size=0.25,
    )

    tuned = finish(tuning(base, region, steps=5, looks=2).steps())

    assert tuned.steps == tuned.step == 5
    assert "validation_loss" not in tuned.history[-1]


def test_a_cancelled_training_gives_its_best_so_far(base, pale):
    running = tuning(base, pale, steps=50, looks=50)
    steps = running.steps()
    while len(running.history) < 4:
        next(steps)
    steps.close()

    tuned = running.result()

    assert tuned.steps == 3
    losses = [line["validation_loss"] for line in tuned.history]
    assert tuned.step == int(np.argmin(losses))


def test_when_memory_runs_out_it_goes_on_with_less(base, pale, monkeypatch):
    taken = []
    step = finetuning.Learner.step

    def starved(learner, share):
        taken.append((learner.options.batch, learner.options.crop))
        if learner.options.batch * learner.options.crop > 100:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return step(learner, share)

    monkeypatch.setattr(finetuning.Learner, "step", starved)
    running = tuning(base, pale, steps=2, looks=1, batch=2, crop=192)

    messages = [progress.message for progress in running.steps()]

    assert taken == [(2, 192), (1, 192), (1, 96), (1, 96)]
    assert any("on with 1 crops of 96 px" in message for message in messages)


def test_a_smaller_crop_still_fits_the_network(base, pale, monkeypatch):
    sides = []
    step = finetuning.Learner.step

    def starved(learner, share):
        sides.append(learner.options.crop)
        if learner.options.crop > 100:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return step(learner, share)

    monkeypatch.setattr(finetuning.Learner, "step", starved)
    crop = 192 + base.stride

    finish(tuning(base, pale, steps=1, looks=1, batch=1, crop=crop).steps())

    assert sides == [crop, 96]


def test_when_nothing_helps_against_want_of_memory_it_says_so(base, pale, monkeypatch):
    def starved(learner, share):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(finetuning.Learner, "step", starved)

    with pytest.raises(DeviceError, match="close other programs and train again"):
        finish(tuning(base, pale, steps=2).steps())


def test_a_loss_that_is_no_number_is_one_sentence(base, pale, monkeypatch):
    monkeypatch.setattr(finetuning.Learner, "step", lambda *_: math.nan)

    with pytest.raises(TrainingError, match="lower learning rate"):
        finish(tuning(base, pale, steps=2).steps())


def test_without_a_nucleus_there_is_nothing_to_learn(base, pale):
    empty = Region(
        name="empty",
        rgb=pale.rgb,
        labels=np.zeros_like(pale.labels),
        reviewed=pale.reviewed,
        pixel_size=0.25,
    )

    with pytest.raises(TrainingError, match="no whole nucleus"):
        tuning(base, empty)
    with pytest.raises(TrainingError, match="choose one of nothing, encoder"):
        tuning(base, pale, frozen="all")


def test_a_look_without_memory_goes_on_on_the_cpu(base, pale, monkeypatch):
    asked = []
    see = finetuning.look

    def starved(parts, network, instances, device):
        asked.append(device)
        if device != "cpu":
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return (yield from see(parts, network, instances, device))

    monkeypatch.setattr(finetuning, "look", starved)
    running = tuning(base, pale, steps=1, looks=1)
    running._device = DeviceInfo("cpu:0", "a small card")  # another name for the CPU

    messages = [progress.message for progress in running.steps()]

    assert asked == ["cpu:0", "cpu", "cpu"]
    assert any(message.startswith("Out of memory: on with") for message in messages)
    assert len(running.notices) == 1
