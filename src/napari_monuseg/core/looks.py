"""How a network does in parts of reviewed areas: its loss, and the scores there."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.arrangement import arranged
from napari_monuseg.core.boxes import bounding_window
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.map_scores import cross_entropy
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.matches import Matches
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.predict import PredictOptions, predict
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.regions import Region, that_count
from napari_monuseg.core.scores import mean_scores, score_labels
from napari_monuseg.core.torch_import import torch

SURROUNDINGS = 96
"""Tissue around a part that the network sees, px."""

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Part = tuple[Region, Mask]


@dataclass(frozen=True, kw_only=True)
class Look:
    """Means over the parts.

    Parameters
    ----------
    loss : float
        Cross-entropy of foreground and distance over the pixels that count.
    dice, aji : float
        Of the nuclei that count.
    """

    loss: float
    dice: float
    aji: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """What a network finds in one part.

    Parameters
    ----------
    rgb : (h, w, 3) uint8
        The part's bounding box, with surroundings.
    truth, found : (h, w) int32
        The corrected nuclei and the network's.
    area : (h, w) bool
        The part.
    maps : NucleusMaps
        What `found` was read from.
    """

    rgb: npt.NDArray[np.uint8]
    truth: Labels
    found: Labels
    area: Mask
    maps: NucleusMaps


def look(
    parts: Sequence[Part],
    network: NucleusNetwork,
    instances: InstanceOptions,
    device: str,
) -> Generator[Progress, None, Look]:
    """Run a network over parts of reviewed areas and compare with what is true.

    Parameters
    ----------
    parts : sequence of (Region, mask)
        At least one; the mask ``(H, W)`` says which part of the region.
    network : NucleusNetwork
        Left as it is, wherever it is.
    instances : InstanceOptions
        How nuclei are read.
    device : str
        ``cpu``, ``cuda:0``, …
    """
    seen = yield from see(parts, network, instances, device)
    scores = mean_scores(
        [score_labels(*inside(one.truth, one.found, one.area)) for one in seen]
    )
    losses, pixels = zip(*(_loss(one) for one in seen), strict=True)
    return Look(
        loss=sum(losses) / max(1, sum(pixels)), dice=scores.dice, aji=scores.aji
    )


def see(
    parts: Sequence[Part],
    network: NucleusNetwork,
    instances: InstanceOptions,
    device: str,
) -> Generator[Progress, None, list[Seen]]:
    """Run a network over parts of reviewed areas."""
    fast = arranged(network, torch.device(device))
    seen = []
    for region, mask in parts:
        window = bounding_window(mask, SURROUNDINGS)
        maps = yield from predict(
            TissueImage.from_array(region.shown[window], pixel_size=region.pixel_size),
            fast,
            pixel_size=region.pixel_size,
            device=torch.device(device),
            options=PredictOptions(),
        )
        found = yield from find_nuclei(maps, instances)
        seen.append(
            Seen(
                rgb=region.rgb[window],
                truth=region.labels[window],
                found=found,
                area=mask[window],
                maps=maps,
            )
        )
    return seen


def inside(truth: Labels, found: Labels, area: Mask) -> tuple[Labels, Labels]:
    """Return true and found nuclei of an area as two equally long lists of pixels.

    True nuclei that reach beyond the area are ignored with all their pixels. Of
    the found ones, those are that lie for the most part where nothing counts; what
    remains is scored on the pixels that count.

    Parameters
    ----------
    truth, found : (H, W) int32
        Nuclei.
    area : (H, W) bool
        What is to be scored.

    Returns
    -------
    truth, found : (1, K) int32
        At the pixels that count, for `score_labels`.
    """
    counts = that_count(truth, area)
    kept = _mostly_in(counts, found)
    return truth[counts][None], kept[counts][None]


def matched(seen: Seen) -> Matches:
    """Tell which nuclei of a part are found, false and missed, as `inside` has them."""
    counts = that_count(seen.truth, seen.area)
    kept = _mostly_in(counts, seen.found)
    return Matches.of(np.where(counts, seen.truth, 0), np.where(counts, kept, 0))


def _mostly_in(counts: Mask, found: Labels) -> Labels:
    """Leave out nuclei that lie for the most part where nothing counts."""
    size = int(found.max(initial=0)) + 1
    areas = np.bincount(found.ravel(), minlength=size)
    counted = np.bincount(found[counts], minlength=size)
    return np.where((2 * counted > areas)[found], found, 0)


def _loss(seen: Seen) -> tuple[float, int]:
    """Return summed cross-entropy, and over how many pixels."""
    counts = that_count(seen.truth, seen.area)
    return cross_entropy(seen.truth, seen.maps, counts), int(counts.sum())
