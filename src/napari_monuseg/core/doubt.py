"""Say where the colours of an image are such that its nuclei may be wrong."""

from __future__ import annotations

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

REDDER = 0.01
"""By how much nuclei are redder than other tissue where red and blue are exchanged.

In units of `redness`. In MoNuSeg's 30 images the true nuclei have -0.15 to -0.03, and
0.03 to 0.15 with red and blue exchanged (``tests/core/test_doubt.py``); what ``unet``
finds has -0.16 to -0.04, and 0.02 to 0.11. Where an image is grey it is 0.
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
    stains what lies around, hardly absorbs either (Ruifrok & Johnston). So in H&E
    nuclei are bluer, whatever its scanner makes of white.

    Parameters
    ----------
    image : TissueImage
        RGB ``(H, W)``, looked at in windows spread evenly over it.
    labels : (H, W) int32
        Its nuclei; 0 is background.

    Returns
    -------
    float
        The share of blue less the share of red in what nuclei absorb, less the same
        of other tissue; 0 where there is too little of either to tell.

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
        return 0.0
    share = total / total.sum(1, keepdims=True)
    around, inside = share[:, 2] - share[:, 0]
    return float(inside - around)
