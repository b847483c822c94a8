"""Labels as TIFF: written so that anything reads them, and known again by us.

The values are kept and the type is the smallest that OME-TIFF and other readers
agree on: uint16, uint32 past 65,535; int16 or int32 with negative values. Beyond 32
bits, and with more than five axes, the file is a plain TIFF, as OME has no such types.

What OME cannot say exactly (the shape with its axes of length 1, the offset in px, the
image and the area the labels belong to) is kept as JSON in the DocumentName tag, which
also tells our files from others'.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import tifffile

from napari_monuseg.core.calibration import find_calibration
from napari_monuseg.core.errors import AnnotationError, ExportError, ImageError
from napari_monuseg.core.files import reading, write_beside
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.segments import page_planes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_PROGRAM = "napari-monuseg"
_DOCUMENT_NAME = 269
_AXES = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}
_STRIP_BYTES = 2**18
_DEFLATE_LEVEL = 6


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


def write_labels(
    path: str | Path,
    labels: NDArray[Any],
    *,
    pixel_size: float | None = None,
    offset: tuple[float, float] = (0.0, 0.0),
    name: str = "nuclei",
    origin: Origin | None = None,
) -> None:
    """Write labels of any integer type and dimension as TIFF, without loss.

    The file appears under its name when it is complete. No second copy of the
    labels is made in memory.

    Parameters
    ----------
    path : str or Path
        File to write or replace; its folder exists.
    labels : integer or bool array
        Labels; the last two axes are rows and columns.
    pixel_size : float, optional
        µm/px.
    offset : tuple of float
        Row and column, px, of the first pixel in its image, for the labels of an
        area.
    name : str
        What other programs show as the image's name.
    origin : Origin, optional
        What the labels were made of.

    Raises
    ------
    ExportError
        If the labels are no integers or have no pixels, or the file cannot be
        written.
    """
    labels, shape = _stored_axes(labels), np.shape(labels)
    _check(labels, pixel_size, offset)
    dtype = _stored_type(labels)
    if origin and origin.mask is not None and origin.mask.shape != shape:
        origin = replace(origin, mask=None)  # of other labels
    facts = {
        "program": _PROGRAM,
        "kind": "labels",
        "shape": shape,
        "pixel_size": pixel_size,
        "offset": [float(side) for side in offset],
        "origin": None if origin is None else origin.as_json(),
    }
    rows = max(1, _STRIP_BYTES // (labels.shape[-1] * dtype.itemsize))
    if dtype.itemsize <= 4 and labels.ndim in _AXES:
        description = _ome(labels, pixel_size, offset, name)
    else:
        description = _plain(labels)
    with write_beside(path) as beside:
        tifffile.imwrite(
            beside,
            _strips(labels, dtype, rows),
            shape=labels.shape,
            dtype=dtype,
            byteorder="<",
            photometric="minisblack",
            compression="zlib",
            rowsperstrip=rows,
            software=_PROGRAM,
            extratags=[(_DOCUMENT_NAME, "s", 0, json.dumps(facts), True)],
            **description,
            **_resolution(pixel_size),
        )


def _check(
    labels: NDArray[Any], pixel_size: float | None, offset: tuple[float, float]
) -> None:
    if labels.dtype.kind not in "iub":
        raise ExportError(
            f"The labels are {labels.dtype} numbers; whole numbers are needed: convert "
            "them first."
        )
    if not labels.size:
        raise ExportError("The labels have no pixels, so there is nothing to write.")
    if pixel_size is not None and not (math.isfinite(pixel_size) and pixel_size > 0):
        raise ExportError(
            f"A pixel size of {pixel_size} µm is not possible; give one above 0, or "
            "none."
        )
    if not all(math.isfinite(side) for side in offset):
        raise ExportError(f"An offset of {offset} px is not possible; give numbers.")


def _stored_axes(labels: NDArray[Any]) -> NDArray[Any]:
    """Drop leading axes of length 1, which readers drop or trip over."""
    labels = np.atleast_2d(labels)
    leading = tuple(axis for axis in range(labels.ndim - 2) if labels.shape[axis] == 1)
    return labels.squeeze(leading)


def _stored_type(labels: NDArray[Any]) -> np.dtype[Any]:
    low, high = int(labels.min()), int(labels.max())
    for name in ("u2", "u4", "u8") if low >= 0 else ("i2", "i4", "i8"):
        if np.iinfo(name).min <= low and high <= np.iinfo(name).max:
            break
    return np.dtype(f"<{name}")


def _strips(labels: NDArray[Any], dtype: np.dtype[Any], rows: int) -> Iterator[bytes]:
    """Yield the compressed strips, plane by plane."""
    for plane in np.ndindex(labels.shape[:-2]):
        for top in range(0, labels.shape[-2], rows):
            strip = np.ascontiguousarray(labels[plane][top : top + rows], dtype)
            yield bytes(imagecodecs.zlib_encode(strip.tobytes(), level=_DEFLATE_LEVEL))


def _ome(
    labels: NDArray[Any],
    pixel_size: float | None,
    offset: tuple[float, float],
    name: str,
) -> dict[str, Any]:
    """Describe the labels by OME-XML."""
    planes = math.prod(labels.shape[:-2])
    step, unit = (pixel_size, "µm") if pixel_size else (1.0, "pixel")
    metadata: dict[str, Any] = {
        "axes": _AXES[labels.ndim],
        "Name": "".join(letter for letter in name if letter.isprintable()),
        "Creator": _PROGRAM,
        "Plane": {
            "PositionX": [offset[1] * step] * planes,
            "PositionXUnit": [unit] * planes,
            "PositionY": [offset[0] * step] * planes,
            "PositionYUnit": [unit] * planes,
        },
    }
    if pixel_size:
        for axis in "XY":
            metadata[f"PhysicalSize{axis}"] = pixel_size
            metadata[f"PhysicalSize{axis}Unit"] = unit
    return {"ome": True, "metadata": metadata}


def _plain(labels: NDArray[Any]) -> dict[str, Any]:
    """Let tifffile note the shape; it takes a last axis of 1 for samples."""
    return {"ome": False, "metadata": {} if labels.shape[-1] > 1 else None}


def _resolution(pixel_size: float | None) -> dict[str, Any]:
    """Give the tags in px per cm, where their 32 bits can hold it."""
    if pixel_size is None or not 1e-4 < pixel_size < 1e6:
        return {}
    return {"resolution": (1e4 / pixel_size,) * 2, "resolutionunit": "CENTIMETER"}


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
    path = Path(path)
    try:
        with reading(path), tifffile.TiffFile(path) as file:
            series = file.series[0]
            for page in series.pages:
                page_planes(page)  # says if the file is cut short
            _check_labels(series, path.name)
            labels = _as_int32(series.asarray())
            facts = _facts(file)
            if facts and _is_whole(series, facts["shape"]):
                return _as_written(labels, facts)
            # Of others, or cut, turned or scaled by another program since.
            return LabelsFile(labels, _stated_pixel_size(file, path.name))
    except ImageError as error:
        raise AnnotationError(str(error)) from error


def _is_whole(series: Any, shape: Sequence[int]) -> bool:
    """Tell whether planes and their sides are as they were when they were written."""
    page = series.keyframe
    sides = [page.imagelength, page.imagewidth]
    return sides == [1, *shape][-2:] and series.size == math.prod(shape)


def _as_written(labels: NDArray[Any], facts: dict[str, Any]) -> LabelsFile:
    labels = labels.reshape(facts["shape"])
    row, column = facts["offset"]
    stated = facts.get("origin")
    origin = None if stated is None else Origin.from_json(stated, labels.shape)
    return LabelsFile(labels, facts["pixel_size"], (row, column), origin)


def _stated_pixel_size(file: Any, name: str) -> float | None:
    page = file.series[0].keyframe
    try:
        return find_calibration(page, file.ome_metadata, name).pixel_size
    except ImageError:  # its pixels are not square, which does no harm to labels
        return None


def is_labels_file(path: str | Path) -> bool:
    """Tell whether `write_labels` wrote a file; reads the header only."""
    try:
        with reading(path), tifffile.TiffFile(path) as file:
            return bool(_facts(file))
    except ImageError:
        return False


def _facts(file: Any) -> dict[str, Any]:
    """Read what `write_labels` noted; empty for files of others."""
    try:
        facts = json.loads(file.pages.first.tags.valueof(_DOCUMENT_NAME))
    except (TypeError, ValueError):
        return {}
    known = isinstance(facts, dict) and facts.get("program") == _PROGRAM
    return facts if known and facts.get("kind") == "labels" else {}


def _check_labels(series: Any, name: str) -> None:
    if series.dtype.kind not in "iu":
        raise AnnotationError(
            f"{name} holds {series.dtype} numbers; labels are whole numbers: export "
            "them again as integers."
        )
    page = series.keyframe
    if page.photometric not in {0, 1, 3} or page.samplesperpixel > 1:
        raise AnnotationError(
            f"{name} is a colour image; labels are numbers, one per nucleus: export "
            "them as a label image."
        )


def _as_int32(labels: NDArray[Any]) -> NDArray[Any]:
    limits = np.iinfo(np.int32)
    if labels.min() < limits.min or labels.max() > limits.max:
        return labels
    return labels.astype(np.int32)
