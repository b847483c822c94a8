"""Windows of an image: what holds a mask, more around it, and blocks that tile it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Window = tuple[slice, slice]
"""Rows and columns, px."""


def bounding_window(mask: npt.NDArray[np.bool_], margin: int = 0) -> Window:
    """Return the smallest window that holds a mask ``(H, W)``, not empty.

    Parameters
    ----------
    mask : (H, W) bool
        Not empty.
    margin : int
        How much more to each side, px, as far as the mask goes.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    tight = (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )
    return widened(tight, margin, mask.shape)


def clusters(mask: npt.NDArray[np.bool_], gap: int) -> list[Window]:
    """Return the smallest windows that hold what of a mask lies far apart.

    Parameters
    ----------
    mask : (H, W) bool
        What is held.
    gap : int
        Windows have at least so many pixels between them, down or across.

    Returns
    -------
    list of tuple of slice
        Rows and columns, px; none of an empty mask. Each pixel of the mask lies in
        one of them.
    """
    occupied = mask
    for axis, side in enumerate(mask.shape):
        starts = np.arange(0, side, gap)
        occupied = np.logical_or.reduceat(occupied, starts, axis=axis)
    found: list[Window] = []
    for down, across in ndimage.find_objects(
        ndimage.label(occupied, np.ones((3, 3)))[0]
    ):
        around = (
            slice(down.start * gap, down.stop * gap),
            slice(across.start * gap, across.stop * gap),
        )
        window = shifted(
            bounding_window(mask[around]), (around[0].start, around[1].start)
        )
        while near := [other for other in found if _is_near(window, other, gap)]:
            window = covering([window, *near])
            found = [other for other in found if other not in near]
        found.append(window)
    return found


def _is_near(one: Window, other: Window, gap: int) -> bool:
    return all(
        mine.start - its.stop < gap and its.start - mine.stop < gap
        for mine, its in zip(one, other, strict=True)
    )


def covering(windows: Sequence[Window]) -> Window:
    """Return the smallest window that holds others, one at least."""
    rows, columns = zip(*windows, strict=True)
    return _span(rows), _span(columns)


def _span(sides: Sequence[slice]) -> slice:
    return slice(min(side.start for side in sides), max(side.stop for side in sides))


def widened(window: tuple[slice, ...], margin: int, shape: tuple[int, ...]) -> Window:
    """Return a window with a margin around it, px, inside an image of a shape."""
    rows, columns = window
    return (
        slice(max(rows.start - margin, 0), min(rows.stop + margin, shape[0])),
        slice(max(columns.start - margin, 0), min(columns.stop + margin, shape[1])),
    )


def window_at(offset: tuple[int, int], shape: tuple[int, ...]) -> Window:
    """Return the window of a shape that begins at an offset, px."""
    (top, left), (height, width) = offset, shape
    return slice(top, top + height), slice(left, left + width)


def shifted(window: Window, offset: tuple[int, int]) -> Window:
    """Return a window moved down and to the right by an offset, px."""
    rows, columns = window
    return (
        slice(rows.start + offset[0], rows.stop + offset[0]),
        slice(columns.start + offset[1], columns.stop + offset[1]),
    )


def size(window: Window) -> tuple[int, int]:
    """Return a window's height and width, px."""
    rows, columns = window
    return rows.stop - rows.start, columns.stop - columns.start


def placed(
    layer: npt.NDArray[Any], offset: tuple[int, int], window: Window
) -> npt.NDArray[Any]:
    """Return a window of an image with what a layer on a part of it holds there.

    Parameters
    ----------
    layer : (h, w) array
        On the image's grid.
    offset : tuple of int
        Row and column of the image where it begins, px.
    window : tuple of slice
        Rows and columns of the image, px.

    Returns
    -------
    (H, W) array
        0 where the layer has nothing.
    """
    canvas = np.zeros(size(window), layer.dtype)
    target, source = [], []
    for side, length, start in zip(window, layer.shape, offset, strict=True):
        first = max(side.start, start)
        stop = max(first, min(side.stop, start + length))
        target.append(slice(first - side.start, stop - side.start))
        source.append(slice(first - start, stop - start))
    canvas[tuple(target)] = layer[tuple(source)]
    return canvas


def blocks(shape: tuple[int, ...], side: int) -> Iterator[Window]:
    """Yield the windows of at most `side` px that tile an image, row by row."""
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            yield (
                slice(top, min(top + side, shape[0])),
                slice(left, min(left + side, shape[1])),
            )
