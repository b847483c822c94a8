"""Writer: any labels layer as TIFF, with its pixel size."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.numbering import number_pieces
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.tiff_writing import write_labels
from napari_monuseg.docks.bindings import METADATA, hand_mask
from napari_monuseg.layers import scale_calibration


def write_labels_layer(
    path: str = "", data: Any = None, attributes: dict[str, Any] | None = None
) -> list[str]:
    """Write a labels layer.

    Parameters
    ----------
    path : str
        A ``.tif`` file.
    data : array, or arrays of a pyramid
        Labels of any integer type and any number of dimensions.
    attributes : dict
        The layer's scale, translate, units, metadata.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    if not path or data is None:
        return []
    facts = attributes or {}
    labels = np.asarray(data[0] if facts.get("multiscale") else data)
    origin = _origin(facts, labels)  # of the numbers that the layer has
    if _ours(facts) and labels.ndim == 2 and labels.dtype == np.int32:
        labels = number_pieces(labels)  # several nuclei painted in one number
    pixel_size, offset = _place(facts)
    write_labels(
        path,
        labels,
        pixel_size=pixel_size,
        offset=offset,
        name=str(facts.get("name", Path(path).stem)),
        origin=origin,
    )
    return [path]


def _place(facts: dict[str, Any]) -> tuple[float | None, tuple[float, float]]:
    """Give pixel size and offset: those of the run, else as the layer lies."""
    scale = np.asarray(facts.get("scale", (1, 1)), float)[-2:]
    known = scale_calibration(scale, tuple(facts.get("units") or ())[-2:])
    pixel_size = known.pixel_size if known else None
    origin = _ours(facts)
    if origin and "offset" in origin:
        row, column = origin["offset"]
        return origin.get("pixel_size") or pixel_size, (float(row), float(column))
    row, column = np.asarray(facts.get("translate", (0, 0)), float)[-2:] / scale
    return pixel_size, (float(row), float(column))


def _ours(facts: dict[str, Any]) -> dict[str, Any]:
    """Give what a layer of ours keeps; empty for any other."""
    known = facts.get("metadata", {}).get(METADATA)
    return known if isinstance(known, dict) else {}


def _origin(facts: dict[str, Any], labels: npt.NDArray[Any]) -> Origin | None:
    """Give what the labels were made of; None where nobody said."""
    known = _ours(facts)
    if not known.get("image_shape"):
        return None
    return Origin(
        image=known["image"],
        image_shape=known["image_shape"],
        model=known["model"],
        mask=known.get("mask"),
        hand=hand_mask(known, labels),
    )
