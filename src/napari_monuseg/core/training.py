"""Train a network on images with true nuclei.

It reads straight down: read the images, draw crops, step, average the weights,
now and then look at whole validation images, and at the end choose thresholds
on them.
"""

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from napari_monuseg.core.crops import CropSource, read_training_images, require_crop
from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.devices import autocast, pick_device, training_precision
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.losses import (
    StepScores,
    mean_step,
    nucleus_loss,
    require_finite,
    score_step,
)
from napari_monuseg.core.networks import (
    NucleusNetwork,
    build_network,
)
from napari_monuseg.core.progress import Progress, Report
from napari_monuseg.core.stains import StainReference
from napari_monuseg.core.torch_import import nn, torch
from napari_monuseg.core.training_options import TrainingOptions
from napari_monuseg.core.training_state import TrainingState, load_state, save_state
from napari_monuseg.core.validation import (
    ValidationImage,
    choose_thresholds,
    score_maps,
    validation_maps,
    watch_maps,
)

REPORTED = ("accuracy", "dice", "aji", "pq")
"""The validation scores a line of the log shows; the history has them all."""


@dataclass(frozen=True, kw_only=True)
class TrainedNetwork:
    """What comes out of a training.

    Parameters
    ----------
    network : NucleusNetwork
        The averaged weights, on the CPU, in evaluation mode.
    instances : InstanceOptions or None
        The thresholds best on the validation images; None without such images.
    scores : dict
        Mean scores on the validation images, by name; empty without.
    history : list of dict
        Step, loss, learning rate, and scores where validated.
    steps : int
        Steps taken.
    minutes : float
        Time taken.
    device : str
        What it ran on, in words.
    stains : StainReference or None
        What the stains of all images were brought towards.
    """

    network: NucleusNetwork
    instances: InstanceOptions | None
    scores: dict[str, float]
    history: list[dict[str, float]]
    steps: int
    minutes: float
    device: str
    stains: StainReference | None


def train(
    samples: Sequence[Sample],
    validation: Sequence[Sample],
    options: TrainingOptions,
    *,
    base: NucleusNetwork | None = None,
    stains: StainReference | None = None,
    state_path: Path | None = None,
) -> Generator[Progress, None, TrainedNetwork]:
    """Train a network.

    Parameters
    ----------
    samples, validation : sequence of Sample
        Images to learn from, and images to look at while it learns.
    options : TrainingOptions
        The recipe.
    base : NucleusNetwork, optional
        Weights to start from; random ones without.
    stains : StainReference, optional
        Where stains are brought towards, as far as the options say; the mean of the
        samples' own without.
    state_path : Path, optional
        Where the state is kept while it trains, and when it is closed between two
        steps. If it is there already, the training goes on from it; delete it once
        the model is saved.

    Yields
    ------
    Progress
        A step per optimizer step.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    TrainingError
        If there is nothing to train on, the crops do not fit the network, the state
        belongs to another recipe, or the loss is no longer a number.
    """
    if not samples:
        raise TrainingError("There is no image to train on; name at least one.")
    device_info = pick_device(options.device)
    device = torch.device(device_info.name)
    torch.manual_seed(options.seed)
    network = base or build_network(options.network, **options.network_options)
    require_crop(options.crop, network, options.batch)
    state = TrainingState(network, options, device)
    state.stains = yield from _reference(samples, options, stains)
    state.material = _material(samples, validation)
    if state_path is not None and state_path.exists():
        load_state(state_path, state)
    images = yield from read_training_images(samples, options.pixel_size, state.stains)
    source = CropSource(images, crop=options.crop, options=options.augmentation)
    try:
        yield from _train_steps(source, validation, options, state, state_path)
    except GeneratorExit:
        if state_path is not None:
            save_state(state_path, state)
        raise
    instances: InstanceOptions | None = None
    scores: dict[str, float] = {}
    network = (
        state.averaged_network(source, options)
        if state.step
        else state.averaged.eval()  # nothing was learned: it stays as it is
    )
    if validation:
        maps = yield from _look(validation, network, options, state)
        instances, scores = choose_thresholds(maps)
    return TrainedNetwork(
        network=network.cpu(),
        instances=instances,
        scores=scores,
        history=state.history,
        steps=state.step,
        minutes=state.seconds / 60,
        device=device_info.description,
        stains=state.stains,
    )


def _material(
    samples: Sequence[Sample], validation: Sequence[Sample]
) -> dict[str, list[list[Any]]]:
    """Return what is learned from and looked at, as JSON holds it."""
    return {
        part: [[sample.name, sample.pixel_size] for sample in chosen]
        for part, chosen in (("train", samples), ("validation", validation))
    }


