"""Windows that cover an image, and the weights that blend them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Tiling:
    """Equal windows along one axis.

    Parameters
    ----------
    size : int
        Length of a window, px; a multiple of the stride.
    origins : tuple of int
        Where the windows start, px; multiples of the stride, rising.
    length : int
        Length they cover, px; the image's, filled up to the stride.
    """

    size: int
    origins: tuple[int, ...]
    length: int

    def weights(self, number: int) -> npt.NDArray[np.float32]:
        """Return the weights ``(size,)`` of a window; all windows' sum to 1.

        Where a window overlaps a neighbour its weight falls along half a cosine
        over the middle half of the overlap; the outer quarter, where the window
        sees least of its surroundings, does not count.
        """
        weights = np.ones(self.size, np.float32)
        if number > 0:
            overlap = self.origins[number - 1] + self.size - self.origins[number]
            weights[:overlap] *= _ramp(overlap)
        if number + 1 < len(self.origins):
            overlap = self.origins[number] + self.size - self.origins[number + 1]
            weights[self.size - overlap :] *= 1 - _ramp(overlap)
        return weights


def _ramp(overlap: int) -> npt.NDArray[np.float32]:
    """Return weights ``(overlap,)`` that rise from 0 to 1 over the middle half."""
    position = (np.arange(overlap) + 0.5) / max(1, overlap)
    return (0.5 - 0.5 * np.cos(np.pi * np.clip(2 * position - 0.5, 0, 1))).astype(
        np.float32
    )


def tile(length: int, *, stride: int, largest: int, overlap: int) -> Tiling:
    """Cover an axis with as few windows as it takes, all as small as they may be.

    Parameters
    ----------
    length : int
        Length of the image, px; at least 1.
    stride : int
        Windows start at, and are as long as, multiples of it, px.
    largest : int
        No window is longer, px; at least twice the overlap and two strides more.
    overlap : int
        Neighbouring windows share at least this, px. Where it is a third of
        `largest` at most, no two others share anything.

    Returns
    -------
    Tiling
        Its `length` is the image's, rounded up to the stride.

    Raises
    ------
    ValueError
        If `largest` leaves no room beside the overlap.
    """
    steps = _divide_up(length, stride)
    most = largest // stride
    shared = _divide_up(overlap, stride)
    if most < 2 * shared + 2 or overlap < 0:
        raise ValueError(f"Windows of {largest} px cannot overlap by {overlap} px.")
    if steps <= most:
        return Tiling(steps * stride, (0,), steps * stride)
    windows = _divide_up(steps - shared, most - shared)
    size = _divide_up(steps + (windows - 1) * shared, windows)
    size = max(size, 2 * shared + 1)
    windows = _divide_up(steps - shared, size - shared)
    last = steps - size
    origins = tuple(
        (last * number // (windows - 1)) * stride for number in range(windows)
    )
    return Tiling(size * stride, origins, steps * stride)


def _divide_up(number: int, divisor: int) -> int:
    return -(-number // divisor)
