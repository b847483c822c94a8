"""A nucleus where someone points: its border as the network's maps suggest it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from napari_monuseg.core.boxes import Window
from napari_monuseg.core.errors import CorrectionError
from napari_monuseg.core.instances import ASSUMED_PIXEL_SIZE
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.pieces import (
    Pixel,
    part_at,
    reaches_border,
    window_around,
    without_holes,
)
from napari_monuseg.core.separation import FloatImage, Labels, Mask

HALF_UM = 12.0
"""The nucleus is looked for within this distance, µm."""

FAINTEST = 0.03
"""A foreground below this is background to the network, too."""

SHARES = (0.5, 0.65, 0.8)
"""The border lies where the foreground falls to such a share of its value at the
point: the first one at which the nucleus has a border all around."""

_NEAR_UM = 0.75
"""The point may miss the nucleus by so much, µm."""

_SMALLEST_UM2 = 0.75
"""Less than this is noise of the maps, µm²."""

_NUCLEUS_UM = 1.5
"""Hilltops closer to each other than this are of one nucleus, µm."""

_SMOOTHED_UM = 0.5
"""Standard deviation of the Gaussian that leaves each nucleus few hilltops, µm."""

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
    size = maps.pixel_size_or(ASSUMED_PIXEL_SIZE)
    window = window_around(pixel, _pixels(HALF_UM, size), labels.shape)
    foreground, distance = maps.read(window)
    free = labels[window] == 0
    at = _brightest_near(
        (pixel[0] - window[0].start, pixel[1] - window[1].start),
        np.where(free, foreground, 0),
        _pixels(_NEAR_UM, size),
    )
    height = _smooth(foreground, size) + _smooth(distance, size)
    hills = _Hills(foreground, free, height, _pixels(_NUCLEUS_UM, size))
    value = float(foreground[at])
    for share in SHARES if value > FAINTEST else ():
        nucleus = hills.at(at, share * value)
        large = nucleus.sum() * size**2 >= _SMALLEST_UM2
        if large and not reaches_border(nucleus, window, labels.shape):
            return window, nucleus
    raise CorrectionError(
        "The network sees nothing with the border of a nucleus here; draw its outline."
    )


def _pixels(length_um: float, pixel_size: float) -> int:
    """Give a length in whole pixels, at least one."""
    return max(1, round(length_um / pixel_size))


def _brightest_near(pixel: Pixel, foreground: FloatImage, reach: int) -> Pixel:
    near = window_around(pixel, reach, foreground.shape)
    row, column = np.unravel_index(foreground[near].argmax(), foreground[near].shape)
    return near[0].start + int(row), near[1].start + int(column)


@dataclass(frozen=True)
class _Hills:
    """The hills of a foreground, each with a top.

    Parameters
    ----------
    foreground : (h, w) float
        What is above a threshold belongs to a hill.
    free : (h, w) bool
        False on the nuclei that are there.
    height : (h, w) float64
        Smooth; its tops are the hills'.
    apart : int
        Tops closer to each other are of one hill, px.
    """

    foreground: FloatImage
    free: Mask
    height: npt.NDArray[np.float64]
    apart: int

    def at(self, pixel: Pixel, threshold: float) -> Mask:
        """Give the hill ``(h, w)`` above a threshold that a pixel is on."""
        above = (self.foreground > threshold) | ~self.free
        markers = np.where(self.free, self._tops(above & self.free), _OTHERS)
        flooded = watershed(-self.height, markers, mask=above)
        if flooded[pixel] <= _OTHERS:  # the rim of a nucleus that is there, or no hill
            return np.zeros(self.free.shape, bool)
        hill = (flooded == flooded[pixel]) & self.free
        return without_holes(part_at(hill, pixel), self.free)

    def _tops(self, where: Mask) -> Labels:
        """Give a number above `_OTHERS` to each top in a mask."""
        numbers = np.zeros(where.shape, np.int32)
        tops = peak_local_max(
            self.height, min_distance=self.apart, exclude_border=False
        )
        tops = tops[where[tuple(tops.T)]]
        numbers[tuple(tops.T)] = np.arange(len(tops)) + _OTHERS + 1
        return numbers


def _smooth(values: FloatImage, pixel_size: float) -> npt.NDArray[np.float64]:
    smooth: npt.NDArray[np.float64] = ndimage.gaussian_filter(
        values.astype(np.float64), _SMOOTHED_UM / pixel_size
    )
    return smooth
