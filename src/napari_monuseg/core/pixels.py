"""Stored samples of an image, read by window, whatever they are stored in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_monuseg.core import boxes
from napari_monuseg.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Pixels(Protocol):
    """Samples as they are stored; what they mean is said elsewhere."""

    height: int
    width: int
    channels: int
    dtype: np.dtype[Any]

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Read a window, (h, w, channels); the array may be a view."""

    def close(self) -> None:
        """Give back what reading has kept in memory."""


class ArrayPixels:
    """The samples of an array that can be sliced: numpy, dask, zarr, memory map.

    Parameters
    ----------
    array
        Anything with `shape`, `dtype` and slicing; it is not copied.
    axes : str
        A letter per axis: Y, X, at most one C, and ``1`` for an axis of length 1.
    """

    def __init__(self, array: Any, axes: str) -> None:
        sides = dict(zip(axes, array.shape, strict=True))
        self.height, self.width = int(sides["Y"]), int(sides["X"])
        self.channels = int(sides.get("C", 1))
        self.dtype = np.dtype(array.dtype)
        self._array = array
        self._axes = axes

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Read a window, (h, w, channels)."""
        parts: dict[str, Any] = {"Y": rows, "X": columns, "C": slice(None), "1": 0}
        window = np.asarray(self._array[tuple(parts[axis] for axis in self._axes)])
        if "C" not in self._axes:
            return window[..., np.newaxis]
        return np.moveaxis(window, self._axes.replace("1", "").index("C"), -1)

    def close(self) -> None:
        """Do nothing: the array belongs to whoever made it."""


class GreyWithAlpha:
    """Pixels of a grey and an alpha channel, as red, green, blue and alpha."""

    channels = 4

    def __init__(self, pixels: Pixels) -> None:
        self.height, self.width, self.dtype = pixels.height, pixels.width, pixels.dtype
        self._pixels = pixels

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Read a window, (h, w, 4)."""
        return self._pixels.read(rows, columns)[..., [0, 0, 0, 1]]

    def close(self) -> None:
        """Give back what reading has kept in memory."""
        self._pixels.close()


def array_pixels(array: Any, name: str) -> ArrayPixels:
    """Take an array as an image, finding its channels by their number.

    Parameters
    ----------
    array : (H, W), (H, W, 3|4) or (3|4, H, W) array
        Leading axes of length 1 are passed over; a channel axis may also have
        length 1. Where the last axis and another could both be the channels, the
        last one is.
    name : str
        What an error calls the image.

    Raises
    ------
    ImageError
        If the shape is none of these, or not known yet.
    """
    array = array if hasattr(array, "shape") else np.asarray(array)
    if any(side != side for side in array.shape):  # noqa: PLR0124 (dask's unknown: NaN)
        raise ImageError(
            f"The size of {name} is not known yet; compute its chunk sizes first."
        )
    axes = _axes(tuple(array.shape))
    if axes is None:
        sides = " × ".join(str(side) for side in array.shape)
        raise ImageError(
            f"{name} has the shape {sides}, a stack or several channels; one RGB or "
            "grey plane is needed: height × width, or with 3 or 4 colour channels."
        )
    return ArrayPixels(array, axes)


def _axes(shape: tuple[int, ...]) -> str | None:
    axes: str | None = None
    match shape:
        case (1, _, _, *_) if len(shape) > 3:
            inner = _axes(shape[1:])
            axes = inner and f"1{inner}"
        case (_, _):
            axes = "YX"
        case (_, _, 3 | 4):
            axes = "YXC"
        case (_, _, 1):
            axes = "YX1"
        case (3 | 4, _, _):
            axes = "CYX"
        case (1, _, _):
            axes = "1YX"
    return axes


def blocks(pixels: Pixels, side: int = 2048) -> Iterator[NDArray[Any]]:
    """Read a whole image block by block, without an overlap."""
    for rows, columns in boxes.blocks((pixels.height, pixels.width), side):
        yield pixels.read(rows, columns)
