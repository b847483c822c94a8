"""An image's own stains, and the same tissue in the stains of another laboratory.

Optical density is the negative natural logarithm of the light that comes through.
Stains are rows ``(2, 3)``: hematoxylin and eosin in red, green and blue, of length 1.

References
----------
.. [1] M. Macenko et al., "A Method for Normalizing Histology Slides for Quantitative
   Analysis", IEEE ISBI, 2009.
.. [2] M. Veta, "Staining unmixing and normalization" (MATLAB code, 2013),
   github.com/mitkovetta/staining-normalization: the constants, and the reference
   that most programs take for Macenko's.
.. [3] A. C. Ruifrok, D. A. Johnston, "Quantification of histochemical staining by
   color deconvolution", Anal. Quant. Cytol. Histol. 23, 2001.
"""

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.samples import EOSIN, HEMATOXYLIN

RGB = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

GLASS = 240
"""What comes through where there is no tissue, of 255 [2]_."""

FAINTEST = 0.15
"""A pixel is taken for tissue if its density exceeds it in each colour [1]_."""

EXTREMES = (1, 99)
"""Percentiles of the angle at which the two stains are taken to lie [1]_."""

STRONGEST = 99
"""Percentile of a stain's amount that is called its strength [2]_."""

RUIFROK = np.stack([stain / np.linalg.norm(stain) for stain in (HEMATOXYLIN, EOSIN)])
"""The stains of [3]_."""

MACENKO = np.array([[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]])
"""The reference stains of [2]_, ``HERef``."""

MACENKO_STRENGTHS = np.array([1.9705, 1.0308])
"""Their strengths in the same reference, ``maxCRef``."""


def optical_density(rgb: RGB) -> Floats:
    """Return the optical density ``(H, W, 3)`` of an image; glass is near 0."""
    return -np.log((rgb + 1.0) / GLASS)


def stains_of(rgb: RGB) -> Floats:
    """Estimate the stains of an image by Macenko's method [1]_.

    The densities of tissue lie near a plane through the origin, which the singular
    value decomposition finds; in it, the two stains are the outermost directions.
    Eosin that lets nearly all red through, as Ruifrok's does, is found only where
    hematoxylin is as well, so that its direction leans to that.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        H&E tissue.

    Returns
    -------
    (2, 3) float64
        Hematoxylin, the redder in density, and eosin.

    Raises
    ------
    ImageError
        If the image shows no tissue.
    """
    density = optical_density(rgb).reshape(-1, 3)
    tissue = density[(density > FAINTEST).all(axis=1)]
    if len(tissue) < 2:
        raise ImageError("The image shows no stained tissue; choose another one.")
    _, _, directions = np.linalg.svd(tissue, full_matrices=False)
    plane = directions[:2] * np.sign(directions[:2].sum(axis=1, keepdims=True))
    along, across = (tissue @ plane.T).T
    angles = np.percentile(np.arctan2(across, along), EXTREMES)
    stains = np.column_stack((np.cos(angles), np.sin(angles))) @ plane
    return stains[np.argsort(-stains[:, 0])]


def restain(rgb: RGB, stains: Floats, strengths: Floats | None = None) -> RGB:
    """Show the same tissue in other stains.

    What an image's own two stains do not explain is lost, as in normalised images.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        H&E tissue.
    stains : (2, 3) float64
        Those to show it in.
    strengths : (2,) float64, optional
        How strong each is to be; as it is when left out.

    Returns
    -------
    (H, W, 3) uint8
        The restained tissue.

    Raises
    ------
    ImageError
        If the image shows no tissue.
    """
    amounts = optical_density(rgb) @ np.linalg.pinv(stains_of(rgb))
    if strengths is not None:
        amounts *= strengths / np.percentile(amounts, STRONGEST, axis=(0, 1))
    light = GLASS * np.exp(-amounts @ stains) - 1
    return np.rint(light.clip(0, 255)).astype(np.uint8)
