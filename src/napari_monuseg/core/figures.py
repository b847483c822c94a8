"""Pictures of tissue with the outlines of its nuclei."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.files import write_beside

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_monuseg.core.image import TissueImage

LIME = (170, 255, 0)
"""Bright and greenish, which H&E never is."""

FOUND, FALSE, MISSED = LIME, (255, 70, 0), (0, 220, 255)
"""Outlines of nuclei that are true and found, found but not true, true but missed:
they differ in brightness too, for those who do not tell red from green."""

FIGURE_DPI = 100
"""At which a figure 13 inches wide fills a screen."""

_LARGEST_SIDE = 8192
_BAND = 1024


def overlay(
    rgb: NDArray[np.uint8],
    labels: NDArray[Any],
    *,
    colour: tuple[int, int, int] = LIME,
    width: int = 2,
) -> NDArray[np.uint8]:
    """Draw the outlines of nuclei on their tissue.

    An outline lies inside its nucleus, so that touching nuclei keep one each.

    Parameters
    ----------
    rgb : (H, W, 3) uint8 array
        Tissue; it is not changed.
    labels : (H, W) integer array
        Nuclei, 0 is background.
    colour : (int, int, int)
        Red, green and blue of the outlines, 0 to 255.
    width : int
        Width of the outlines, px.

    Returns
    -------
    (H, W, 3) uint8 array
        Tissue with outlines.

    Raises
    ------
    ExportError
        If the labels and the tissue differ in size.
    """
    _check_sizes(labels.shape, rgb.shape[:2])
    drawn = rgb.copy()
    inside = labels.copy()
    for _ in range(width):
        outline = _outline(inside)
        drawn[outline] = colour
        inside[outline] = 0
    return drawn


def write_overlay(path: str | Path, image: TissueImage, labels: NDArray[Any]) -> None:
    """Write a PNG of the tissue with the outlines of its nuclei.

    Images over 8192 px a side are thinned to every second, third … pixel.

    Parameters
    ----------
    path : str or Path
        The PNG file; one that is there is replaced once the new one is complete.
    image : TissueImage
        Tissue, read in bands.
    labels : (H, W) integer array
        Nuclei of the whole image, 0 is background.

    Raises
    ------
    ExportError
        If the labels and the image differ in size, or the file cannot be written.
    """
    from matplotlib.image import imsave  # a third of a second, for this alone

    _check_sizes(labels.shape, (image.height, image.width))
    step = -(-max(labels.shape) // _LARGEST_SIDE)
    picture = overlay(thinned(image, step), labels[::step, ::step])
    with write_beside(Path(path)) as beside:
        imsave(beside, picture, format="png")


def write_figure(path: str | Path, figure: Figure) -> None:
    """Write a matplotlib figure as PNG; one that is there is replaced once complete.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    with write_beside(Path(path)) as beside, warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; files have it.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(beside, format="png", dpi=FIGURE_DPI, bbox_inches="tight")


def _outline(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the pixels of nuclei that border, by an edge, on anything else."""
    border = np.zeros(labels.shape, dtype=bool)
    rows = labels[1:] != labels[:-1]
    border[1:] |= rows
    border[:-1] |= rows
    columns = labels[:, 1:] != labels[:, :-1]
    border[:, 1:] |= columns
    border[:, :-1] |= columns
    border &= labels != 0
    return border


def thinned(image: TissueImage, step: int) -> NDArray[np.uint8]:
    """Read every `step`-th row and column, a band of rows at a time."""
    bands = []
    for top in range(0, image.height, _BAND * step):
        rows = slice(top, min(top + _BAND * step, image.height))
        band = image.read(rows, slice(0, image.width))
        bands.append(band[::step, ::step].copy())
    return np.concatenate(bands)


def _check_sizes(labels: tuple[int, ...], tissue: tuple[int, ...]) -> None:
    if labels != tissue:
        raise ExportError(
            f"The labels are {_size(labels)} px and the tissue is {_size(tissue)} px; "
            "an overlay needs the labels of the whole image."
        )


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(str(side) for side in shape)


def as_text(name: str) -> str:
    """Give a name as matplotlib can draw it.

    It takes what stands between dollar signs for mathematics, and cannot draw names
    of files that are no Unicode.
    """
    return name.encode("utf-8", "replace").decode().replace("$", r"\$")
