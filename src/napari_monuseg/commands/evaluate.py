"""``napari-monuseg evaluate``: a model against images with true nuclei."""

import json
from pathlib import Path
from typing import Annotated

import typer

from napari_monuseg.commands.console import fail, run_with_bar
from napari_monuseg.core.datasets import (
    Sample,
    find_images_without_truth,
    find_samples,
    read_split,
    select,
)
from napari_monuseg.core.errors import DatasetError
from napari_monuseg.core.files import write_beside
from napari_monuseg.core.registry import find_model


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Images with their true nuclei.")],
    model: Annotated[
        str, typer.Option(help="Name of a model, or path of its file.")
    ] = "unet",
    split: Annotated[
        Path | None, typer.Option(help="JSON: stems of images by part.")
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(help="Part of the split to score; may be repeated."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the scores here.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, mps.")] = "auto",
    augment: Annotated[
        bool, typer.Option("--augment", help="Average over 8 turns of each image.")
    ] = False,
) -> None:
    """Score whole images, then average over images."""
    samples = choose_samples(folder, split, part)
    for path in find_images_without_truth(folder):
        fail(f"{path.name} has no true nuclei beside it and is left out.")
    entry = find_model(model)
    from napari_monuseg.core.evaluate import evaluate as evaluate_samples
    from napari_monuseg.core.segment import SegmentOptions

    options = SegmentOptions(device=device, augment=augment)
    evaluation = run_with_bar(evaluate_samples(samples, entry, options), entry.name)
    typer.echo(evaluation.as_table())
    if json_file is not None:
        with write_beside(json_file) as beside:
            beside.write_text(json.dumps(evaluation.as_dict(), indent=1) + "\n")
    for name, reason in evaluation.failures:
        fail(f"{name}: {reason}")
    if evaluation.failures:
        raise typer.Exit(1)


def choose_samples(
    folder: Path, split: Path | None, parts: list[str] | None
) -> list[Sample]:
    """Pick the samples of a folder that parts of a split name.

    Parameters
    ----------
    folder : Path
        As `find_samples` takes it.
    split : Path or None
        As `read_split` takes it; None for all samples.
    parts : list of str or None
        Parts of the split; all of them when left out.

    Raises
    ------
    DatasetError
        If the folder or the split cannot be read, or has no such part.
    """
    samples = find_samples(folder)
    if split is None:
        if parts:
            raise DatasetError("A --part needs the --split file it is named in.")
        return samples
    named = read_split(split)
    unknown = sorted(set(parts or []) - named.keys())
    if unknown:
        raise DatasetError(
            f"{split.name} has no part {unknown[0]!r}; it has {', '.join(named)}."
        )
    return select(samples, [stem for part in parts or named for stem in named[part]])
