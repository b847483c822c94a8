"""Labels ─► TIFF, written so that anything reads them, and known again by us.

The values are kept and the type is the smallest that OME-TIFF and other readers
agree on: uint16, uint32 past 65,535; int16 or int32 with negative values. Beyond 32
bits, and with more than five axes, the file is a plain TIFF, as OME has no such types.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import tifffile

from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.files import write_beside
from napari_monuseg.core.tiff import FACTS_TAG, KIND, PROGRAM, is_colour_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_monuseg.core.origin import Origin

_AXES = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}
_STRIP_BYTES = 2**18
_DEFLATE_LEVEL = 6


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
        If the labels are no integers or have no pixels, the file would replace an
        image in colours, or cannot be written.
    """
    if is_colour_image(path):
        raise ExportError(
            f"{Path(path).name} is an image and is not replaced by labels; choose "
            "another name."
        )
    labels, shape = _stored_axes(labels), np.shape(labels)
    _check(labels, pixel_size, offset)
    dtype = _stored_type(labels)
    facts = {
        "program": PROGRAM,
        "kind": KIND,
        "shape": shape,
        "pixel_size": pixel_size,
        "offset": [float(side) for side in offset],
        "origin": None if origin is None else origin.fitting(shape).as_json(),
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
            software=PROGRAM,
            extratags=[(FACTS_TAG, "s", 0, json.dumps(facts), True)],
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
        "Creator": PROGRAM,
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
