"""How well the maps of a network agree with the true nuclei, before any are read."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.boxes import blocks
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.targets import distance_target

CERTAIN = 1e-4
"""Maps, which are float16, say 0 and 1; the loss takes them as this far from it."""

_BLOCK = 1024
"""Side of the blocks that are summed at once, px."""

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
    both = either = pixels = 0.0
    for window in blocks(truth.shape, _BLOCK):
        target = (truth[window] > 0).astype(np.float64)
        said = np.asarray(maps.foreground[window], np.float64)
        both += float((said * target).sum())
        either += float((said + target).sum())
        pixels += float(((2 * target * said + 1) / (target + said + 1)).sum())
    dice = (2 * both + 1) / (either + 1)
    entropy = cross_entropy(truth, maps, np.ones(truth.shape, bool)) / truth.size
    return MapScores(loss=entropy + 1 - dice, legacy_dice=pixels / truth.size)


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
    distance = distance_target(truth)
    total = 0.0
    for window in blocks(truth.shape, _BLOCK):
        there = counts[window]
        targets = (truth[window] > 0).astype(np.float32), distance[window]
        for said, target in zip((maps.foreground, maps.distance), targets, strict=True):
            wanted = target[there]
            sure = said[window][there].astype(np.float64)
            sure = np.clip(sure, CERTAIN, 1 - CERTAIN)
            entropy = wanted * np.log(sure) + (1 - wanted) * np.log1p(-sure)
            total -= float(entropy.sum())
    return total
