"""What a hand corrects: delete, split, merge and add nuclei.

Each correction reads a small window around it and gives back an `Edit`; the labels
themselves are never changed. A nucleus here is the connected piece that is meant,
and every nucleus that is made gets an id that no other ever had.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.draw import polygon2mask

from napari_monuseg.core.boxes import Window, covering, widened
from napari_monuseg.core.edits import Edit, edit_of
from napari_monuseg.core.errors import CorrectionError
from napari_monuseg.core.instances import ASSUMED_PIXEL_SIZE
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.merging import bridged
from napari_monuseg.core.pieces import (
    Piece,
    Pixel,
    Point,
    flood,
    piece_at,
    pieces_under,
    pixel_at,
    pixels_along,
    placed,
    without_holes,
)
from napari_monuseg.core.separation import (
    Labels,
    Mask,
    connected_components,
    largest_part,
)
from napari_monuseg.core.shape_split import SMALLEST_PART, halves
from napari_monuseg.core.suggestion import suggest_nucleus


def delete_nucleus(labels: Labels, point: Point) -> Edit:
    """Make a nucleus background.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    point : (row, column)
        In the nucleus, px.

    Raises
    ------
    CorrectionError
        If there is no nucleus.
    """
    piece = piece_at(labels, _in_nucleus(labels, point), corners=True)
    new = np.where(piece.mask, 0, labels[piece.window])
    return edit_of(labels, [(piece.window, new)], "Nucleus deleted")


def split_by_shape(labels: Labels, point: Point, next_id: int) -> Edit:
    """Split a nucleus in two where its shape suggests it.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    point : (row, column)
        In the nucleus, px.
    next_id : int
        Id of the smaller part; the larger one keeps its own.

    Raises
    ------
    CorrectionError
        If there is no nucleus, or it is too small.
    """
    piece = piece_at(labels, _in_nucleus(labels, point))
    if piece.size < 2 * SMALLEST_PART:
        raise CorrectionError(
            f"This nucleus has {piece.size} px, too few to be split; delete it or "
            "correct it with the brush."
        )
    new = _numbered(labels, piece, halves(piece.mask), next_id)
    return edit_of(labels, [(piece.window, new)], "Nucleus split in two")


def split_along(labels: Labels, line: Sequence[Point], next_id: int) -> Edit:
    """Split the nuclei that a line cuts through; its pixels go to the parts.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    line : sequence of (row, column)
        A polyline, px.
    next_id : int
        First id for the parts; the largest of each nucleus keeps the nucleus' own.

    Returns
    -------
    Edit
        The parts are 4-connected and divide the nucleus without rest.

    Raises
    ------
    CorrectionError
        If the line cuts no nucleus.
    """
    pixels = pixels_along(line, labels.shape)
    windows = []
    for piece in pieces_under(labels, pixels):
        parts = _cut(piece, pixels)
        if parts is not None:
            windows.append((piece.window, _numbered(labels, piece, parts, next_id)))
            next_id += int(parts.max()) - 1
    if not windows:
        raise CorrectionError(
            "The line does not cut a nucleus in two; begin outside of it, draw across "
            "and end outside again."
        )
    return edit_of(labels, windows, f"{_nuclei(len(windows))} split along the line")


def merge_under(
    labels: Labels, stroke: Sequence[Point], *, pixel_size: float = ASSUMED_PIXEL_SIZE
) -> Edit:
    """Make one nucleus of those under a stroke; the largest one's id stays.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    stroke : sequence of (row, column)
        A polyline, px.
    pixel_size : float
        Of the labels, µm/px.

    Returns
    -------
    Edit
        The nucleus is 4-connected and without holes: gaps are bridged.

    Raises
    ------
    CorrectionError
        If there are fewer than two nuclei, or they cannot be connected.
    """
    pieces = pieces_under(labels, pixels_along(stroke, labels.shape))
    if len(pieces) < 2:
        raise CorrectionError(
            "The stroke touches fewer than two nuclei; draw it from one into the other."
        )
    window = widened(covering([piece.window for piece in pieces]), 2, labels.shape)
    free = labels[window] == 0
    pieces.sort(key=lambda piece: piece.size, reverse=True)
    masks = [placed(piece, window) for piece in pieces]
    nucleus = without_holes(bridged(masks, free, pixel_size), free)
    new = np.where(nucleus, np.int32(pieces[0].number), labels[window])
    return edit_of(labels, [(window, new)], f"{len(pieces)} nuclei joined")


def add_outline(labels: Labels, outline: Sequence[Point], next_id: int) -> Edit:
    """Add the nucleus inside an outline, where no other is.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    outline : sequence of (row, column)
        A polygon, px; its end is joined to its beginning.
    next_id : int
        Id of the nucleus.

    Raises
    ------
    CorrectionError
        If too little inside is free.
    """
    corners = np.asarray(outline, float).reshape(-1, 2)
    window = _window_of_points(corners, labels.shape)
    free = labels[window] == 0
    nucleus = np.zeros(free.shape, bool)
    if free.any() and len(corners) > 2:
        drawn = polygon2mask(free.shape, corners - [side.start for side in window])
        nucleus = without_holes(largest_part(drawn & free), free)
    if nucleus.sum() < SMALLEST_PART:
        raise CorrectionError(
            "The outline encloses no room for a nucleus; draw it around tissue that "
            "belongs to no other."
        )
    return _added(labels, window, nucleus, next_id)


def add_at(labels: Labels, maps: NucleusMaps, point: Point, next_id: int) -> Edit:
    """Add the nucleus at a point, as far as the network's maps suggest.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei.
    maps : NucleusMaps
        Of the same height and width.
    point : (row, column)
        In the nucleus to be, px.
    next_id : int
        Its id.

    Raises
    ------
    CorrectionError
        If there is a nucleus, or nothing like one in the maps.
    """
    pixel = pixel_at(point, labels.shape)
    if pixel is None:
        raise CorrectionError("This is outside of the nuclei's area; point inside it.")
    if labels[pixel]:
        raise CorrectionError(
            "Here is a nucleus already; point at tissue that belongs to none."
        )
    window, nucleus = suggest_nucleus(labels, maps, pixel)
    return _added(labels, window, nucleus, next_id)


def _in_nucleus(labels: Labels, point: Point) -> Pixel:
    pixel = pixel_at(point, labels.shape)
    if pixel is None or not labels[pixel]:
        raise CorrectionError("There is no nucleus here; point at one.")
    return pixel


def _nuclei(count: int) -> str:
    return "Nucleus" if count == 1 else f"{count} nuclei"


def _added(labels: Labels, window: Window, nucleus: Mask, next_id: int) -> Edit:
    new = np.where(nucleus, np.int32(next_id), labels[window])
    return edit_of(labels, [(window, new)], "Nucleus added")


def _numbered(labels: Labels, piece: Piece, parts: Labels, next_id: int) -> Labels:
    """Give the ids of the parts of a piece in its window, largest part first."""
    order = np.argsort(-np.bincount(parts.ravel())[1:], kind="stable")
    ids = np.empty(order.size + 1, np.int32)
    ids[order + 1] = [piece.number, *range(next_id, next_id + order.size - 1)]
    return np.where(piece.mask, ids[parts], labels[piece.window])


def _cut(piece: Piece, pixels: Sequence[Pixel]) -> Labels | None:
    """Give the parts ``(h, w)`` a line cuts a piece into; None if it does not.

    What is too small, or wholly inside (a loop of the line), is no part of its own.
    """
    line = np.zeros(piece.mask.shape, bool)
    for row, column in filter(piece.holds, pixels):
        line[row - piece.window[0].start, column - piece.window[1].start] = True
    parts = connected_components(piece.mask & ~line)
    sizes = np.bincount(parts.ravel())
    at_edge = parts[piece.mask & ~ndimage.binary_erosion(piece.mask)]
    real = [n for n in np.unique(at_edge) if n and sizes[n] >= SMALLEST_PART]
    if len(real) < 2:
        return None
    numbers = np.zeros(sizes.size, np.int32)
    numbers[real] = np.arange(1, len(real) + 1)
    return flood(piece.mask, numbers[parts])


def _window_of_points(
    points: npt.NDArray[np.float64], shape: tuple[int, ...]
) -> Window:
    """Give the window of an image around some points; it may be empty."""
    if not points.size:
        return slice(0, 0), slice(0, 0)
    start = np.clip(np.floor(points.min(0)), 0, shape).astype(int)
    stop = np.clip(np.ceil(points.max(0)) + 1, start, shape).astype(int)
    rows, columns = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    return rows, columns
