"""TIFF ─► labels: our own exactly, others as far as they say.

What OME cannot say exactly (the shape with its axes of length 1, the offset in px, the
image and the area the labels belong to) is kept as JSON in the DocumentName tag, which
also tells our files from others'. `tiff_writing` writes them.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_monuseg.core.calibration import find_calibration
from napari_monuseg.core.errors import AnnotationError, ImageError
from napari_monuseg.core.files import reading
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.segments import page_planes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NAMED_BY = "_nuclei"
"""What the names of labels' files have behind that of the image."""

PROGRAM, KIND = "napari-monuseg", "labels"
"""What says that a file is of ours."""

FACTS_TAG = 269
"""Number of the tag that holds it, DocumentName."""


_LABELS = frozenset("iu")
"""Kinds of numbers that labels are."""


@dataclass(frozen=True)
class LabelsFile:
    """Labels as they were written.

    Parameters
    ----------
    labels : integer array
        int32 where every value fits, else the type in the file.
    pixel_size : float, optional
        µm/px; None when unknown.
    offset : tuple of float
        Where the first pixel lies in the image that the labels belong to: row and
        column, px.
    origin : Origin, optional
        What they were made of; None when the file does not say.
    """

    labels: NDArray[Any]
    pixel_size: float | None = None
    offset: tuple[float, float] = (0.0, 0.0)
    origin: Origin | None = None


def read_labels(path: str | Path) -> LabelsFile:
    """Read labels from TIFF: our own exactly, others as far as they say.

    Parameters
    ----------
    path : str or Path
        TIFF of whole numbers, one channel.

    Raises
    ------
    AnnotationError
        If the file is missing, damaged, or holds no labels.
    """
    return _read(Path(path), _LABELS)


def read_mask(path: str | Path) -> LabelsFile:
    """Read a mask from TIFF as labels: 1 wherever it is not 0.

    Parameters
    ----------
    path : str or Path
        TIFF of whole numbers or of bits, one channel.

    Raises
    ------
    AnnotationError
        As `read_labels` does.
    """
    found = _read(Path(path), _LABELS | {"b"})
    return replace(found, labels=(found.labels != 0).astype(np.int32))


def _read(path: Path, kinds: frozenset[str]) -> LabelsFile:
    try:
        with reading(path), tifffile.TiffFile(path) as file:
            series = file.series[0]
            for page in series.pages:
                page_planes(page)  # says if the file is cut short
            _check_labels(series, path.name, kinds)
            labels = _as_int32(_values(series))
            facts = _facts(file)
            if facts and _is_whole(series, facts["shape"]):
                return _as_written(labels, facts)
            # Of others, or cut, turned or scaled by another program since.
            return LabelsFile(labels, _stated_pixel_size(file, path.name))
    except ImageError as error:
        raise AnnotationError(str(error)) from error


def _values(series: Any) -> NDArray[Any]:
    """Read numbers as they are, and bits as they show: 0 may be white.

    tifffile writes that of every array of truth values, and means the values.
    """
    values: NDArray[Any] = series.asarray()
    page = series.keyframe
    meant = page.software.startswith("tifffile") or page.is_shaped
    shown = values.dtype.kind == "b" and not meant
    return ~values if shown and page.photometric == 0 else values


def _is_whole(series: Any, shape: Sequence[int]) -> bool:
    """Tell whether planes and their sides are as they were when they were written."""
    page = series.keyframe
    sides = [page.imagelength, page.imagewidth]
    return sides == [1, *shape][-2:] and series.size == math.prod(shape)


def _as_written(labels: NDArray[Any], facts: dict[str, Any]) -> LabelsFile:
    labels = labels.reshape(facts["shape"])
    row, column = map(float, facts["offset"])
    size = None if facts["pixel_size"] is None else float(facts["pixel_size"])
    if not (math.isfinite(row + column) and (size is None or 0 < size < math.inf)):
        raise ValueError("a pixel size or an offset is none")
    stated = facts.get("origin")
    origin = None if stated is None else Origin.from_json(stated, labels.shape)
    return LabelsFile(labels, size, (row, column), origin)


def _stated_pixel_size(file: Any, name: str) -> float | None:
    page = file.series[0].keyframe
    try:
        return find_calibration(page, file.ome_metadata, name).pixel_size
    except ImageError:  # its pixels are not square, which does no harm to labels
        return None


def is_labels_file(path: str | Path) -> bool:
    """Tell whether `tiff_writing` wrote a file; reads the header only."""
    try:
        with reading(path), tifffile.TiffFile(path) as file:
            return bool(_facts(file))
    except ImageError:
        return False


def is_colour_image(path: str | Path) -> bool:
    """Tell whether a file is a TIFF of colours; reads the header only."""
    try:
        with reading(path), tifffile.TiffFile(path) as file:
            return _is_coloured(file.series[0].keyframe)
    except ImageError:  # missing, damaged or no TIFF
        return False


def _is_coloured(page: Any) -> bool:
    return page.photometric not in {0, 1, 3} or page.samplesperpixel > 1


def _facts(file: Any) -> dict[str, Any]:
    """Read what `tiff_writing` noted; empty for files of others."""
    try:
        facts = json.loads(file.pages.first.tags.valueof(FACTS_TAG))
    except (TypeError, ValueError):
        return {}
    known = isinstance(facts, dict) and facts.get("program") == PROGRAM
    return facts if known and facts.get("kind") == KIND else {}


def _check_labels(series: Any, name: str, kinds: frozenset[str]) -> None:
    if series.dtype.kind not in kinds:
        raise AnnotationError(
            f"{name} holds {series.dtype} numbers; labels are whole numbers: export "
            "them again as integers."
        )
    if _is_coloured(series.keyframe):
        raise AnnotationError(
            f"{name} is a colour image; labels are numbers, one per nucleus: export "
            "them as a label image."
        )


def _as_int32(labels: NDArray[Any]) -> NDArray[Any]:
    limits = np.iinfo(np.int32)
    if labels.min() < limits.min or labels.max() > limits.max:
        return labels
    return labels.astype(np.int32)
