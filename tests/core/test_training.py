"""Training learns, can be stopped and resumed, and says what it did."""

import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from napari_monuseg.core.crops import Batch
from napari_monuseg.core.datasets import find_samples
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.losses import nucleus_loss, score_step
from napari_monuseg.core.networks import build_network
from napari_monuseg.core.predict import PredictOptions, predict
from napari_monuseg.core.progress import finish
from napari_monuseg.core.stains import StainReference
from napari_monuseg.core.torch_import import save, torch
from napari_monuseg.core.training import schedule, train
from napari_monuseg.core.training_options import TrainingOptions
from napari_monuseg.core.training_state import TrainingState, load_state, save_state

TINY = {
    "network": "segnet",
    "network_options": {"widths": [4, 8], "convolutions": [1, 1]},
    "batch": 2,
    "crop": 64,
    "device": "cpu",
}


@pytest.fixture
def samples(tissue_folder):
    return find_samples(tissue_folder)


def weights(trained):
    return torch.cat(
        [tensor.float().ravel() for tensor in trained.network.state_dict().values()]
    )


def steps_taken(training):
    """Train to the end; return in how many steps, and what came of it."""
    count = 0
    while True:
        try:
            count += next(training).message.startswith("Training")
        except StopIteration as finished:
            return count, finished.value


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_loss_falls_and_the_report_says_so(samples, optimizer):
    options = TrainingOptions(**TINY, steps=60, learning_rate=1e-2, optimizer=optimizer)

    trained = finish(train(samples, [], options))

    losses = [line["loss"] for line in trained.history]
    assert losses[-1] < 0.8 * losses[0]
    assert trained.steps == trained.history[-1]["step"] == 60
    assert trained.instances is None


def test_validation_images_give_scores_and_thresholds(samples):
    options = TrainingOptions(**TINY, steps=60, learning_rate=1e-2, validations=2)

    trained = finish(train(samples[:2], samples[2:], options))

    assert 0.3 < trained.scores["dice"] <= 1
    assert trained.instances is not None
    assert {"aji", "pq", "dice"} <= trained.history[-1].keys()


def test_the_same_seed_gives_the_same_network(samples):
    options = TrainingOptions(**TINY, steps=4, seed=3)

    first = weights(finish(train(samples, [], options)))
    again = weights(finish(train(samples, [], options)))
    other = weights(finish(train(samples, [], TrainingOptions(**TINY, steps=4))))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_resumed_training_ends_where_an_unbroken_one_does(
    samples, tmp_path, optimizer
):
    options = TrainingOptions(**TINY, steps=8, validations=4, optimizer=optimizer)
    state_path = tmp_path / "model.training"

    unbroken = finish(train(samples, [], options))
    cancelled = train(samples, [], options, state_path=state_path)
    while not state_path.exists():
        next(cancelled)
    cancelled.close()
    resumed = finish(train(samples, [], options, state_path=state_path))

    assert torch.allclose(weights(unbroken), weights(resumed), atol=1e-6)
    assert [line["step"] for line in resumed.history] == [2, 4, 6, 8]


def test_a_training_that_is_stopped_between_two_looks_loses_no_step(samples, tmp_path):
    options = TrainingOptions(**TINY, steps=8, validations=1)
    state_path = tmp_path / "model.training"

    unbroken = finish(train(samples, [], options))
    stopped = train(samples, [], options, state_path=state_path)
    for _ in range(5):
        while not next(stopped).message.startswith("Training"):
            pass
    stopped.close()
    left, resumed = steps_taken(train(samples, [], options, state_path=state_path))

    assert left == 3
    assert torch.allclose(weights(unbroken), weights(resumed), atol=1e-6)


@pytest.mark.parametrize("message", ["Training, step 4", "Validating", "step      4"])
def test_a_training_that_is_stopped_as_a_look_is_due_loses_no_look(
    samples, tmp_path, message
):
    options = TrainingOptions(**TINY, steps=8, validations=4)
    state_path = tmp_path / "model.training"
    parts = samples[:2], samples[2:]

    unbroken = finish(train(*parts, options))
    stopped = train(*parts, options, state_path=state_path)
    for progress in stopped:
        if state_path.exists() and progress.message.startswith(message):
            break
    stopped.close()
    left, resumed = steps_taken(train(*parts, options, state_path=state_path))

    assert left == 4
    assert [line["step"] for line in resumed.history] == [2, 4, 6, 8]
    assert [line["loss"] for line in resumed.history] == pytest.approx(
        [line["loss"] for line in unbroken.history], abs=1e-4
    )


def broken_off(samples, options, path):
    """Train until a state is written, and some steps more that are lost."""
    steps = train(samples, [], options, state_path=path)
    while not path.exists():
        next(steps)
    written = path.read_bytes()
    next(steps)
    steps.close()
    path.write_bytes(written)  # as after a crash


