"""Which pixels lie in a polygon, in little more memory than the mask takes."""

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Outline = npt.NDArray[np.float64]
"""``(n, 2)``, rows and columns."""

BLOCK = 2**20
"""How many pixels are filled at once, at least one row of them."""

CLOSE = 1e-6
"""How far the sides of a rectangle may lean, px: its corners come from the world."""


def fill(mask: Mask, polygon: Outline) -> None:
    """Set the pixels whose centres lie in a polygon or on its outline.

    Where the outline crosses itself, the even-odd rule says what is inside.

    Parameters
    ----------
    mask : ndarray
        ``(H, W)``, written into.
    polygon : ndarray
        ``(n, 2)``, rows and columns, px; it may reach beyond the mask.
    """
    start = np.clip(np.ceil(polygon.min(axis=0)), 0, mask.shape).astype(int)
    stop = np.clip(np.floor(polygon.max(axis=0)) + 1, start, mask.shape).astype(int)
    window = mask[start[0] : stop[0], start[1] : stop[1]]
    if not window.size:
        return
    if _is_upright(polygon):
        window[:] = True
        return
    corners = polygon - start
    # What lies on the outline is inside when seen from one side or from the other.
    _fill_between(window, corners)
    _fill_between(window[::-1, ::-1], np.array(window.shape) - 1 - corners)
    _fill_corners(window, corners)


def _is_upright(polygon: Outline) -> bool:
    """Tell whether a polygon is a rectangle along rows and columns."""
    if len(polygon) != 4:
        return False
    level, steep = (np.abs(polygon - np.roll(polygon, -1, axis=0)) < CLOSE).T
    return any(
        one[0::2].all() and other[1::2].all()
        for one, other in ((level, steep), (steep, level))
    )


def _fill_between(window: Mask, corners: Outline) -> None:
    """Set what lies between an outline's crossings of each row, block by block."""
    height, width = window.shape
    rows = max(1, BLOCK // width)
    for top in range(0, height, rows):
        block = window[top : top + rows]
        row, column = _crossings(corners - (top, 0), len(block))
        places = row * width + np.clip(np.ceil(column), 0, width).astype(int)
        # A row is crossed an even number of times, so the next begins outside.
        runs = np.diff(np.sort(places), prepend=0, append=block.size)
        inside = np.arange(len(runs)) % 2 == 1
        block |= np.repeat(inside, runs).reshape(block.shape)


def _crossings(
    corners: Outline, height: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Give where an outline crosses the rows from 0 to `height`: row and column."""
    ends = np.roll(corners, -1, axis=0)
    low, high = np.sort([corners[:, 0], ends[:, 0]], axis=0)
    first, stop = (np.clip(np.ceil(at), 0, height).astype(int) for at in (low, high))
    counts = stop - first
    edge = np.repeat(np.arange(len(corners)), counts)
    row = np.arange(len(edge)) + np.repeat(first - np.cumsum(counts) + counts, counts)
    down, across = (ends - corners)[edge].T
    return row, corners[edge, 1] + (row - corners[edge, 0]) * across / down


def _fill_corners(window: Mask, corners: Outline) -> None:
    """Set the pixels whose centres are corners: some are seen from neither side."""
    there = (corners == np.floor(corners)) & (corners >= 0) & (corners < window.shape)
    row, column = corners[there.all(axis=1)].astype(int).T
    window[row, column] = True
