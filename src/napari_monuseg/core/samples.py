"""Tissue to try things on: real tissue restained to H&E, and synthetic tissue."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import data
from skimage.color import hed2rgb, rgb2hed
from skimage.transform import resize

from napari_monuseg.core.separation import largest_part

RGB = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# Optical density per unit of stain in red, green and blue: Ruifrok & Johnston,
# Anal. Quant. Cytol. Histol. 23, 2001.
HEMATOXYLIN = np.array([0.65, 0.70, 0.29])
EOSIN = np.array([0.07, 0.99, 0.11])

SYNTHETIC_PIXEL_SIZE = 0.25
"""Pixel size at which the synthetic nuclei have the size of real ones, µm/px."""


def immunohistochemistry_restained() -> RGB:
    """Give real tissue, restained virtually to H&E.

    The image is scikit-image's ``immunohistochemistry``: human colon stained with
    hematoxylin and DAB (a brown antibody stain). Colour deconvolution separates the
    two; the hematoxylin is strengthened, the DAB is drawn as eosin, and the image is
    doubled in size. So the tissue is real, the colours are not, and the pixel size,
    which the original does not state, is about 0.25 µm/px.

    Returns
    -------
    ndarray
        RGB, ``(1024, 1024, 3)`` uint8.
    """
    stains = rgb2hed(data.immunohistochemistry())
    hematoxylin, _, dab = np.moveaxis(stains, -1, 0)
    tissue = np.clip(hematoxylin - 0.01, 0, None)  # the glass is faintly blue
    restained = hed2rgb(
        np.stack([2.0 * tissue, 0.6 * dab, np.zeros_like(dab)], axis=-1)
    )
    height, width = restained.shape[:2]
    doubled = resize(restained, (2 * height, 2 * width), order=3)
    return _as_bytes(doubled)


def synthetic_tissue(
    shape: tuple[int, int] = (512, 512), *, nuclei: int | None = None, seed: int = 0
) -> tuple[RGB, npt.NDArray[np.int32]]:
    """Draw H&E tissue whose nuclei are known.

    Parameters
    ----------
    shape : tuple of int
        Height and width, px.
    nuclei : int, optional
        How many nuclei to try to place; crowded ones are left out. By default one
        per 1,600 px, as in dense tissue at 0.25 µm/px.
    seed : int
        The same seed gives the same tissue.

    Returns
    -------
    rgb : ndarray
        RGB, ``(H, W, 3)`` uint8.
    labels : ndarray
        The true nuclei, ``(H, W)`` int32: 1 … n without gaps, each of one piece,
        touching in places.
    """
    random = np.random.default_rng(seed)
    wanted = max(shape[0] * shape[1] // 1600, 1) if nuclei is None else nuclei
    labels = np.zeros(shape, np.int32)
    hematoxylin = np.full(shape, 0.06)
    for rows, columns, inside in _outlines(shape, wanted, random):
        window = labels[rows, columns]
        free = largest_part(inside & (window == 0))
        if free.sum() < 0.6 * inside.sum():
            continue
        window[free] = labels.max() + 1
        hematoxylin[rows, columns][free] = random.uniform(0.7, 1.2)
    return _stained(hematoxylin, labels > 0, random), labels


def _outlines(
    shape: tuple[int, int], count: int, random: np.random.Generator
) -> Iterator[tuple[slice, slice, npt.NDArray[np.bool_]]]:
    """Yield deformed ellipses: where each lies, and what it covers there."""
    for _ in range(count):
        centre = random.uniform(0, 1, 2) * np.array(shape)
        longest = random.uniform(8, 13)
        rows, columns = (
            slice(
                max(int(at - 1.2 * longest), 0), min(int(at + 1.2 * longest) + 1, end)
            )
            for at, end in zip(centre, shape, strict=True)
        )
        y, x = np.mgrid[rows, columns] - centre.reshape(2, 1, 1)
        angle = np.arctan2(y, x) - random.uniform(0, 2 * np.pi)
        shorter = longest * random.uniform(0.55, 0.95)
        radius = (
            longest
            * shorter
            / np.hypot(shorter * np.cos(angle), longest * np.sin(angle))
        )
        dents = 1 + 0.06 * np.cos(random.integers(2, 5) * angle + random.uniform(0, 6))
        yield rows, columns, np.hypot(y, x) <= radius * dents


def _stained(
    hematoxylin: Floats, nuclei: npt.NDArray[np.bool_], random: np.random.Generator
) -> RGB:
    """Stain, blur and expose tissue as a microscope shows it."""
    chromatin = 1 + 0.35 * _clouds(nuclei.shape, 1.2, random)
    stroma = 0.38 + 0.12 * _clouds(nuclei.shape, 12, random)
    lumen = _clouds(nuclei.shape, 40, random) > 1.3
    eosin = np.where(nuclei, 0.15, np.where(lumen, 0.03, stroma))
    density = (hematoxylin * chromatin)[..., None] * HEMATOXYLIN
    density += eosin[..., None] * EOSIN
    blurred = ndimage.gaussian_filter(density, (0.8, 0.8, 0))
    noise = random.normal(0, 0.012, blurred.shape)
    return _as_bytes(np.exp(-blurred) * 0.95 + noise)


def _clouds(shape: tuple[int, ...], size: float, random: np.random.Generator) -> Floats:
    """Give smooth noise of mean 0 and standard deviation 1."""
    clouds = ndimage.gaussian_filter(random.normal(size=shape), size)
    even: Floats = (clouds - clouds.mean()) / max(float(clouds.std()), 1e-9)
    return even


def _as_bytes(rgb: Floats) -> RGB:
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
