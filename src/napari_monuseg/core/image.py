"""TissueImage: an RGB image that is read by window, with its pixel size.

How other images become RGB is said in `colour`, where pixel sizes come from in
`calibration`.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_monuseg.core.calibration import Calibration, given_calibration
from napari_monuseg.core.colour import Encoding, RgbPixels
from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.files import reading
from napari_monuseg.core.pictures import read_picture
from napari_monuseg.core.pixels import array_pixels
from napari_monuseg.core.pyramid import open_tiff
from napari_monuseg.core.stains import Stain, StainReference, Tones, apply_tones

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FINEST = 1e-3
"""Finer than any level of any pyramid, µm/px."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class TissueImage:
    """An RGB image that is read by window.

    Made by `from_array` and `open`. It keeps no file open; a file that changes
    while it is read gives an `ImageError` at best.

    Attributes
    ----------
    height, width : int
        Size, px.
    name : str
        What people call it: the layer's name, or the file's without its ending.
    pixel_size : float or None
        µm/px; None when unknown.
    pixel_size_source : str
        Where the pixel size comes from, in words; empty when unknown.
    assumed_pixel_size : float or None
        µm/px, a guess to go by where the pixel size is unknown. It is never written
        into a file as if it were known.
    """

    def __init__(self, pixels: RgbPixels, name: str, calibration: Calibration) -> None:
        self.height, self.width = pixels.height, pixels.width
        self.name = name
        self.pixel_size = calibration.pixel_size
        self.pixel_size_source = calibration.source
        self.assumed_pixel_size: float | None = None
        self._pixels = pixels
        self._top = self._left = 0
        self._tones: Tones | None = None
        self._tissue_alone = False

    @classmethod
    def from_array(
        cls,
        array: Any,
        *,
        name: str = "image",
        pixel_size: float | None = None,
        pixel_size_source: str = "given",
    ) -> TissueImage:
        """Take an array, without copying it.

        Parameters
        ----------
        array : (H, W), (H, W, 3|4) or (3|4, H, W) array
            numpy, dask, zarr or another array that can be sliced; of uint8, uint16
            or int16, or floats of 0–1.
        name : str
            What people call it.
        pixel_size : float, optional
            µm/px.
        pixel_size_source : str
            Where `pixel_size` comes from, in words.

        Raises
        ------
        ImageError
            If the array cannot be RGB tissue.
        """
        calibration = given_calibration(pixel_size, pixel_size_source)
        pixels = RgbPixels(array_pixels(array, name), Encoding(), name)
        return cls(pixels, name, calibration)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        pixel_size: float | None = None,
        wanted_pixel_size: float = FINEST,
    ) -> TissueImage:
        """Open a TIFF, SVS, PNG, JPEG, BMP, WebP or JPEG 2000 file.

        Of a TIFF only the header is read, and of a pyramid the level is taken whose
        pixel size is nearest to `wanted_pixel_size`; the largest one if the pixel
        size is unknown, or if nothing is asked for: what is drawn, exported and
        scored lies on the file's own pixels.

        Parameters
        ----------
        path : str or Path
            The file.
        pixel_size : float, optional
            µm/px of the largest level, in place of what the file says.
        wanted_pixel_size : float
            µm/px.

        Raises
        ------
        ImageError
            If the file is missing, damaged, of an unknown kind, or not tissue.
        """
        path = Path(path)
        calibration = given_calibration(pixel_size)
        if _is_tiff(path):
            pixels, calibration = open_tiff(path, calibration, wanted_pixel_size)
        else:
            stored = array_pixels(read_picture(path), path.name)
            pixels = RgbPixels(stored, Encoding(), path.name)
        return cls(pixels, path.stem, calibration)

    def read(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Read a window.

        Parameters
        ----------
        rows, columns : slice
            ``0 <= start < stop <= size``, without a step; an end left out is the
            image's own.

        Returns
        -------
        (h, w, 3) uint8 array
            A new, C-contiguous array.

        Raises
        ------
        ImageError
            If the file is damaged, or a value is outside its range.
        ValueError
            If the window is not inside the image.
        """
        read = self._pixels.read_tissue if self._tissue_alone else self._pixels.read
        window = read(
            _inside(rows, self.height, self._top),
            _inside(columns, self.width, self._left),
        )
        return window if self._tones is None else apply_tones(self._tones, window)

    def crop(self, rows: slice, columns: slice) -> TissueImage:
        """Take a window as an image of its own; nothing is read yet."""
        rows = _inside(rows, self.height, 0)
        columns = _inside(columns, self.width, 0)
        image = copy.copy(self)
        image.height, image.width = rows.stop - rows.start, columns.stop - columns.start
        image._top, image._left = self._top + rows.start, self._left + columns.start
        return image

    def with_pixel_size(
        self, pixel_size: float | None, source: str = "given"
    ) -> TissueImage:
        """Take the same pixels with another calibration; None makes it unknown."""
        calibration = given_calibration(pixel_size, source)
        image = copy.copy(self)
        image.pixel_size = calibration.pixel_size
        image.pixel_size_source = calibration.source
        return image.assuming(self.assumed_pixel_size)

    def assuming(self, pixel_size: float | None) -> TissueImage:
        """Take the same pixels with a guess at their size, µm/px, if it is unknown."""
        image = copy.copy(self)
        image.assumed_pixel_size = None if self.pixel_size else pixel_size
        return image

    def pixel_size_or(self, assumed: float) -> float:
        """Return the pixel size, µm/px: the known one, a guess, or what is given."""
        return self.pixel_size or self.assumed_pixel_size or assumed

    @property
    def stain(self) -> Stain:
        """How the tissue is stained, in all of the image that this was taken from.

        Raises
        ------
        ImageError
            As `read`.
        """
        return self._pixels.stain

    def tones(self, reference: StainReference) -> Tones:
        """Find what brings the stain towards a reference: ``(256, 3)`` uint8.

        A crop has the tones of the image it was taken from: what a nucleus looks
        like does not depend on the area that is read.

        Raises
        ------
        ImageError
            As `read`.
        """
        return reference.tones(self.stain)

    def for_network(self, reference: StainReference | None) -> TissueImage:
        """Take the image as a network sees it.

        Ink, and black that is no tissue, are glass, and the stain of the tissue is
        brought towards a reference, if any.
        """
        image = copy.copy(self)
        image._tissue_alone = True
        image._tones = None if reference is None else self.tones(reference)
        return image

    def close(self) -> None:
        """Give back the decoded pixels that reading has kept."""
        self._pixels.close()

    def __enter__(self) -> TissueImage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        size = f"{self.pixel_size:.4g} µm/px" if self.pixel_size else "no pixel size"
        return f"<TissueImage {self.name}: {self.height}×{self.width} px, {size}>"


def _is_tiff(path: Path) -> bool:
    with reading(path):
        if path.is_dir():  # which Windows reports as a lack of rights
            raise ImageError(f"{path} is a folder; choose an image file in it.")
        with path.open("rb") as file:
            start = file.read(4)
    if not start:
        raise ImageError(f"{path.name} is empty; get the file again.")
    return start in _TIFF


def _inside(window: slice, size: int, origin: int) -> slice:
    """Place a window on the stored pixels.

    Raises
    ------
    ValueError
        If it is not inside the image.
    """
    start = 0 if window.start is None else int(window.start)
    stop = size if window.stop is None else int(window.stop)
    if not (0 <= start < stop <= size and window.step in {None, 1}):
        raise ValueError(f"The window {window} is not inside 0–{size} px.")
    return slice(origin + start, origin + stop)
