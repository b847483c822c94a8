"""How well the maps of a network agree with the true nuclei, before any are read."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.targets import distance_target

CERTAIN = 1e-4
"""Maps, which are float16, say 0 and 1; the loss takes them as this far from it."""

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class MapScores:
    """Agreement of the maps of one whole image with its true nuclei.

    Parameters
    ----------
    loss : float
        What the training minimises (`core.losses.nucleus_loss`), over the whole
        image: cross-entropy of foreground and distance, mean over pixels, plus
        1 - Dice of the foreground's probability. 0 is best.
    legacy_dice : float
        What an older project called Dice, for comparison only: the mean over all
        pixels, background included, of ``(2 t p + 1) / (t + p + 1)``, where `t` is
        1 in true nuclei and 0 elsewhere and `p` is the probability of foreground,
        without a threshold. A certain and right pixel counts 1, a certain and wrong
        one 1/2, so that it lies near (1 + accuracy) / 2 and says little of nuclei.
    """

    loss: float
    legacy_dice: float


def score_maps(truth: Labels, maps: NucleusMaps) -> MapScores:
    """Score the maps of one whole image.

    Parameters
    ----------
    truth : (H, W) int32
        True nuclei, 0 for background.
    maps : NucleusMaps
        What the network says, ``(H, W)``.
    """
    everything = np.ones(truth.shape, bool)
    target = (truth > 0).astype(np.float64)
    said = np.asarray(maps.foreground, np.float64)
    overlap = 2 * float((said * target).sum()) + 1
    dice = overlap / (float(said.sum() + target.sum()) + 1)
    entropy = cross_entropy(truth, maps, everything) / truth.size
    pixels = (2 * target * said + 1) / (target + said + 1)
    return MapScores(loss=entropy + 1 - dice, legacy_dice=float(pixels.mean()))


def cross_entropy(truth: Labels, maps: NucleusMaps, counts: Mask) -> float:
    """Return the cross-entropy of foreground and distance, summed over pixels.

    Parameters
    ----------
    truth : (H, W) int32
        True nuclei, 0 for background.
    maps : NucleusMaps
        What the network says, ``(H, W)``.
    counts : (H, W) bool
        The pixels to sum over.
    """
    targets = (truth > 0).astype(np.float32), distance_target(truth)
    total = 0.0
    for said, target in zip((maps.foreground, maps.distance), targets, strict=True):
        wanted = target[counts]
        there = np.clip(said[counts].astype(np.float64), CERTAIN, 1 - CERTAIN)
        entropy = wanted * np.log(there) + (1 - wanted) * np.log1p(-there)
        total -= float(entropy.sum())
    return total
