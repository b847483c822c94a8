"""Bring an image's stain towards that of the images a network learned from.

Laboratories stain differently and scanners see differently; to a network that has
learned from a few images, that is the largest difference between tissues. Beer and
Lambert: what a stain does to a colour is to multiply it, and its *optical density*,
the negative logarithm, grows with the amount. So the density of red, of green and of
blue is moved and stretched, until its mean and its spread over the tissue of the
image lie part of the way from their own to those of a reference. Which colour becomes
which is thus the same everywhere in an image, and fits into a table.

References
----------
Matching mean and spread: E. Reinhard et al., "Color Transfer between Images", IEEE
CG&A 21(5), 2001, there of another colour space. Optical density: A. C. Ruifrok, D. A.
Johnston, "Quantification of histochemical staining by color deconvolution", Anal.
Quant. Cytol. Histol. 23, 2001.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]
Tones = npt.NDArray[np.uint8]
Colours = tuple[float, float, float]

TISSUE_DENSITY = 0.1
"""Mean optical density of the three colours above which a pixel is no empty glass."""

ENOUGH = 256 * 256
"""With fewer pixels of tissue an image is changed less, in proportion."""

LEAST_GREEN = 0.38
"""The share that green has, at least, in what H&E absorbs.

Of hematoxylin's optical density 0.43 is green's, of eosin's 0.85, of DAB's 0.35
(Ruifrok & Johnston); over the 30 images of MoNuSeg the share in the mean is 0.416 to
0.61, and 0.33 or less where they are inverted or grey.
"""

DARKEST_TISSUE = 2.7
"""Mean optical density of the three colours that no H&E reaches: it is 1.3 in the
darkest image of MoNuSeg, and more than this where dyes shine on black."""

ENOUGH_TO_DOUBT = 32 * 32
"""Pixels of tissue by whose colour an image may be doubted."""

LARGEST_STRETCH = 4.0
"""Spreads are at most multiplied or divided by this."""

_SAMPLES = 6
_SAMPLE_SIDE = 256
_STEP = 2

DENSITY = -np.log(np.maximum(np.arange(256), 1) / 255)
"""Optical density of each grey level; 0 counts as 1."""


@dataclass(frozen=True, kw_only=True)
class Stain:
    """How the tissue of an image is stained.

    Parameters
    ----------
    mean, spread : (float, float, float)
        Mean and standard deviation of the optical density of red, green and blue
        over the tissue, in units of the natural logarithm.
    pixels : int
        How many pixels of tissue that was seen on; 0 for none.
    """

    mean: Colours
    spread: Colours
    pixels: int

    @property
    def may_be_h_and_e(self) -> bool:
        """Whether the colours can be those of hematoxylin and eosin.

        Where there is next to no tissue they can. Red and blue exchanged are told by
        nuclei alone (`doubt`).
        """
        return self.pixels < ENOUGH_TO_DOUBT or _may_be_h_and_e(self.mean, self.spread)


@dataclass(frozen=True, kw_only=True)
class StainReference:
    """What the stain of an image is brought towards.

    Parameters
    ----------
    mean, spread : (float, float, float)
        As in `Stain`.
    strength : float
        How much of the way there, 0 to 1.
    """

    mean: Colours
    spread: Colours
    strength: float

    @property
    def may_be_h_and_e(self) -> bool:
        """Whether the colours can be those of hematoxylin and eosin."""
        return _may_be_h_and_e(self.mean, self.spread)

    def tones(self, stain: Stain) -> Tones:
        """Return what each grey level of each colour becomes.

        Parameters
        ----------
        stain : Stain
            Of the image.

        Returns
        -------
        (256, 3) uint8
        """
        strength = self.strength * min(1.0, stain.pixels / ENOUGH)
        own, wanted = np.array(stain.mean), np.array(self.mean)
        stretch = np.array(self.spread) / np.maximum(stain.spread, 1e-6)
        stretch = stretch.clip(1 / LARGEST_STRETCH, LARGEST_STRETCH) ** strength
        middle = own + strength * (wanted - own)
        density = (DENSITY[:, None] - own) * stretch + middle
        tones: Tones = np.rint(255 * np.exp(-density.clip(0))).astype(np.uint8)
        return tones

    @classmethod
    def read(cls, values: dict[str, Any]) -> StainReference:
        """Take it from a file, as `dataclasses.asdict` gave it to it.

        Raises
        ------
        TypeError, ValueError
            If something is missing, unknown or no number.
        """
        colours = {}
        for name in ("mean", "spread"):
            red, green, blue = map(float, values[name])
            colours[name] = (red, green, blue)
        strength = float(values["strength"])
        if not np.isfinite([*colours["mean"], *colours["spread"], strength]).all():
            raise ValueError("a stain that is no number")
        return cls(**values | colours | {"strength": strength})

    @classmethod
    def between(cls, stains: Sequence[Stain], strength: float) -> StainReference:
        """Take the mean of several images, each of which counts the same."""
        mean, spread = (
            np.mean([getattr(stain, name) for stain in stains], axis=0).tolist()
            for name in ("mean", "spread")
        )
        return cls(mean=tuple(mean), spread=tuple(spread), strength=strength)


def _may_be_h_and_e(mean: Colours, spread: Colours) -> bool:
    """Tell by green's share; tinted glass or light leaves that of the spread."""
    green = any(share[1] >= LEAST_GREEN * sum(share) for share in (mean, spread))
    return green and sum(mean) / 3 < DARKEST_TISSUE


