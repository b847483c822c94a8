"""Single nuclei in a large labels image, found and handled in small windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.draw import line as line_between
from skimage.segmentation import watershed

from napari_monuseg.core.boxes import Window
from napari_monuseg.core.separation import Labels, Mask, connected_components

Pixel = tuple[int, int]
Point = Sequence[float] | npt.NDArray[np.floating]
"""Row and column, px; the centre of a pixel has whole numbers."""

EVERYWHERE = np.ones((3, 3), bool)
"""Neighbours across edges and corners."""

_HALF = 32
"""A nucleus is looked for within this distance first, px."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """A connected piece of one nucleus.

    Parameters
    ----------
    number : int
        The nucleus' id.
    window : tuple of slice
        Its bounding box, rows and columns, px.
    mask : (h, w) bool
        Where it lies in the window.
    """

    number: int
    window: Window
    mask: Mask

    @property
    def size(self) -> int:
        """Area, px."""
        return int(self.mask.sum())

    def holds(self, pixel: Pixel) -> bool:
        """Tell whether a pixel belongs to the piece."""
        row, column = pixel[0] - self.window[0].start, pixel[1] - self.window[1].start
        height, width = self.mask.shape
        inside = 0 <= row < height and 0 <= column < width
        return inside and bool(self.mask[row, column])


def pixel_at(point: Point, shape: tuple[int, int]) -> Pixel | None:
    """Give the pixel a point lies in; None outside of the image."""
    row, column = (int(np.floor(at + 0.5)) for at in point)
    inside = 0 <= row < shape[0] and 0 <= column < shape[1]
    return (row, column) if inside else None


def pixels_along(points: Sequence[Point], shape: tuple[int, int]) -> list[Pixel]:
    """Give the pixels of an image that a polyline goes through, in its order.

    Each is a neighbour of the one before, across an edge or a corner: nothing that
    is connected across edges alone gets past them.
    """
    corners = [tuple(int(np.floor(at + 0.5)) for at in point) for point in points]
    pixels = dict.fromkeys(corners[:1])
    for begin, end in pairwise(corners):
        pixels.update(dict.fromkeys(zip(*line_between(*begin, *end), strict=True)))
    height, width = shape
    return [
        (int(row), int(column))
        for row, column in pixels
        if 0 <= row < height and 0 <= column < width
    ]


def piece_at(labels: Labels, pixel: Pixel, *, corners: bool = False) -> Piece:
    """Find the piece of a nucleus that a pixel belongs to.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    pixel : tuple of int
        Row and column of a pixel in a nucleus.
    corners : bool
        Whether pixels that touch at a corner are connected.
    """
    number = int(labels[pixel])
    half = _HALF
    while True:
        window = window_around(pixel, half, labels.shape)
        same = labels[window] == number
        pieces, _ = ndimage.label(same, EVERYWHERE if corners else None)
        row, column = pixel[0] - window[0].start, pixel[1] - window[1].start
        mask = pieces == pieces[row, column]
        if not reaches_border(mask, window, labels.shape):
            return _tight(number, window, mask)
        half *= 2


def pieces_under(labels: Labels, pixels: Sequence[Pixel]) -> list[Piece]:
    """Find the pieces of nuclei that some pixels lie on, in the order of the pixels."""
    pieces: list[Piece] = []
    for pixel in pixels:
        if labels[pixel] and not any(piece.holds(pixel) for piece in pieces):
            pieces.append(piece_at(labels, pixel))
    return pieces


def window_around(pixel: Pixel, half: int, shape: tuple[int, ...]) -> Window:
    """Give the window of at most `half` px to each side of a pixel."""
    row, column = pixel
    return (
        slice(max(0, row - half), min(shape[0], row + half + 1)),
        slice(max(0, column - half), min(shape[1], column + half + 1)),
    )


def reaches_border(mask: Mask, window: Window, shape: tuple[int, ...]) -> bool:
    """Tell whether a mask reaches a side of its window that is not the image's."""
    rows, columns = window
    return bool(
        (rows.start > 0 and mask[0].any())
        or (rows.stop < shape[0] and mask[-1].any())
        or (columns.start > 0 and mask[:, 0].any())
        or (columns.stop < shape[1] and mask[:, -1].any())
    )


def _tight(number: int, window: Window, mask: Mask) -> Piece:
    ((rows, columns),) = ndimage.find_objects(mask.astype(np.int8))
    top, left = window[0].start, window[1].start
    box = (
        slice(top + rows.start, top + rows.stop),
        slice(left + columns.start, left + columns.stop),
    )
    return Piece(number=number, window=box, mask=mask[rows, columns])


def placed(piece: Piece, window: Window) -> Mask:
    """Give a piece's mask in a larger window ``(h, w)``."""
    mask = np.zeros([side.stop - side.start for side in window], bool)
    rows, columns = (
        slice(own.start - side.start, own.stop - side.start)
        for own, side in zip(piece.window, window, strict=True)
    )
    mask[rows, columns] = piece.mask
    return mask


def part_at(mask: Mask, pixel: Pixel) -> Mask:
    """Give the 4-connected part of a mask that holds a pixel of it."""
    parts = connected_components(mask)
    part: Mask = parts == parts[pixel]
    return part


def without_holes(mask: Mask, free: Mask) -> Mask:
    """Fill the holes of a 4-connected mask as far as they are free."""
    filled: Mask = ndimage.binary_fill_holes(mask, EVERYWHERE)
    return part_at(mask | (filled & free), _first(mask)) if mask.any() else mask


def _first(mask: Mask) -> Pixel:
    row, column = np.unravel_index(mask.argmax(), mask.shape)
    return int(row), int(column)


def flood(mask: Mask, seeds: Labels) -> Labels:
    """Divide a 4-connected mask among seeds, each pixel to the nearest through it.

    Parameters
    ----------
    mask : (h, w) bool
        What is divided.
    seeds : (h, w) int32
        4-connected regions of it, numbered from 1.

    Returns
    -------
    (h, w) int32
        0 outside of the mask; each part is 4-connected.
    """
    parts: Labels = watershed(np.zeros(mask.shape), seeds, mask=mask)
    return parts.astype(np.int32)
