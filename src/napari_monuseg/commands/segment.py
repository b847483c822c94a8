"""``napari-monuseg segment``: image files ─► label files."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from napari_monuseg.commands.console import counted, fail, run_with_bar
from napari_monuseg.commands.reading import (
    ForegroundThreshold,
    SeedProminence,
    SmallestNucleus,
    assumed_size,
    reading,
    say_size_unknown,
)
from napari_monuseg.core.counting import how_many
from napari_monuseg.core.dataset_files import find_beside, find_images
from napari_monuseg.core.errors import ExportError, ImageError, MonusegError
from napari_monuseg.core.folders import is_there, make_folder, require_writable
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.registry import ModelEntry, find_model
from napari_monuseg.core.tiff import NAMED_BY, is_labels_file
from napari_monuseg.core.tiff_writing import write_labels

if TYPE_CHECKING:
    from napari_monuseg.core.segment import Segmentation


def segment(
    images: Annotated[
        list[Path], typer.Argument(help="Tissue images, or folders of them.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the labels.")],
    model: Annotated[
        str, typer.Option(help="Name of a model, or path of its file.")
    ] = "unet",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, mps.")] = "auto",
    pixel_size: Annotated[
        float | None,
        typer.Option(
            help="Of all images, µm/px; each file's own when left out, and a guess at "
            "40x or 20x where it states none."
        ),
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also draw the nuclei on the tissue.")
    ] = False,
    augment: Annotated[
        bool,
        typer.Option(
            "--augment", help="Average over 8 turns: a little better, 8 times as long."
        ),
    ] = False,
    foreground_threshold: ForegroundThreshold = None,
    seed_prominence: SeedProminence = None,
    smallest_nucleus: SmallestNucleus = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace labels that are there already, hand work included, and "
            "overlays.",
        ),
    ] = False,
) -> None:
    """Find the nuclei in images; write DIR/<image stem>_nuclei.tif for each."""
    entry = find_model(model)
    paths, failed = _open_folders(images)
    _check_output(paths, output, overlay=overlay)
    from napari_monuseg.core.segment import SegmentOptions
    from napari_monuseg.core.segment import segment as segment_image

    options = SegmentOptions(
        device=device,
        augment=augment,
        instances=reading(foreground_threshold, seed_prominence, smallest_nucleus),
    )
    spare = partial(
        _refuse_to_lose, output=output, overlay=overlay, overwrite=overwrite
    )
    for path in paths:
        try:
            spare(path)
            with TissueImage.open(path, pixel_size=pixel_size) as image:
                result = run_with_bar(segment_image(image, entry, options), path.name)
                spare(path)  # another run or a window may have written there
                _write(_labels_path(path, output), image, result, entry)
                _say_remarks(path, result, entry)
                if overlay:
                    from napari_monuseg.core.figures import write_overlay

                    write_overlay(_overlay_path(path, output), image, result.labels)
        except MonusegError as error:
            fail(error)
            failed += 1
    if failed:
        raise typer.Exit(1)


def _open_folders(given: list[Path]) -> tuple[list[Path], int]:
    """Put the images of folders in their place; tell how many folders have none.

    An image that is named twice is one.
    """
    paths, failed = [], 0
    for path in given:
        try:
            # Path.is_dir raises where a name is too long or may not be looked at.
            folder = os.path.isdir(path)  # noqa: PTH112
            paths += find_images(path) if folder else [path]
            if folder and (beside := find_beside(path)):
                fail(
                    f"{counted(len(beside), 'image')} in {path}, beside its folder of "
                    f"images, left out, {beside[0].name} the first: name them to take "
                    "them as well."
                )
        except MonusegError as error:
            fail(error)
            failed += 1
    # Links to folders are followed, links to images have names of their own.
    once = {
        os.path.join(os.path.realpath(path.parent), path.name): path  # noqa: PTH118
        for path in reversed(paths)
    }
    return list(once.values())[::-1], failed


def _write(
    path: Path, image: TissueImage, result: "Segmentation", entry: ModelEntry
) -> None:
    """Write the labels, and say so."""
    write_labels(
        path,
        result.labels,
        pixel_size=result.maps.pixel_size,
        origin=Origin(
            image=image.name,
            image_shape=(image.height, image.width),
            model=entry.name,
            hand=np.zeros(result.labels.shape, bool),
        ),
    )
    nuclei = how_many(int(result.labels.max()))
    typer.echo(f"{path}: {nuclei} on {result.device}")


def _say_remarks(path: Path, result: "Segmentation", entry: ModelEntry) -> None:
    """Say what is in doubt, and what was guessed or assumed."""
    if result.doubt:
        typer.echo(result.doubt, err=True)
    if result.maps.pixel_size is None:
        if guess := result.guessed_pixel_size:
            taken = f"{guess:g} µm/px was guessed"
        else:
            taken = assumed_size(entry.info.pixel_size)
        say_size_unknown(path.name, taken, "--pixel-size")


def _check_output(images: list[Path], output: Path, *, overlay: bool) -> None:
    """Refuse, before any work, what could not be written or would be overwritten."""
    # Some file systems do not tell upper case from lower.
    stems = [path.stem.casefold() for path in images]
    twice = [path.stem for path in images if stems.count(path.stem.casefold()) > 1]
    if twice:
        raise ExportError(
            f"Two images are named {twice[0]}, and their labels would overwrite each "
            "other; run them into different folders."
        )
    make_folder(output)
    require_writable(output)
    given = set(map(_place_of, images))
    for path in images:
        for written in _written_for(path, output, overlay=overlay):
            if _place_of(written) in given:
                raise ExportError(
                    f"The result of {path.name} would replace {written.name}, which is "
                    "one of the images; choose another folder."
                )


def _place_of(path: Path) -> str:
    """Tell where a file lies, links followed, those that lead nowhere as far as so."""
    return os.path.realpath(path).casefold()


def _refuse_to_lose(
    path: Path, output: Path, *, overlay: bool, overwrite: bool
) -> None:
    """Refuse an image that is none, or whose labels are there already."""
    if is_labels_file(path):
        raise ImageError(
            f"{path.name} holds labels that this program wrote, not tissue; leave it "
            "out."
        )
    for written in filter(is_there, _written_for(path, output, overlay=overlay)):
        if not overwrite:
            raise ExportError(
                f"{written} is there already and may hold hand work; give --overwrite "
                "to replace it, or another folder."
            )
        if written == _labels_path(path, output) and not is_labels_file(written):
            raise ExportError(
                f"{written} was not written by this program and is not replaced; "
                "choose another folder."
            )


def _written_for(path: Path, output: Path, *, overlay: bool) -> list[Path]:
    labels, drawn = _labels_path(path, output), _overlay_path(path, output)
    return [labels, drawn] if overlay else [labels]


def _labels_path(path: Path, output: Path) -> Path:
    return output / f"{path.stem}{NAMED_BY}.tif"


def _overlay_path(path: Path, output: Path) -> Path:
    return output / f"{path.stem}{NAMED_BY}.png"
