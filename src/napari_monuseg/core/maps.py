"""What a network says of every pixel, on the image's own grid."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.boxes import Window


@dataclass(frozen=True, kw_only=True)
class NucleusMaps:
    """Foreground and distance of every pixel of an image.

    Parameters
    ----------
    foreground : (H, W) float16 array, numpy or memory map, in [0, 1]
        Probability that the pixel belongs to a nucleus.
    distance : (H, W) float16 array, numpy or memory map, in [0, 1]
        Distance to the border of the nucleus, 1 in its middle.
    pixel_size : float or None
        Of the maps' grid, which is the image's, µm/px; None when unknown.
    assumed_pixel_size : float or None
        What was taken in its place, µm/px; None for the network's own.
    """

    foreground: npt.NDArray[np.float16]
    distance: npt.NDArray[np.float16]
    pixel_size: float | None = None
    assumed_pixel_size: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, px."""
        height, width = self.foreground.shape
        return height, width

    def pixel_size_or(self, assumed: float) -> float:
        """Return the pixel size, that taken in its place, or else `assumed`, µm/px."""
        return self.pixel_size or self.assumed_pixel_size or assumed

    def read(
        self, window: Window
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return foreground and distance ``(h, w)`` of a window, as float32."""
        return (
            np.asarray(self.foreground[window], np.float32),
            np.asarray(self.distance[window], np.float32),
        )
