"""What several sub-commands are told and say: of reading nuclei, and of folders."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from napari_monuseg.commands.console import fail
from napari_monuseg.core.datasets import find_unpaired
from napari_monuseg.core.pixel_sizes import unknown_names


def _number(most: float) -> Callable[[str], float]:
    """Give what reads a number from 0 to `most`; typer's own leaves names no room."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value <= most:
            raise typer.BadParameter(f"{text} is no number from 0 to {most:,.0f}.")
        return value

    return number


ForegroundThreshold = Annotated[
    float | None,
    typer.Option(
        metavar="0…1",
        parser=_number(1),
        help="Lower finds paler nuclei, and larger; the model's own when left out.",
    ),
]
SeedProminence = Annotated[
    float | None,
    typer.Option(
        metavar="0…1",
        parser=_number(1),
        help="Lower separates touching nuclei more readily; the model's own when left "
        "out.",
    ),
]
SmallestNucleus = Annotated[
    float | None,
    typer.Option(
        metavar="µm²",
        parser=_number(1e9),
        help="Smaller ones are left out, µm²; the model's own when left out.",
    ),
]


def reading(
    foreground_threshold: float | None,
    seed_prominence: float | None,
    smallest_nucleus: float | None,
) -> dict[str, float]:
    """Return what was asked for, as `SegmentOptions.instances` takes it."""
    asked = {
        "foreground_threshold": foreground_threshold,
        "seed_prominence": seed_prominence,
        "smallest_nucleus_um2": smallest_nucleus,
    }
    return {name: value for name, value in asked.items() if value is not None}


def say_unknown(sizes: dict[str, float], folder: Path) -> None:
    """Say on stderr which pixel sizes are of no image of a folder."""
    for name in unknown_names(sizes, folder):
        typer.echo(
            f"The pixel sizes name {name}, which is no image in {folder}; names are "
            "those of the files, without ending.",
            err=True,
        )


def say_unpaired(folder: Path) -> bool:
    """Name images without truth and truths without image; tell if there are any."""
    images, truths = find_unpaired(folder)
    for path in images:
        fail(f"{path.name} has no true nuclei beside it and is left out.")
    for path in truths:
        fail(
            f"{path.name} has no tissue image beside it, or one with another truth, "
            "and is left out."
        )
    return bool(images or truths)


def assumed_size(pixel_size: float) -> str:
    """Say that a pixel size, µm/px, was neither stated nor guessed."""
    return f"{pixel_size:g} µm/px was assumed, with too few nuclei to guess from"


def say_size_unknown(name: str, taken: str, option: str) -> None:
    """Say what was taken for the pixel size of an image, and how to state it."""
    typer.echo(
        f"{name} does not state its pixel size; {taken}. Give {option} if you know it.",
        err=True,
    )
