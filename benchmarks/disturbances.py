"""Tissue as another laboratory or scanner might have delivered it.

Each disturbance takes RGB ``(H, W, 3)`` uint8 and gives the like; `halve` alone
changes the size, and `enlarge` brings labels back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import imagecodecs
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from stains import MACENKO, MACENKO_STRENGTHS, RUIFROK, restain

RGB = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]

BLUR_PX = 1.0
PALE = 0.35
PEN, PEN_PX = (20, 40, 170), 5
JPEG_QUALITY = 30


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """A way in which images differ from those that were learned from.

    Parameters
    ----------
    name : str
        In words.
    apply : callable
        From the image to the disturbed one.
    coarser : int
        How many times larger its pixels are, each way.
    told : bool
        Whether the program is told the pixel size.
    """

    name: str
    apply: Callable[[RGB], RGB]
    coarser: int = 1
    told: bool = True


def blur(rgb: RGB, sigma_px: float = BLUR_PX) -> RGB:
    """Put an image out of focus, by a Gaussian of a standard deviation in px."""
    blurred = ndimage.gaussian_filter(rgb.astype(np.float32), (sigma_px, sigma_px, 0))
    return np.rint(blurred).astype(np.uint8)


def compress(rgb: RGB, quality: int = JPEG_QUALITY) -> RGB:
    """Store an image as JPEG, colours at half the resolution, and read it back."""
    stored = imagecodecs.jpeg_encode(rgb, level=quality, subsampling="420")
    return imagecodecs.jpeg_decode(stored)


def halve(rgb: RGB) -> RGB:
    """Halve the magnification: each pixel is the mean of four; an odd last is lost."""
    height, width = rgb.shape[0] // 2, rgb.shape[1] // 2
    fours = rgb[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    return np.rint(fours.mean(axis=(1, 3))).astype(np.uint8)


def enlarge(labels: Labels, times: int, shape: tuple[int, int]) -> Labels:
    """Show labels `times` as large on a grid ``shape``; the last px may repeat."""
    rows, columns = (
        np.minimum(np.arange(end) // times, side - 1)
        for end, side in zip(shape, labels.shape, strict=True)
    )
    return labels[rows[:, None], columns]


def fade(rgb: RGB, share: float = PALE) -> RGB:
    """Leave of all optical density a share, as where little stain was taken up."""
    return np.rint(255 * (rgb / 255) ** share).astype(np.uint8)


def encircle(rgb: RGB, width_px: int = PEN_PX) -> RGB:
    """Draw a blue line around the middle of an image, as annotations are drawn."""
    rows, columns = np.ogrid[: rgb.shape[0], : rgb.shape[1]]
    centre, radius = np.array(rgb.shape[:2]) / 2, 0.3 * min(rgb.shape[:2])
    away = np.hypot(rows - centre[0], columns - centre[1])
    drawn = rgb.copy()
    drawn[np.abs(away - radius) <= width_px / 2] = PEN
    return drawn


def unchanged(rgb: RGB) -> RGB:
    """Leave an image as it is."""
    return rgb


AS_IT_IS = Disturbance(name="as it is", apply=unchanged)

DISTURBANCES = (
    Disturbance(name="stains of Ruifrok", apply=partial(restain, stains=RUIFROK)),
    Disturbance(
        name="stains of Macenko",
        apply=partial(restain, stains=MACENKO, strengths=MACENKO_STRENGTHS),
    ),
    Disturbance(name=f"blur, sigma {BLUR_PX:g} px", apply=blur),
    Disturbance(name=f"JPEG, quality {JPEG_QUALITY}", apply=compress),
    Disturbance(name=f"stained to {PALE:.0%}", apply=fade),
    Disturbance(name=f"a blue line of {PEN_PX} px", apply=encircle),
    Disturbance(name="20×, pixel size told", apply=halve, coarser=2),
    Disturbance(name="20×, pixel size not told", apply=halve, coarser=2, told=False),
)
