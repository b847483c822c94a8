"""The connected pieces of labels, told by runs of one number along the rows.

A nucleus is a few dozen runs where it is hundreds of pixels: that takes a fraction of
the time and memory that it takes to label an image pixel by pixel.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from napari_monuseg.core.separation import Labels

Numbers = npt.NDArray[np.int64]


class Runs(NamedTuple):
    """Pixels of one number side by side in a row, all but those of the background.

    Parameters
    ----------
    begins, ends : (n,) int64
        Positions in the flattened labels, ascending; a run ends before `ends`.
    numbers : (n,) int64
        What stands there.
    """

    begins: Numbers
    ends: Numbers
    numbers: Numbers

    @property
    def lengths(self) -> Numbers:
        """How many pixels each has, ``(n,)`` int64."""
        return self.ends - self.begins

    def only(self, some: npt.NDArray[np.bool_]) -> "Runs":
        """Give some of them, ``(n,)`` bool."""
        return Runs(self.begins[some], self.ends[some], self.numbers[some])

    def pixels(self) -> Numbers:
        """Give all their pixels, as positions in the flattened labels, ascending."""
        return _ranges(self.begins, self.lengths)


def runs_of(labels: Labels) -> Runs:
    """Find the runs of labels ``(H, W)``."""
    height, width = labels.shape
    begins = np.ones((height, width), bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], labels.size)
    numbers = labels.ravel()[starts].astype(np.int64)
    nuclei = numbers != 0
    return Runs(starts[nuclei], ends[nuclei], numbers[nuclei])


def pieces_of(runs: Runs, width: int) -> Numbers:
    """Tell which runs hang together, across edges or corners.

    Parameters
    ----------
    runs : Runs
        Of labels.
    width : int
        Of those, px.

    Returns
    -------
    (n,) int64
        By run, the number of its piece, from 0 in the order of their first pixels.
    """
    above, below = _touching(runs, width)
    edges = coo_matrix(
        (np.ones(above.size, bool), (above, below)), shape=2 * (runs.begins.size,)
    )
    pieces = connected_components(edges, directed=False)[1]
    _, first, found = np.unique(pieces, return_index=True, return_inverse=True)
    order = np.empty(first.size, np.int64)
    order[np.argsort(first)] = np.arange(first.size)
    return order[found]


def _touching(runs: Runs, width: int) -> tuple[Numbers, Numbers]:
    """Give the pairs of runs of one number that touch, one a row below the other."""
    row_below = (runs.begins // width + 1) * width
    # From one pixel to the left of what lies below to one to the right of it.
    lowest = np.maximum(runs.begins + width - 1, row_below)
    highest = np.minimum(runs.ends + width + 1, row_below + width)
    first = np.searchsorted(runs.ends, lowest, side="right")
    beyond = np.searchsorted(runs.begins, highest, side="left")
    counts = np.maximum(beyond - first, 0)
    above = np.repeat(np.arange(counts.size), counts)
    below = _ranges(first, counts)
    same = runs.numbers[above] == runs.numbers[below]
    return above[same], below[same]


def _ranges(firsts: Numbers, lengths: Numbers) -> Numbers:
    """Give as many whole numbers from each of some on, one after the other."""
    before = np.cumsum(lengths) - lengths
    ranges: Numbers = np.arange(lengths.sum()) + np.repeat(firsts - before, lengths)
    return ranges
