"""``napari-monuseg finetune``: corrected labels ─► a new model, and a judgement."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from napari_monuseg.commands.console import run_with_bar
from napari_monuseg.core.checked import Corrections
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.folders import refuse_to_replace, require_writable
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.registry import ENDING, find_model
from napari_monuseg.core.tiff import LabelsFile, read_labels

if TYPE_CHECKING:
    from napari_monuseg.core.gate import Judgement


def finetune(
    image: Annotated[
        list[Path], typer.Option(help="Tissue image; repeated once per image.")
    ],
    labels: Annotated[
        list[Path], typer.Option(help="Its corrected nuclei, TIFF; in the same order.")
    ],
    output: Annotated[Path, typer.Option(help="Model file, .safetensors.")],
    reviewed: Annotated[
        list[Path] | None,
        typer.Option(
            help="What was checked, TIFF, not 0 there; for every image or for none, "
            "which means all of each."
        ),
    ] = None,
    pixel_size: Annotated[
        float | None,
        typer.Option(
            help="Of all images, µm/px; when left out what the image states, or its "
            "labels, and a guess where neither does."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Name of the model to start from, or its file.")
    ] = "unet",
    steps: Annotated[int, typer.Option(min=1, help="Most optimizer steps.")] = 240,
    minutes: Annotated[
        float | None, typer.Option(min=0.001, help="Most minutes.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(min=0, help="Peak.")] = 2e-4,
    frozen: Annotated[
        str, typer.Option(help="What does not learn: nothing or encoder.")
    ] = "nothing",
    crop: Annotated[int, typer.Option(help="Side of the crops, px.")] = 256,
    seed: Annotated[int, typer.Option(help="Of the crops and what is held out.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, mps.")] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that is there already.")
    ] = False,
    only_if_better: Annotated[
        bool,
        typer.Option(
            "--only-if-better", help="Write no file unless accepting is proposed."
        ),
    ] = False,
) -> None:
    """Teach a model from corrected labels, and compare before and after."""
    if output.suffix != ENDING or not output.parent.is_dir():
        raise TrainingError(
            f"The model file {output} must end in {ENDING} and lie in a folder that "
            "exists."
        )
    require_writable(output.parent)
    if not overwrite:
        refuse_to_replace(output)
    entry = find_model(model)
    corrections = _read(image, labels, reviewed or [], pixel_size)
    from napari_monuseg.core.checkpoints import save_checkpoint
    from napari_monuseg.core.finetuning_options import FinetuneOptions
    from napari_monuseg.core.lessons import Lesson

    options = FinetuneOptions(
        steps=steps,
        minutes=minutes,
        learning_rate=learning_rate,
        frozen=frozen,
        crop=crop,
        seed=seed,
        device=device,
    )
    lesson = Lesson(entry, corrections, options)
    tuned = run_with_bar(lesson.train(), entry.name)
    for notice in lesson.notices:
        typer.echo(notice, err=True)
    judgement = run_with_bar(lesson.judge(tuned), "Judging")
    for line in [] if judgement.problem else _report(judgement):
        typer.echo(line)
    if only_if_better and not judgement.accept:
        typer.echo(f"{output} was not written.")
    else:
        info = lesson.describe(output.stem, tuned, judgement)
        save_checkpoint(output, tuned.network, info)
        typer.echo(f"{output}: {tuned.steps} steps in {tuned.minutes:.1f} minutes")
    if judgement.problem:
        raise TrainingError(judgement.problem)


def _read(
    images: list[Path],
    labels: list[Path],
    reviewed: list[Path],
    pixel_size: float | None,
) -> list[Corrections]:
    if len(labels) != len(images) or len(reviewed) not in {0, len(images)}:
        raise TrainingError(
            f"There are {len(images)} --image, {len(labels)} --labels and "
            f"{len(reviewed)} --reviewed; give one --labels for each image, and one "
            "--reviewed for each or none."
        )
    corrections: list[Corrections] = []
    for number, path in enumerate(images):
        found = read_labels(labels[number])
        if found.labels.ndim != 2:
            raise TrainingError(
                f"The labels {labels[number].name} have more than one plane; save the "
                "plane that belongs to the image."
            )
        if found.labels.dtype != np.int32:  # read as such wherever they fit
            raise TrainingError(
                f"The labels {labels[number].name} have numbers above "
                f"{np.iinfo(np.int32).max:,}; number the nuclei from 1."
            )
        checked = (
            read_labels(reviewed[number]).labels > 0
            if reviewed
            else np.ones(found.labels.shape, bool)
        )
        area = None if found.origin is None else found.origin.mask
        if area is not None and area.shape == checked.shape:
            checked = checked & area  # beyond it nobody looked for nuclei
        tissue = TissueImage.open(path, pixel_size=pixel_size)
        _require_origin(found, labels[number], tissue, path, images)
        if tissue.pixel_size is None and found.pixel_size is not None:
            tissue = tissue.with_pixel_size(found.pixel_size, labels[number].name)
        row, column = found.offset
        one = Corrections(
            image=tissue,
            labels=found.labels,
            reviewed=checked,
            offset=(round(row), round(column)),
        )
        for before, other in enumerate(corrections):
            if images[before].samefile(path) and one.leave_out(other):
                _say_checked_twice(labels[before], labels[number], path, one)
        corrections.append(one)
    return corrections


def _say_checked_twice(
    before: Path, labels: Path, image: Path, one: Corrections
) -> None:
    """Say which labels count where two were checked; refuse those that never do."""
    if not one.reviewed.any():
        raise TrainingError(
            f"All that was checked in {labels.name} was checked in {before.name} as "
            f"well, of the same {image.name}; leave one of them out."
        )
    typer.echo(
        f"{before.name} and {labels.name} share a part of {image.name}; what was "
        f"checked in both is learned from {before.name}.",
        err=True,
    )


def _require_origin(
    found: LabelsFile, labels: Path, tissue: TissueImage, path: Path, images: list[Path]
) -> None:
    """Refuse labels that say they are of another image; if unsure, only say so."""
    origin = found.origin
    shape = (tissue.height, tissue.width)
    if origin is None:
        if found.offset == (0, 0) and found.labels.shape != shape:
            height, width = found.labels.shape
            raise TrainingError(
                f"The labels {labels.name} are {height}×{width} px and {path.name} is "
                f"{shape[0]}×{shape[1]} px, and nothing says where they lie; give "
                "labels of the whole image, or as napari-monuseg exported them."
            )
        return
    others = {image.stem for image in images} - {path.stem}
    if origin.image_shape != shape or origin.image in others:
        height, width = origin.image_shape
        raise TrainingError(
            f"The labels {labels.name} are of {origin.image}, {height}×{width} px, not "
            f"of {path.name}, {shape[0]}×{shape[1]} px; give --image and --labels in "
            "the same order."
        )
    if origin.image != path.stem:
        typer.echo(
            f"{labels.name} says that it is of {origin.image}; it is taken as of "
            f"{path.name}.",
            err=True,
        )


def _report(judgement: "Judgement") -> list[str]:
    """Return what there is to say of before and after."""
    lines = [judgement.sentence()]
    lines += [
        f"  {name:<5} {one.before:.3f} -> {one.after:.3f}  "
        f"({one.low:+.3f} to {one.high:+.3f})"
        for name, one in judgement.changes.items()
    ]
    places = {"outside": "outside the reviewed areas", "sample": "on the sample tissue"}
    lines += [
        f"  agreement with the old model {places[name]}: AJI {value:.3f}"
        for name, value in judgement.drift.items()
    ]
    return lines
