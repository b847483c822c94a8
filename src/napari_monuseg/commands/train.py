"""``napari-monuseg train``: a folder of images with truth ─► a model."""

from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_monuseg.commands.console import (
    STOPPED,
    Log,
    StoppedError,
    fail,
    run_with_bar,
    say_trained,
    stop_between_steps,
)
from napari_monuseg.commands.outputs import claimed, refuse_claimed, save_model
from napari_monuseg.commands.reading import say_unknown, say_unpaired
from napari_monuseg.core.datasets import Sample, find_samples, read_split, select
from napari_monuseg.core.errors import DatasetError, ExportError, TrainingError
from napari_monuseg.core.folders import refuse_to_replace
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.model_info import ModelInfo
from napari_monuseg.core.pixel_sizes import (
    MONUSEG,
    read_pixel_sizes,
    tell_pixel_sizes,
)
from napari_monuseg.core.registry import ModelEntry, find_model

if TYPE_CHECKING:
    from napari_monuseg.core.training_options import TrainingOptions

LARGEST_SHIFT = 32
"""Of labels against their tissue, px: further off, they are of other tissue."""

TITLES = {"unet": "UNet", "segnet": "SegNet", "deeplabv3plus": "DeepLabV3+"}


def train(
    folder: Annotated[Path, typer.Argument(help="Images with their true nuclei.")],
    output: Annotated[Path, typer.Option(help="Model file, .safetensors.")],
    network: Annotated[
        str | None,
        typer.Option(
            help="unet, segnet or deeplabv3plus; the base's, or unet, if left out."
        ),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(help='JSON: stems under "train" and, if any, "validation".'),
    ] = None,
    pixel_sizes: Annotated[
        Path | None,
        typer.Option(
            help="JSON: µm/px by stem of image; MoNuSeg's if left out. What neither "
            "states is taken for 0.25."
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Model to start from: its weights and thresholds; of another "
            "network, its encoder."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Most optimizer steps; 0 only chooses thresholds. The network's own "
            "recipe when left out, as are the crops, the optimizer and the rate.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.001, help="Most minutes, over all resumed runs."),
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Crops per step.")] = None,
    crop: Annotated[int | None, typer.Option(help="Their side, px.")] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="adamw, or muon, which learns more a step.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help="Peak of the one-cycle schedule.")
    ] = None,
    label_shift: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="DOWN RIGHT",
            help="How far from the tissue the labels lie, px; the network learns it. "
            "That of the base when left out.",
        ),
    ] = None,
    stain_normalisation: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="How far the stain of every image is brought towards the mean of "
            "all; 0 takes them as they are. That of the base when left out, or 0.7.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Of weights and crops.")
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, mps.")] = "auto",
    data: Annotated[
        str, typer.Option(help="What the images are, for the model's description.")
    ] = "",
    licence: Annotated[
        str, typer.Option(help="Under which the weights may be used.")
    ] = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that is there already.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the last run stopped.")
    ] = False,
) -> None:
    """Train a network on a folder of images with true nuclei."""
    from napari_monuseg.core.augmentation import AugmentationOptions
    from napari_monuseg.core.checkpoints import save_checkpoint
    from napari_monuseg.core.training import train as train_network
    from napari_monuseg.core.training_options import RECIPES, TrainingOptions

    state_path = output.with_suffix(".training")
    refuse_claimed(state_path, output)
    _check_paths(output, state_path, resume=resume)
    if not overwrite:
        refuse_to_replace(output)
    sizes = read_pixel_sizes(pixel_sizes or MONUSEG)
    samples, validation = (
        tell_pixel_sizes(part, sizes) for part in _choose_samples(folder, split)
    )
    if pixel_sizes is not None:
        say_unknown(sizes, folder)
    parent = find_model(base) if base else None
    if steps == 0 and parent is None:
        raise TrainingError(
            "Without steps nothing is learned; name the model whose thresholds are to "
            "be chosen as --base."
        )
    name, shape = _choose_network(network, parent)
    if label_shift is None:
        label_shift = parent.info.label_shift if parent else (0.0, 0.0)
    elif not all(abs(pixels) <= LARGEST_SHIFT for pixels in label_shift):  # nan, too
        raise TrainingError(
            f"A label shift of {label_shift[0]:g} and {label_shift[1]:g} px is not "
            f"one; give at most {LARGEST_SHIFT} px each way."
        )
    stains = parent.info.stains if parent else None
    if stain_normalisation is None and parent is not None:
        stain_normalisation = stains.strength if stains else 0.0
    asked = {
        "steps": steps,
        "batch": batch,
        "crop": crop,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "stain_normalisation": stain_normalisation,
    }
    chosen = {key: value for key, value in asked.items() if value is not None}
    options = TrainingOptions(
        network=name,
        network_options=shape,
        pixel_size=parent.info.pixel_size if parent else 0.25,
        minutes=minutes,
        augmentation=AugmentationOptions(label_shift=label_shift),
        seed=seed,
        device=device,
        **RECIPES.get(name, {}) | chosen,
    )
    taught = data or (
        f"{len(samples)} images of {folder.name}" if options.steps else ""
    )
    job = train_network(
        samples,
        validation,
        options,
        base=_start(options, parent) if parent else None,
        stains=stains,
        state_path=state_path,
    )
    with claimed(state_path, output):
        _check_paths(output, state_path, resume=resume)  # another run may have ended
        with (
            stop_between_steps() as stopped,
            Log(output.with_suffix(".log"), anew=overwrite and not resume) as log,
        ):
            try:
                title = TITLES.get(options.network, "")
                trained = run_with_bar(job, title, log, stopped)
                log.begin()  # without a line, what is there is of another model
            except StoppedError:
                _say_stopped(state_path)
                raise typer.Exit(STOPPED) from None
        info = ModelInfo(
            name=output.stem,
            network=options.network,
            network_options=options.network_options,
            pixel_size=options.pixel_size,
            label_shift=label_shift,
            stains=trained.stains,
            instances=trained.instances
            or (parent.info.instances if parent else InstanceOptions()),
            description=_describe(options, len(samples), parent),
            parent=parent.name if parent else "",
            date=datetime.now(timezone.utc).date().isoformat(),
            recipe=_recipe(options, trained.steps, trained.minutes, trained.device),
            scores={"validation": trained.scores} if trained.scores else {},
            history=trained.history,
            **_heritage(parent, taught, licence),
        )

        def save(path: Path) -> None:
            save_checkpoint(path, trained.network, replace(info, name=path.stem))
            with suppress(OSError):  # the model is written
                state_path.unlink(missing_ok=True)
            say_trained(path, trained.steps, trained.minutes)

        sentence = save_model(output, save, overwrite=overwrite)
    if sentence:
        raise ExportError(sentence)


