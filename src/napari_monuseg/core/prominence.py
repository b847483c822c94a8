"""A height map ─► its tops, each with the ground that leads up to it.

Every pixel belongs to the top that steepest ascent ends on. A top counts only if it
rises far enough above the saddle that joins it to a higher one, its prominence;
the others go, lowest saddle last, with the neighbour beyond their highest saddle.

References
----------
F. Chazal, L. J. Guibas, S. Y. Oudot, P. Skraba, "Persistence-Based Clustering in
Riemannian Manifolds", Journal of the ACM 60(6), 2013. In mathematical morphology
the prominence of a top is its dynamic: M. Grimaud, "A New Measure of Contrast: the
Dynamics", Proc. SPIE 1769, 1992.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Heights = npt.NDArray[np.float32]


class Saddles(NamedTuple):
    """Where the grounds of two tops touch, highest first.

    Parameters
    ----------
    one, other : (K,) int
        The numbers of the two tops, the smaller first, each pair once.
    height : (K,) float32
        Of the highest place on their common border.
    """

    one: Indices
    other: Indices
    height: Heights


def prominent_tops(
    height: Heights, mask: Mask, prominence: float
) -> npt.NDArray[np.int32]:
    """Divide a mask among the prominent tops of a height map.

    The division of one connected component of the mask depends on nothing outside
    of it, not even on where it lies: equal heights are told apart by the order of
    rows and columns.

    Parameters
    ----------
    height : (H, W) float32
        Finite where the mask is.
    mask : (H, W) bool
        What is divided; tops are joined only across it.
    prominence : float
        A top that rises by no more above its highest saddle is none, in units of
        `height`. At 0, every top counts, a plateau as one.

    Returns
    -------
    (H, W) int32
        0 outside the mask, elsewhere the number of the top, from 1 without gaps.
        What belongs to a top is 4-connected, and each 4-connected component of the
        mask has at least one.
    """
    ground = _Ground(height, mask)
    if not ground.pixels.size:
        return np.zeros(mask.shape, np.int32)
    basins, tops = _climb(ground)
    saddles = _saddles(ground, basins, tops.size)
    numbers = _joined(tops, saddles, prominence)
    return ground.unframed(numbers[basins])


class _Ground:
    """The pixels of a mask in raster order, framed so that each has four neighbours.

    Parameters
    ----------
    height : (H, W) float32
    mask : (H, W) bool

    Attributes
    ----------
    pixels : (N,) int
        Where they lie in the framed map, flat.
    heights : ((H + 2) (W + 2),) float32
        The framed map, flat; endlessly low outside the mask.
    row : int
        From a pixel to the one below, in places of the framed map.
    """

    def __init__(self, height: Heights, mask: Mask) -> None:
        inside = np.pad(mask, 1)
        self._shape = inside.shape
        self.row = inside.shape[1]
        self.pixels = np.flatnonzero(inside)
        self._above = self.pixels - self.row
        heights = np.full(self._shape, -np.inf, np.float32)
        np.copyto(heights[1:-1, 1:-1], height, where=mask)
        self.heights: Heights = heights.ravel()

    def framed(
        self, values: npt.NDArray[np.integer], outside: int
    ) -> npt.NDArray[np.int32]:
        """Return a framed map, flat, of a value for each pixel."""
        framed = np.full(self._shape, outside, np.int32).ravel()
        framed[self.pixels] = values
        return framed

    def beyond(self, framed: npt.NDArray[Any], step: int) -> npt.NDArray[Any]:
        """Return what lies that many places beyond each pixel in a framed map."""
        values: npt.NDArray[Any] = framed[self.row + step :][self._above]
        return values

    def unframed(self, values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Return a map ``(H, W)`` of a value for each pixel, 0 outside the mask."""
        return self.framed(values, 0).reshape(self._shape)[1:-1, 1:-1].copy()


def _climb(ground: _Ground) -> tuple[Indices, Heights]:
    """Return the top that each pixel leads up to, from 0, and the heights of tops."""
    steps = (-ground.row, -1, 0, 1, ground.row)
    highest = ground.beyond(ground.heights, steps[0])
    best = np.full(highest.size, steps[0])
    # Of equal heights the last in raster order counts as the highest, so that all
    # differ. The tops that a plateau falls into rise by nothing above each other.
    for step in steps[1:]:
        there = ground.beyond(ground.heights, step)
        np.copyto(best, step, where=there >= highest)
        np.maximum(highest, there, out=highest)
    places = ground.framed(np.arange(best.size), -1)
    up = places[ground.pixels + best].astype(np.int64)
    is_top = best == 0
    while True:
        further = up[up]
        if np.array_equal(further, up):
            break
        up = further
    numbers = np.cumsum(is_top) - 1
    return numbers[up], highest[is_top]


def _saddles(ground: _Ground, basins: Indices, tops: int) -> Saddles:
    """Find the highest place between each two tops whose grounds touch."""
    framed = ground.framed(basins, -1)
    ones, others, heights = [], [], []
    for step in (1, ground.row):
        beyond = ground.beyond(framed, step)
        border = np.flatnonzero((beyond >= 0) & (beyond != basins))
        here, there = basins[border], beyond[border].astype(np.int64)
        ones.append(np.minimum(here, there))
        others.append(np.maximum(here, there))
        pixels = ground.pixels[border]
        heights.append(
            np.minimum(ground.heights[pixels], ground.heights[pixels + step])
        )
    one, other = np.concatenate(ones), np.concatenate(others)
    height = np.concatenate(heights)
    order = np.lexsort((other, one, -height))
    pair = one[order] * tops + other[order]
    first = order[np.sort(np.unique(pair, return_index=True)[1])]
    return Saddles(one[first], other[first], height[first])


def _joined(
    tops: Heights, saddles: Saddles, prominence: float
) -> npt.NDArray[np.int32]:
    """Return the number, from 1, of the prominent top that each top goes with."""
    goes_with = list(range(tops.size))
    heights = tops.tolist()

    def last(top: int) -> int:
        while goes_with[top] != top:
            goes_with[top] = goes_with[goes_with[top]]
            top = goes_with[top]
        return top

    for one, other, saddle in zip(
        *(column.tolist() for column in saddles), strict=True
    ):
        lower, higher = last(one), last(other)
        if heights[lower] > heights[higher]:
            lower, higher = higher, lower
        if lower != higher and heights[lower] - saddle <= prominence:
            goes_with[lower] = higher
    ends = np.array([last(top) for top in range(tops.size)])
    return (np.unique(ends, return_inverse=True)[1] + 1).astype(np.int32)
