"""A nucleus where someone points: its border as the network's maps suggest it."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from napari_monuseg.core.boxes import Window
from napari_monuseg.core.errors import CorrectionError
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.pieces import (
    Pixel,
    part_at,
    reaches_border,
    window_around,
    without_holes,
)
from napari_monuseg.core.separation import FloatImage, Labels, Mask

HALF = 48
"""The nucleus is looked for within this distance, px."""

FAINTEST = 0.03
"""A foreground below this is background to the network, too."""

SHARES = (0.5, 0.65, 0.8)
"""The border lies where the foreground falls to such a share of its value at the
point: the first one at which the nucleus has a border all around."""

_NEAR = 3
"""The point may miss the nucleus by so much, px."""

_SMALLEST = 12
"""Less than this is noise of the maps, px."""

_NUCLEUS = 6
"""Hilltops closer to each other than this are of one nucleus, px."""

_OTHERS = 1
"""Marks the nuclei that are there."""


def suggest_nucleus(
    labels: Labels, maps: NucleusMaps, pixel: Pixel
) -> tuple[Window, Mask]:
    """Find the nucleus at a pixel in what the network saw around it.

    The foreground is flooded from its hills, the nuclei there are counting as one
    each, so that their rims stay theirs. The threshold is relative to the value at
    the pixel: what was too pale for the sliders has a border, too.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei, whose pixels are not free.
    maps : NucleusMaps
        Of the same height and width.
    pixel : tuple of int
        Row and column of a free pixel.

    Returns
    -------
    window : tuple of slice
        Around the pixel.
    nucleus : (h, w) bool
        Free pixels of the window, 4-connected and without holes.

    Raises
    ------
    CorrectionError
        If the maps show nothing with a border there.
    """
    window = window_around(pixel, HALF, labels.shape)
    foreground, distance = maps.read(window)
    free = labels[window] == 0
    at = _brightest_near(
        (pixel[0] - window[0].start, pixel[1] - window[1].start),
        np.where(free, foreground, 0),
    )
    value = float(foreground[at])
    for share in SHARES if value > FAINTEST else ():
        nucleus = _hill(foreground, distance, free, at, share * value)
        if nucleus.sum() >= _SMALLEST and not reaches_border(
            nucleus, window, labels.shape
        ):
            return window, nucleus
    raise CorrectionError(
        "The network sees nothing with the border of a nucleus here; draw its outline."
    )


def _brightest_near(pixel: Pixel, foreground: FloatImage) -> Pixel:
    near = window_around(pixel, _NEAR, foreground.shape)
    row, column = np.unravel_index(foreground[near].argmax(), foreground[near].shape)
    return near[0].start + int(row), near[1].start + int(column)


def _hill(
    foreground: FloatImage,
    distance: FloatImage,
    free: Mask,
    at: Pixel,
    threshold: float,
) -> Mask:
    """Give the hill of the foreground ``(h, w)`` above a threshold that `at` is on."""
    height = _smooth(foreground) + _smooth(distance)
    above = (foreground > threshold) | ~free
    markers = np.where(free, _hilltops(height, above & free), _OTHERS)
    flooded = watershed(-height, markers, mask=above)
    if flooded[at] <= _OTHERS:  # the rim of a nucleus that is there, or no hill
        return np.zeros(free.shape, bool)
    return without_holes(part_at((flooded == flooded[at]) & free, at), free)


def _smooth(values: FloatImage) -> npt.NDArray[np.float64]:
    smooth: npt.NDArray[np.float64] = ndimage.gaussian_filter(
        values.astype(np.float64), 2.0
    )
    return smooth


def _hilltops(height: npt.NDArray[np.float64], where: Mask) -> Labels:
    """Give a number above `_OTHERS` to each hilltop in a mask."""
    hilltops = np.zeros(height.shape, np.int32)
    tops = peak_local_max(height, min_distance=_NUCLEUS, exclude_border=False)
    tops = tops[where[tuple(tops.T)]]
    hilltops[tuple(tops.T)] = np.arange(len(tops)) + _OTHERS + 1
    return hilltops
