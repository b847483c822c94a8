"""The pixel size that a TIFF file states, in µm/px.

Looked for in this order: OME metadata, Aperio's description (``MPP = 0.25``),
ImageJ's description with the resolution tags, the resolution tags alone.

What would be no microscope image is no calibration: 72 and 96 dpi (353 and 265 µm)
stand in nearly every file, and so do 300 dpi (85 µm) or 1 px/cm.
"""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass
from typing import Any

from napari_monuseg.core.errors import ImageError

PIXEL_SIZES = (0.05, 1.1)
"""Smallest and largest at which nuclei can be told, µm/px (200× to 9×)."""

PLAUSIBLE_PIXEL_SIZES = (0.05, 10.0)
LARGEST_ANISOTROPY = 1.01

_MICROMETRES = {
    "µm": 1.0,  # U+00B5 MICRO SIGN
    "\u03bcm": 1.0,  # GREEK SMALL LETTER MU
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "pm": 1e-6,
    "Å": 1e-4,
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "in": 25_400.0,
    "inch": 25_400.0,
}
_ATTRIBUTE = r"""(\w+)\s*=\s*(["'])(.*?)\2"""
_APERIO_SIZE = r"\bMPP\s*=\s*((?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?)"
_RESOLUTION_UNITS = {2: 25_400.0, 3: 1e4}  # the tag's inch and centimetre


@dataclass(frozen=True)
class Calibration:
    """A pixel size and where it comes from.

    Parameters
    ----------
    pixel_size : float, optional
        µm/px; None when unknown.
    source : str
        Where it was found, in words; empty when unknown.
    """

    pixel_size: float | None = None
    source: str = ""


def given_calibration(pixel_size: float | None, source: str = "given") -> Calibration:
    """Take a pixel size that somebody states.

    Raises
    ------
    ImageError
        If it is no positive number.
    """
    if pixel_size is None:
        return Calibration()
    if not (math.isfinite(pixel_size) and pixel_size > 0):
        raise ImageError(
            f"A pixel size of {pixel_size} µm is not possible; it is above 0, and for "
            "a 40× slide about 0.25."
        )
    return Calibration(float(pixel_size), source)


def find_calibration(page: Any, ome: str | None, name: str) -> Calibration:
    """Find the pixel size of the largest level of a TIFF.

    Parameters
    ----------
    page : tifffile.TiffPage
        First page of that level.
    ome : str, optional
        OME-XML of the file.
    name : str
        What an error calls the image.

    Returns
    -------
    Calibration
        The mean of both directions; unknown if nothing plausible is stated.

    Raises
    ------
    ImageError
        If the pixels differ by more than 1 % in height and width.
    """
    shape = (page.imagelength, page.imagewidth)
    for source, sizes in (
        ("OME metadata", _from_ome(ome or "", shape)),
        ("Aperio description", _from_aperio(page.description)),
        ("ImageJ metadata", _from_imagej(page)),
        ("resolution tags", _from_tags(page)),
    ):
        if sizes is not None and all(map(_is_plausible, sizes)):
            return Calibration(_square(sizes, name), source)
    return Calibration()


def _is_plausible(size: float) -> bool:
    smallest, largest = PLAUSIBLE_PIXEL_SIZES
    return smallest <= size <= largest


def _square(sizes: tuple[float, float], name: str) -> float:
    if max(sizes) > LARGEST_ANISOTROPY * min(sizes):
        height, width = sizes
        raise ImageError(
            f"{name} says that its pixels are {height:.4g}×{width:.4g} µm; they must "
            "be square: resample the image, or give the pixel size by hand."
        )
    return sum(sizes) / 2


def _from_ome(text: str, shape: tuple[int, int]) -> tuple[float, float] | None:
    """Read the image of that shape, or the first one, of an OME-XML."""
    images = [
        {name: value for name, _, value in re.findall(_ATTRIBUTE, attributes)}
        for attributes in re.findall(r"<(?:\w+:)?Pixels\b([^>]*)>", text)
    ]
    for pixels in images:
        if (pixels.get("SizeY"), pixels.get("SizeX")) == tuple(map(str, shape)):
            break
    else:
        pixels = images[0] if images else {}
    height, width = (_physical_size(pixels, axis) for axis in "YX")
    return (height, width) if height and width else None


def _physical_size(pixels: dict[str, str], axis: str) -> float | None:
    unit = html.unescape(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
    return _micrometres(pixels.get(f"PhysicalSize{axis}", ""), unit)


def _micrometres(number: str, unit: str) -> float | None:
    try:
        return float(number) * _MICROMETRES[unit]
    except (ValueError, KeyError):
        return None


def _from_aperio(description: str) -> tuple[float, float] | None:
    found = re.search(_APERIO_SIZE, description)
    size = _micrometres(found[1].replace(",", "."), "µm") if found else None
    return (size, size) if size else None


def _from_imagej(page: Any) -> tuple[float, float] | None:
    """Read pixels per unit from the tags, where the description has the unit."""
    if not page.description.startswith("ImageJ="):
        return None
    found = re.search(r"^unit=(.+)$", page.description, re.MULTILINE)
    unit = found[1].strip().replace("\\u00B5", "µ") if found else ""
    return _per_unit(page, _MICROMETRES.get(unit))


def _from_tags(page: Any) -> tuple[float, float] | None:
    return _per_unit(page, _RESOLUTION_UNITS.get(page.tags.valueof(296, default=2)))


def _per_unit(page: Any, unit: float | None) -> tuple[float, float] | None:
    """Divide a unit, µm, by the pixels that the resolution tags count in it."""
    resolutions = [_ratio(page.tags.valueof(tag)) for tag in (283, 282)]
    if unit is None or not all(resolutions):
        return None
    return unit / resolutions[0], unit / resolutions[1]


def _ratio(value: Any) -> float:
    """Read a rational tag; 0 when it is missing or broken."""
    match value:
        case (int(above), int(below)) if below:
            return above / below
    return 0.0


def require_pixel_size(pixel_size: float, name: str = "") -> None:
    """Refuse a pixel size, µm/px, at which nuclei cannot be told.

    Parameters
    ----------
    pixel_size : float
        Of an image, µm/px.
    name : str
        The image's, where nothing else tells of which it is.

    Raises
    ------
    ImageError
        If it is not among `PIXEL_SIZES`.
    """
    finest, coarsest = PIXEL_SIZES
    if not finest <= pixel_size <= coarsest:
        of_image = f" in {name}" if name else ""
        raise ImageError(
            f"At {pixel_size:g} µm/px nuclei cannot be told apart{of_image}; the pixel "
            f"size must lie between {finest} and {coarsest} µm/px (40× is about 0.25)."
        )