def test_what_layers_leave_to_chance_goes_on_as_well(samples, tmp_path):
    """DeepLabV3+ drops out features while it learns."""
    shape = {"decoder_channels": 16, "encoder_depth": 4, "atrous_rates": [1, 2, 3]}
    small = {"network": "deeplabv3plus", "network_options": shape}
    options = TrainingOptions(**{**TINY, **small}, steps=4, validations=2)
    assert any(
        isinstance(layer, torch.nn.Dropout)
        for layer in build_network("deeplabv3plus", **shape).modules()
    )
    path = tmp_path / "model.training"

    unbroken = finish(train(samples, [], options))
    broken_off(samples, options, path)
    resumed = finish(train(samples, [], options, state_path=path))

    assert torch.allclose(weights(unbroken), weights(resumed), atol=1e-5)


def test_a_training_is_not_resumed_with_other_images(samples, tmp_path):
    path = tmp_path / "model.training"
    options = TrainingOptions(**TINY, steps=4, stain_normalisation=0.5)
    broken_off(samples, options, path)
    coarser = [replace(sample, pixel_size=0.5) for sample in samples]
    known = StainReference(mean=(1, 1, 1), spread=(0.5, 0.5, 0.5), strength=0.5)

    for other, facts in (
        (samples[:1], {}),
        (coarser, {}),
        (samples, {"stains": known}),
    ):
        with pytest.raises(TrainingError, match="started with other images"):
            finish(train(other, [], options, state_path=path, **facts))
    with pytest.raises(TrainingError, match="started with other images"):
        finish(train(samples, samples[:1], options, state_path=path))
    assert finish(train(samples, [], options, state_path=path)).steps == 4


def test_a_training_is_not_resumed_with_another_recipe(samples, tmp_path):
    path = tmp_path / "model.training"
    options = TrainingOptions(**TINY, steps=4)
    broken_off(samples, options, path)

    other = TrainingOptions(**TINY, steps=4, learning_rate=1e-4)
    with pytest.raises(TrainingError, match="started with other options"):
        finish(train(samples, [], other, state_path=path))


def test_a_state_from_before_there_was_a_choice_of_optimizers_goes_on(
    samples, tmp_path
):
    path = tmp_path / "model.training"
    options = TrainingOptions(**TINY, steps=4)
    state = TrainingState(
        build_network("segnet", **TINY["network_options"]), options, torch.device("cpu")
    )
    del state.recipe["optimizer"], state.recipe["stain_normalisation"]
    save_state(path, state)

    trained = finish(train(samples, [], options, state_path=path))
    assert trained.steps == 4

    other = TrainingOptions(**TINY, steps=4, optimizer="muon")
    with pytest.raises(TrainingError, match="started with other options"):
        finish(train(samples, [], other, state_path=path))


def test_images_are_learned_from_in_the_stains_they_have_in_the_mean(samples):
    options = TrainingOptions(**TINY, steps=2, stain_normalisation=0.5)

    trained = finish(train(samples, samples[:1], options))

    own = [sample.image().stain for sample in samples]
    assert trained.stains == StainReference.between(own, 0.5)
    unmatched = finish(train(samples, [], TrainingOptions(**TINY, steps=2)))
    assert unmatched.stains is None
    assert not torch.equal(weights(trained), weights(unmatched))


def test_a_training_goes_on_in_the_stains_of_its_base(samples):
    known = StainReference(mean=(0.5, 0.8, 0.5), spread=(0.3, 0.4, 0.2), strength=1)
    options = TrainingOptions(**TINY, steps=1, stain_normalisation=0.5)

    trained = finish(train(samples, [], options, stains=known))

    assert trained.stains == replace(known, strength=0.5)


def test_validation_images_are_seen_in_those_stains(samples):
    """A network is validated as it will be used."""
    from napari_monuseg.core.validation import validation_maps

    network = build_network("segnet", **TINY["network_options"]).eval()
    reference = StainReference(mean=(1, 1, 1), spread=(0.5, 0.5, 0.5), strength=1)
    look = partial(validation_maps, samples[:1], network, 0.25, torch.device("cpu"))

    (plain,), (matched,) = finish(look()), finish(look(reference))

    with samples[0].image() as image:
        shown = image.for_network(reference)
        expected = finish(
            predict(
                shown,
                network,
                pixel_size=0.25,
                device=torch.device("cpu"),
                options=PredictOptions(),
            )
        )
    np.testing.assert_array_equal(matched.maps.foreground, expected.foreground)
    assert not np.array_equal(plain.maps.foreground, expected.foreground)


