"""The pixel sizes of images whose files do not state them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from napari_monuseg.core.datasets import (
    Sample,
    find_samples,
    find_unpaired,
    read_json,
)
from napari_monuseg.core.errors import DatasetError
from napari_monuseg.core.registry import SHIPPED_FOLDER

MONUSEG = SHIPPED_FOLDER / "pixel_sizes.json"
"""Of those of MoNuSeg's 30 training images that are not at 40×."""

_FORM = 'it must read {"NAME": 0.5, ...}, in µm/px.'


def read_pixel_sizes(path: str | Path = MONUSEG) -> dict[str, float]:
    """Read the pixel size of each image.

    Parameters
    ----------
    path : str or Path
        JSON file: ``{"NAME": 0.5, ...}``; that of MoNuSeg when left out.

    Returns
    -------
    dict of str to float
        µm/px by the stem of the image's file.

    Raises
    ------
    DatasetError
        If the file cannot be read or says something else.
    """
    sizes = read_json(path, _FORM)
    if not isinstance(sizes, dict) or not all(map(_is_size, sizes.values())):
        raise DatasetError(f"{Path(path).name} names no pixel sizes; {_FORM}")
    return {name: float(size) for name, size in sizes.items()}


def _is_size(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 < value < 1e9
    )


def unknown_names(sizes: Iterable[str], folder: str | Path) -> list[str]:
    """Return the names that no image of a folder has: their pixel sizes count nowhere.

    Raises
    ------
    DatasetError
        As `find_samples` does.
    """
    known = {sample.name for sample in find_samples(folder)}
    known |= {path.stem for path in find_unpaired(folder)[0]}
    return sorted(set(sizes) - known)


def tell_pixel_sizes(
    samples: Sequence[Sample], sizes: dict[str, float]
) -> list[Sample]:
    """Return the same samples, each with its pixel size if that is among them."""
    return [
        replace(sample, pixel_size=sizes.get(sample.name, sample.pixel_size))
        for sample in samples
    ]
