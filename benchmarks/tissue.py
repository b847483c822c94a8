"""The tissue that everything is measured on."""

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.samples import immunohistochemistry_restained

PIXEL_SIZE = 0.25
"""What it is told to be, µm/px, so that nothing is guessed while time is taken."""


def tissue(side: int) -> npt.NDArray[np.uint8]:
    """Give the sample tissue ``(side, side, 3)``, repeated where it is too small."""
    sample = immunohistochemistry_restained()
    rgb = np.empty((side, side, 3), np.uint8)
    for top in range(0, side, len(sample)):
        for left in range(0, side, len(sample)):
            part = rgb[top : top + len(sample), left : left + len(sample)]
            part[:] = sample[: part.shape[0], : part.shape[1]]
    return rgb