def _reference(
    samples: Sequence[Sample], options: TrainingOptions, known: StainReference | None
) -> Generator[Progress, None, StainReference | None]:
    """Return what the stains of all images are to be brought towards, if anything."""
    strength = options.stain_normalisation
    if not strength:
        return None
    if known is not None:
        return replace(known, strength=strength)
    stains = []
    for number, sample in enumerate(samples):
        yield Progress(
            message=f"Looking at the stain of {sample.name}",
            done=number,
            total=len(samples),
        )
        with sample.image() as image:
            stains.append(image.stain)
    return StainReference.between(stains, strength)


def _train_steps(
    source: CropSource,
    validation: Sequence[Sample],
    options: TrainingOptions,
    state: TrainingState,
    state_path: Path | None,
) -> Generator[Progress, None, None]:
    """Step until the steps or the minutes are used up.

    It may be closed wherever it yields: a report that was due is made on resuming.
    """
    due = state.reports_due(options)
    # On resuming, fewer or more steps may be asked for than before.
    state.reports = due if state.reports is None else min(state.reports, due)
    while True:
        if state.taken and state.reports_due(options) > state.reports:
            started = time.monotonic()
            yield from _report(source, validation, options, state)
            state.seconds += time.monotonic() - started
            state.reports = state.reports_due(options)
            if state_path is not None:
                save_state(state_path, state)
        if (share := state.share_done(options)) >= 1:
            return
        started = time.monotonic()
        state.taken.append(train_step(source, options, state, share))
        loss = mean_step(state.taken).loss
        require_finite(state.taken[-1].loss)
        state.seconds += time.monotonic() - started
        yield Progress(
            message=f"Training, step {state.step}: loss {loss:.3f}",
            done=round(1000 * share),
            total=1000,
        )


def train_step(
    source: CropSource, options: TrainingOptions, state: TrainingState, share: float
) -> StepScores:
    """Take one optimizer step, `share` of the training done."""
    batch = source.draw(options.batch, state.generator, state.device)
    state.optimizer.learning_rate = options.learning_rate * schedule(
        share, options.warm_up
    )
    state.network.train()
    rgb = batch.rgb.contiguous(memory_format=torch.channels_last)
    with autocast(state.device, training_precision(state.device)):
        logits = state.network(rgb)
    loss = nucleus_loss(logits.float(), batch)
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(state.network.parameters(), 5.0)
    state.optimizer.step()
    state.average(options.averaging)
    state.step += 1
    return score_step(logits, batch, loss)


def schedule(share: float, warm_up: float) -> float:
    """Return the learning rate as a share of its peak: a linear rise, a cosine fall."""
    if share < warm_up:
        return 0.05 + 0.95 * share / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (share - warm_up) / (1 - warm_up))


def _report(
    source: CropSource,
    validation: Sequence[Sample],
    options: TrainingOptions,
    state: TrainingState,
) -> Generator[Progress, None, None]:
    """Add a line to the history: of the steps since the last one."""
    line = {
        "step": float(state.step),
        "minutes": round(state.seconds / 60, 2),
        "learning_rate": state.optimizer.learning_rate,
    }
    step = mean_step(state.taken)._asdict()
    line["loss"] = round(step.pop("loss"), 4)
    line |= {f"training_{name}": round(value, 4) for name, value in step.items()}
    if validation:
        network = state.averaged_network(source, options)
        maps = yield from _look(validation, network, options, state)
        line |= asdict(score_maps(maps, InstanceOptions())) | watch_maps(maps)
    state.history.append(line)
    state.taken, state.reports = [], state.reports_due(options)
    yield Report(message=describe_report(line))


def describe_report(line: dict[str, float]) -> str:
    """Return a line of the history as a person reads it, in columns."""
    scores = (f"  {name} {line[name]:.3f}" for name in REPORTED if name in line)
    return (
        f"step {line['step']:6.0f}  {line['minutes']:6.1f} min"
        f"  loss {line['loss']:6.3f}  learning rate {line['learning_rate']:.1e}"
        + "".join(scores)
    )


def _look(
    validation: Sequence[Sample],
    network: NucleusNetwork,
    options: TrainingOptions,
    state: TrainingState,
) -> Generator[Progress, None, list[ValidationImage]]:
    return (
        yield from validation_maps(
            validation, network, options.pixel_size, state.device, state.stains
        )
    )
