"""Say where the colours of an image are such that its nuclei may be wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.stains import (
    DENSITY,
    ENOUGH_TO_DOUBT,
    TISSUE_DENSITY,
    sample_windows,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_monuseg.core.image import TissueImage
    from napari_monuseg.core.model_info import ModelInfo

REDDER = -0.03
"""Above this `redness`, red and blue are taken for exchanged.

In MoNuSeg's 30 images the true nuclei have less than -0.06, and more than 0.06 with
red and blue exchanged, in three lights (``tests/core/test_doubt.py``). What ``unet``
finds has -0.28 to -0.07, and in exchanged colours, in which it finds other nuclei as
well, more than this in 29 of the 30 (``benchmarks/exchanged_colours.py``).
"""

_SAMPLES, _SAMPLE_SIDE, _STEP = 4, 128, 2


def find_colour_doubt(
    image: TissueImage, labels: NDArray[np.int32], info: ModelInfo
) -> str:
    """Say why colours put the nuclei in doubt, in a sentence; nothing where they don't.

    Only a model that learned from H&E alone is doubted: what one was taught from
    somebody's own images, nobody knows here.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``.
    labels : (H, W) int32
        The nuclei that were found in it.
    info : ModelInfo
        What found them.
    """
    if info.learned or info.stains is None or not info.stains.may_be_h_and_e:
        return ""
    if not image.stain.may_be_h_and_e:
        return (
            f"The colours of {image.name} are not those of H&E, from which {info.name} "
            "has learned: look closely at the nuclei."
        )
    try:
        redder = redness(image, labels)
    except ImageError:  # its file has gone meanwhile, which the nuclei do not mind
        return ""
    if redder > REDDER:
        return (
            f"Red and blue seem to be exchanged in {image.name}, whose nuclei are "
            "redder than the tissue around them: save it as RGB and run again."
        )
    return ""


def redness(image: TissueImage, labels: NDArray[np.int32]) -> float:
    """Tell how much redder nuclei are than the tissue around them.

    Hematoxylin, which stains nuclei, absorbs twice as much red as blue; eosin, which
    stains what lies around, hardly absorbs either (Ruifrok & Johnston). So in H&E what
    nuclei absorb beyond the tissue around them is red rather than blue. A tint of the
    light is in both, and does not count.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``, looked at in windows spread evenly over it.
    labels : (H, W) int32
        Its nuclei; 0 is background.

    Returns
    -------
    float
        How much more blue than red nuclei absorb beyond what other tissue does, as a
        share of all colours, -1 to 1; NaN where there is too little to tell.

    Raises
    ------
    ImageError
        If the image cannot be read.
    """
    tissue = image.for_network(None)  # no ink
    total = np.zeros((2, 3))
    count = np.zeros(2, np.int64)
    shape = (image.height, image.width)
    for window in sample_windows(shape, samples=_SAMPLES, side=_SAMPLE_SIDE):
        density = DENSITY[tissue.read(*window)[::_STEP, ::_STEP]]
        seen = density.mean(-1) > TISSUE_DENSITY
        nuclei = labels[window][::_STEP, ::_STEP] > 0
        for kind, there in enumerate((seen & ~nuclei, seen & nuclei)):
            total[kind] += density[there].sum(0)
            count[kind] += np.count_nonzero(there)
    if count.min() * _STEP**2 < ENOUGH_TO_DOUBT:
        return math.nan
    around, inside = total / count[:, None]
    red, _, blue = beyond = inside - around
    return float((blue - red) / max(np.abs(beyond).sum(), 1e-6))
