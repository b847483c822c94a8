"""Between napari's image layers and core: pixels, pixel size, placement."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image

from napari_monuseg.core.calibration import LARGEST_ANISOTROPY
from napari_monuseg.core.errors import ImageError, MonusegError
from napari_monuseg.core.image import TissueImage

CALIBRATED_FORMATS = (
    ".tif",
    ".tiff",
    ".svs",
    ".ndpi",
    ".scn",
    ".bif",
    ".btf",
    ".qptiff",
)
"""Files that may state their pixel size, and state it quickly."""

PLAUSIBLE_PIXEL_SIZES = (0.05, 20.0)
"""A scale without units outside of this is no microscope's, µm/px."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What is known of an image's pixel size.

    Parameters
    ----------
    pixel_size : float, optional
        µm/px; None when nothing states it.
    source : str
        What states it, in the user's words; empty when nothing does.
    """

    pixel_size: float | None = None
    source: str = ""


def tissue_image(layer: Image, pixel_size: float | None = None) -> TissueImage:
    """Give a layer's pixels as tissue, to be read by window.

    Of a pyramid the full resolution is taken; nothing is read yet.

    Parameters
    ----------
    layer : Image
        RGB or RGBA, or one grey or three colour channels.
    pixel_size : float, optional
        µm/px; None when unknown.

    Raises
    ------
    ImageError
        If the layer has more than one plane, or is not tissue.
    """
    array = layer.data[0] if layer.multiscale else layer.data
    pixels = _one_plane(array, _trailing(layer))
    if pixels is None:
        sides = " x ".join(str(side) for side in array.shape)
        raise ImageError(
            f"The layer “{layer.name}” has more than one plane ({sides}); nuclei are "
            "found in a single RGB plane: save the plane you want and open it alone."
        )
    return TissueImage.from_array(pixels, name=layer.name, pixel_size=pixel_size)


def is_tissue(layer: Image) -> bool:
    """Tell whether nuclei can be found in a layer."""
    try:
        tissue_image(layer)
    except ImageError:
        return False
    return True


def image_shape(layer: Image) -> tuple[int, int]:
    """Give the height and width of a layer at full resolution, px."""
    array = layer.data[0] if layer.multiscale else layer.data
    end = array.ndim - 1 if layer.rgb else array.ndim
    height, width = array.shape[end - 2 : end]
    return int(height), int(width)


def _trailing(layer: Image) -> int:
    """Give how many of the last axes make up one plane."""
    array = layer.data[0] if layer.multiscale else layer.data
    channels_first = not layer.rgb and array.ndim > 2 and array.shape[-3] in (3, 4)
    return 3 if layer.rgb or channels_first else 2


def _one_plane(array: Any, axes: int) -> Any:
    """Drop leading axes of length 1; None if a longer one remains."""
    leading = array.shape[: array.ndim - axes]
    if any(side != 1 for side in leading):
        return None
    return array[(0,) * len(leading)] if leading else array


def calibration(layer: Image) -> Calibration:
    """Find out the pixel size: from the layer's scale, or the file it came from."""
    known = scale_calibration(layer.scale[-2:], layer.units[-2:])
    return known or _from_file(layer) or Calibration()


def scale_calibration(scale: Any, units: Sequence[Any]) -> Calibration | None:
    """Read the pixel size from scale and units; scale 1 in pixels says nothing.

    Nor does that of pixels that are not square: no one number is theirs.

    Parameters
    ----------
    scale : sequence of float
        Of rows and columns.
    units : sequence of pint.Unit
        Of rows and columns; empty if unknown.
    """
    sides = np.abs(np.asarray(scale, float))
    lengths = [float(side) * unit for side, unit in zip(sides, units, strict=False)]
    if lengths and all(length.check("[length]") for length in lengths):
        sizes = [length.to("micrometer").magnitude for length in lengths]
        if max(sizes) > LARGEST_ANISOTROPY * min(sizes):
            return None
        return Calibration(pixel_size=float(np.mean(sizes)), source="the layer's scale")
    size = float(sides.mean())
    smallest, largest = PLAUSIBLE_PIXEL_SIZES
    oblong = sides.max() > LARGEST_ANISOTROPY * sides.min()
    if oblong or np.allclose(sides, 1) or not smallest <= size <= largest:
        return None
    return Calibration(pixel_size=size, source="the layer's scale, taken as µm")


def _from_file(layer: Image) -> Calibration | None:
    path = layer.source.path
    if not path or Path(path).suffix.lower() not in CALIBRATED_FORMATS:
        return None
    try:
        with TissueImage.open(path) as image:
            size, source, width = image.pixel_size, image.pixel_size_source, image.width
    except (MonusegError, OSError):
        return None  # napari could open it, and the user can type the pixel size
    if size is None:
        return None
    # The file may have been read at another level than the layer shows.
    return Calibration(
        pixel_size=size * width / image_shape(layer)[1],
        source=f"the file: {source}" if source else "the file",
    )


def placement(layer: Image, offset: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """Give what puts an overlay onto its image.

    Parameters
    ----------
    layer : Image
        The image.
    offset : tuple of int
        Row and column of the image where the overlay begins, px.

    Returns
    -------
    dict
        Keyword arguments of ``viewer.add_labels`` and its kin.
    """
    place = {"scale": layer.scale[-2:], "units": layer.units[-2:]}
    place["translate"] = layer.translate[-2:] + _shift(layer, offset)
    plane = [layer.ndim - 2, layer.ndim - 1]
    return place | {
        "rotate": layer.rotate[-2:, -2:],
        "shear": layer.shear[-1:],  # of the upper triangle, row by row
        "affine": layer.affine.set_slice(plane),
    }


def _shift(layer: Image, offset: tuple[int, int]) -> np.ndarray:
    """Give the offset in the coordinates in which a layer is translated."""
    leading = [0] * (layer.ndim - 2)
    begin = np.asarray(layer.data_to_world([*leading, 0, 0]))
    end = np.asarray(layer.data_to_world([*leading, *offset]))
    # `affine` is applied after `translate`, so the way there leads back through it.
    return np.linalg.solve(layer.affine.linear_matrix, end - begin)[-2:]