def apply_tones(tones: Tones, rgb: Rgb) -> Rgb:
    """Return RGB ``(H, W, 3)`` with each colour's grey levels replaced."""
    toned = np.empty_like(rgb)
    for colour in range(3):
        np.take(tones[:, colour], rgb[..., colour], out=toned[..., colour])
    return toned


def measure_stain(read: Callable[[slice, slice], Rgb], shape: tuple[int, int]) -> Stain:
    """Find out how the tissue of an image is stained.

    Of a small image every other row and column is looked at, and of a larger one
    those of windows spread evenly.

    Parameters
    ----------
    read : callable
        From rows and columns to RGB ``(h, w, 3)``.
    shape : (int, int)
        Height and width, px.
    """
    count, total, squares = 0, np.zeros(3), np.zeros(3)
    for window in sample_windows(shape):
        seen = _tissue(read(*window)[::_STEP, ::_STEP])
        count += len(seen)
        total += seen.sum(0)
        squares += (seen**2).sum(0)
    if not count:
        return Stain(mean=(0.0, 0.0, 0.0), spread=(0.0, 0.0, 0.0), pixels=0)
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return Stain(
        mean=tuple(mean.tolist()),
        spread=tuple(spread.tolist()),
        pixels=count * _STEP**2,
    )


def _tissue(rgb: Rgb) -> npt.NDArray[np.float64]:
    """Return the optical density ``(K, 3)`` of the pixels of tissue."""
    density = DENSITY[rgb]
    tissue: npt.NDArray[np.float64] = density[density.mean(-1) > TISSUE_DENSITY]
    return tissue


def sample_windows(
    shape: tuple[int, int], *, samples: int = _SAMPLES, side: int = _SAMPLE_SIDE
) -> Iterator[tuple[slice, slice]]:
    """Yield all of a small image ``(H, W)``, or windows spread evenly over a large.

    There are as many each way as `samples` says, each of `side` px.
    """
    for rows in _spread(shape[0], samples, side):
        for columns in _spread(shape[1], samples, side):
            yield rows, columns


def _spread(length: int, samples: int, side: int) -> list[slice]:
    """Return all of a side in one, or places spread evenly over it."""
    if length <= samples * side:
        return [slice(0, length)]
    starts = np.linspace(0, length - side, samples).round().astype(int)
    return [slice(int(start), int(start) + side) for start in starts]
