"""Between grids of different pixel size, by window and without seams.

Pixel centres are half-integers on both grids, so a coarse pixel covers exactly
the fine ones below it. Every output pixel is a fixed weighted mean of source
pixels (a triangle, widened when the grid gets coarser so that nothing aliases),
whichever window it is computed in.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.boxes import Window, blocks
from napari_monuseg.core.image import TissueImage

SAME_PIXEL_SIZE = 0.1
"""Pixel sizes that differ by no more than this share are taken as equal."""

_BLOCK = 1024
"""Side of the blocks that a whole image is resampled in, px."""

FloatArray = npt.NDArray[np.float32]


def resample_window(
    read: Callable[[slice, slice], npt.NDArray[np.generic]],
    shape: tuple[int, int],
    window: Window,
    scale: tuple[float, float],
) -> FloatArray:
    """Return a window of an image as it looks on another grid.

    Parameters
    ----------
    read : callable
        From rows and columns to the source's pixels ``(h, w)`` or ``(h, w, C)``.
    shape : (int, int)
        Height and width of the source, px.
    window : (slice, slice)
        Rows and columns on the new grid.
    scale : (float, float)
        Pixels of the new grid per pixel of the source, down and across.

    Returns
    -------
    (h, w) or (h, w, C) float32
        The pixels of the window, within the source's range of values.
    """
    rows, down = _axis_weights(window[0], scale[0], shape[0])
    columns, across = _axis_weights(window[1], scale[1], shape[1])
    source = read(rows, columns).astype(np.float32)
    return _apply(across, _apply(down, source, axis=0), axis=1)


def _apply(weights: FloatArray, source: FloatArray, axis: int) -> FloatArray:
    return np.moveaxis(np.tensordot(weights, source, axes=(1, axis)), 0, axis)


def _axis_weights(window: slice, scale: float, length: int) -> tuple[slice, FloatArray]:
    """Return the source pixels an axis needs and their weights ``(out, in)``."""
    width = max(1.0, 1.0 / scale)
    centres = (np.arange(window.start, window.stop) + 0.5) / scale - 0.5
    first = int(np.clip(np.floor(centres[0] - width), 0, length - 1))
    last = int(np.clip(np.ceil(centres[-1] + width), 0, length - 1))
    positions = np.arange(first, last + 1)
    distances = np.abs(positions[None] - np.clip(centres, 0, length - 1)[:, None])
    weights = np.clip(1 - distances / width, 0, None)
    weights /= weights.sum(1, keepdims=True)
    return slice(first, last + 1), weights.astype(np.float32)


def at_pixel_size(
    image: TissueImage, labels: Sequence[npt.NDArray[np.int32]], pixel_size: float
) -> tuple[npt.NDArray[Any], ...]:
    """Bring an image and its labels to a pixel size, if they are known to differ.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``.
    labels : sequence of (H, W) int32
        On its grid.
    pixel_size : float
        The wanted one, µm/px.

    Returns
    -------
    rgb : (h, w, 3) uint8
        The image; resampled if its own pixel size differs by more than 10%.
    *labels : (h, w) int32
        Each of the labels, taken from the nearest pixels.
    """
    everything = slice(0, image.height), slice(0, image.width)
    ratio = image.pixel_size_or(pixel_size) / pixel_size
    if abs(ratio - 1) <= SAME_PIXEL_SIZE:
        return image.read(*everything), *labels
    height, width = round(image.height * ratio), round(image.width * ratio)
    scale = (height / image.height, width / image.width)
    rgb = np.empty((height, width, 3), np.uint8)
    for window in blocks((height, width), _BLOCK):
        seen = resample_window(image.read, (image.height, image.width), window, scale)
        rgb[window] = np.rint(seen)
    nearest = np.ix_(_nearest(height, scale[0]), _nearest(width, scale[1]))
    return rgb, *(one[nearest] for one in labels)


def _nearest(count: int, scale: float) -> npt.NDArray[np.intp]:
    """Return the source pixels ``(count,)`` that an axis' new pixels lie nearest to.

    Where one lies between two, as it does at half the pixels, these take turns: all
    to one side would move the labels against the tissue.
    """
    numbers = np.arange(count)
    to_a_side = np.where(numbers % 2, -1e-6, 1e-6)
    return ((numbers + 0.5) / scale + to_a_side).astype(np.intp)