def test_a_damaged_state_is_one_sentence(samples, tmp_path):
    path = tmp_path / "model.training"
    options = TrainingOptions(**TINY)
    recipe = TrainingState(
        build_network("segnet", **TINY["network_options"]), options, torch.device("cpu")
    ).recipe
    headers = [{}, {"recipe": recipe}]
    states = [save({}, {"training": json.dumps(header)}) for header in headers]

    for damaged in (b"not a state", *states):
        path.write_bytes(damaged)
        with pytest.raises(TrainingError, match="is damaged"):
            finish(train(samples, [], options, state_path=path))


def test_a_state_comes_back_whole(tmp_path, samples):
    options = TrainingOptions(**TINY, steps=3)
    device = torch.device("cpu")
    shape = TINY["network_options"]
    state = TrainingState(build_network("segnet", **shape), options, device)
    state.generator.manual_seed(9)
    state.step, state.seconds = 7, 3.5
    save_state(tmp_path / "state", state)

    other = TrainingState(build_network("segnet", **shape), options, device)
    load_state(tmp_path / "state", other)

    assert (other.step, other.seconds) == (7, 3.5)
    assert torch.equal(other.generator.get_state(), state.generator.get_state())
    for old, new in zip(
        state.network.parameters(), other.network.parameters(), strict=True
    ):
        assert torch.equal(old, new)


def test_minutes_end_a_training_before_its_steps(samples):
    options = TrainingOptions(**TINY, steps=10**6, minutes=0.02)

    trained = finish(train(samples, [], options))

    assert 0 < trained.steps < 10**6
    assert trained.minutes >= 0.02


def test_a_loss_that_is_no_number_stops_the_training(samples):
    options = TrainingOptions(**TINY, steps=30, learning_rate=math.inf)

    with pytest.raises(TrainingError, match="lower learning rate"):
        finish(train(samples, [], options))


def test_nothing_to_train_on_is_one_sentence():
    with pytest.raises(TrainingError, match="no image to train on"):
        finish(train([], [], TrainingOptions(**TINY)))


def test_the_learning_rate_rises_then_falls_to_nothing():
    shares = np.linspace(0, 1, 101)
    rates = np.array([schedule(share, 0.1) for share in shares])

    assert rates.argmax() == 10
    assert (np.diff(rates[:11]) > 0).all()
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def batch_of(valid):
    return Batch(
        rgb=torch.zeros(1, 3, 4, 4),
        foreground=torch.ones(1, 4, 4),
        distance=torch.ones(1, 4, 4),
        valid=valid,
    )


def test_only_valid_pixels_count_in_the_loss():
    valid = torch.zeros(1, 4, 4, dtype=torch.bool)
    valid[0, :2] = True
    logits = torch.randn(1, 2, 4, 4)
    changed = logits.clone()
    changed[..., 2:, :] += 5

    one = nucleus_loss(logits, batch_of(valid))
    other = nucleus_loss(changed, batch_of(valid))

    assert one == other
    assert nucleus_loss(logits, batch_of(~valid)) != nucleus_loss(
        changed, batch_of(~valid)
    )


def test_the_loss_is_near_nothing_where_the_network_is_right():
    everywhere = torch.ones(1, 4, 4, dtype=torch.bool)

    right = nucleus_loss(torch.full((1, 2, 4, 4), 12.0), batch_of(everywhere))
    wrong = nucleus_loss(torch.full((1, 2, 4, 4), -12.0), batch_of(everywhere))

    assert right < 1e-3
    assert wrong > 10


def test_no_steps_only_choose_thresholds(samples):
    base = build_network("segnet", **TINY["network_options"]).eval()
    before = {name: held.clone() for name, held in base.state_dict().items()}

    trained = finish(
        train(samples[:1], samples[1:], TrainingOptions(**TINY, steps=0), base=base)
    )

    assert trained.steps == 0
    assert trained.instances is not None
    for name, held in trained.network.state_dict().items():
        assert torch.equal(held, before[name])  # batch statistics as well


def test_the_history_watches_training_and_validation(samples):
    trained = finish(train(samples[:2], samples[2:], TrainingOptions(**TINY, steps=6)))

    last = trained.history[-1]
    assert last["validation_loss"] > 0
    for name in ("accuracy", "dice", "legacy_dice"):
        assert 0 <= last[f"training_{name}"] <= 1
        assert 0 <= last[name] <= 1


def test_a_step_is_scored_by_what_counts():
    valid = torch.tensor([[[True, True, True, False]]])
    batch = Batch(
        rgb=torch.zeros(1, 3, 1, 4),
        foreground=torch.tensor([[[1.0, 1.0, 0.0, 1.0]]]),
        distance=torch.zeros(1, 1, 4),
        valid=valid,
    )
    sure = torch.tensor([[[50.0, -50.0, -50.0, -50.0]]])

    scores = score_step(torch.stack([sure, sure], 1), batch, torch.tensor(0.7))

    assert scores.loss == pytest.approx(0.7)
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.dice == pytest.approx(2 / 3)
    assert scores.legacy_dice == pytest.approx((1 + 0.5 + 1) / 3)