def _say_stopped(state_path: Path) -> None:
    """Say how to go on with a training that somebody stopped."""
    kept = state_path.exists()
    fail(
        f"Stopped; the same command with --resume goes on from {state_path}."
        if kept
        else "Stopped before the first step; nothing was kept."
    )


def _choose_network(
    network: str | None, parent: ModelEntry | None
) -> tuple[str, dict[str, Any]]:
    """Return name and shape of the network to train."""
    from napari_monuseg.core.networks import RECOMMENDED

    if parent is not None and network in {None, parent.info.network}:
        return parent.info.network, parent.info.network_options
    name = network or "unet"
    return name, RECOMMENDED.get(name, {})


def _start(options: Any, parent: ModelEntry) -> Any:
    """Return the parent's network, or another with its encoder."""
    from napari_monuseg.core.checkpoints import load_network
    from napari_monuseg.core.networks import build_network, copy_encoder
    from napari_monuseg.core.torch_import import torch

    base = load_network(parent.path)
    if options.network == parent.info.network:
        return base
    torch.manual_seed(options.seed)
    network = build_network(options.network, **options.network_options)
    copy_encoder(base, network)
    return network


def _check_paths(output: Path, state_path: Path, *, resume: bool) -> None:
    """Refuse what would fail, or be lost, only after hours."""
    if output.suffix != ".safetensors":
        raise TrainingError(f"The model file {output.name} must end in .safetensors.")
    if not output.parent.is_dir():
        raise TrainingError(f"There is no folder {output.parent}; make it first.")
    if resume and not state_path.exists():
        raise TrainingError(
            f"There is no training to resume: {state_path} is missing. Leave out "
            "--resume to start."
        )
    if not resume and state_path.exists():
        raise TrainingError(
            f"A training that was not finished lies in {state_path}: give --resume "
            "to go on with it, or delete it to start again."
        )


def _choose_samples(
    folder: Path, split: Path | None
) -> tuple[list[Sample], list[Sample]]:
    """Return the images to train and to validate on."""
    samples = find_samples(folder)
    if split is None:
        say_unpaired(folder)
        return samples, []
    parts = read_split(split)
    if "train" not in parts:
        raise DatasetError(f'{split.name} names no "train" images.')
    return (
        select(samples, parts["train"]),
        select(samples, parts.get("validation", [])),
    )


def _describe(
    options: "TrainingOptions", images: int, parent: ModelEntry | None
) -> str:
    """Describe a model in one line."""
    if parent is not None and not options.steps:
        return f"{parent.name}, its thresholds chosen on {images} images"
    onward = f", from {parent.name}" if parent else ""
    title = TITLES[options.network]
    return f"{title} trained on {images} H&E images at 40×{onward}"


def _heritage(parent: ModelEntry | None, taught: str, licence: str) -> dict[str, Any]:
    """Give data, licence and places learned from, the parent's as well."""
    heritage = parent.info.passed_on(taught) if parent else {"data": taught}
    return heritage | {"licence": licence} if licence else heritage


def _recipe(options: Any, steps: int, minutes: float, device: str) -> dict[str, Any]:
    """Return the options as JSON holds them, with what came of them."""
    return asdict(options) | {
        "steps": steps,
        "minutes": round(minutes, 1),
        "device": device,
    }
