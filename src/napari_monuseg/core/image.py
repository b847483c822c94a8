"""TissueImage: an RGB image that is read by window, with its pixel size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_monuseg.core.errors import ImageError


class TissueImage:
    """An RGB image that is read by window."""

    def __init__(
        self,
        array: Any,
        *,
        name: str,
        pixel_size: float | None = None,
        pixel_size_source: str = "",
    ) -> None:
        self._array = array
        self.height, self.width = int(array.shape[0]), int(array.shape[1])
        self.name = name
        self.pixel_size = pixel_size
        self.pixel_size_source = pixel_size_source

    @classmethod
    def from_array(
        cls,
        array: Any,
        *,
        name: str = "image",
        pixel_size: float | None = None,
        pixel_size_source: str = "given",
    ) -> TissueImage:
        """Take an array."""
        if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
            raise ImageError(f"The image {name} is not RGB of 8 bits.")
        source = pixel_size_source if pixel_size else ""
        return cls(array, name=name, pixel_size=pixel_size, pixel_size_source=source)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        pixel_size: float | None = None,
        wanted_pixel_size: float = 0.25,  # noqa: ARG003
    ) -> TissueImage:
        """Open a file."""
        array = tifffile.imread(path)
        return cls.from_array(array, name=Path(path).stem, pixel_size=pixel_size)

    def read(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Read a window."""
        return np.array(self._array[rows, columns], dtype=np.uint8, order="C")

    def with_pixel_size(
        self, pixel_size: float | None, source: str = "given"
    ) -> TissueImage:
        """Give the same pixels with another calibration."""
        return TissueImage.from_array(
            self._array,
            name=self.name,
            pixel_size=pixel_size,
            pixel_size_source=source,
        )

    def crop(self, rows: slice, columns: slice) -> TissueImage:
        """Give a window as an image of its own."""
        return TissueImage.from_array(
            self._array[rows, columns],
            name=self.name,
            pixel_size=self.pixel_size,
            pixel_size_source=self.pixel_size_source,
        )

    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> TissueImage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
