"""Whole validation images, and the thresholds that read them best."""

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from napari_monuseg.core import map_scores
from napari_monuseg.core.arrangement import arranged
from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.predict import PredictOptions, predict
from napari_monuseg.core.progress import Progress, finish
from napari_monuseg.core.scores import Scores, mean_scores, score_labels
from napari_monuseg.core.stains import StainReference
from napari_monuseg.core.torch_import import torch

FOREGROUND_THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55)
SEED_PROMINENCES = (0.08, 0.1, 0.12, 0.15, 0.18, 0.22, 0.26)


@dataclass(frozen=True)
class ValidationImage:
    """What the network says of an image, and the truth ``(H, W)``."""

    maps: NucleusMaps
    truth: npt.NDArray[np.int32]


def validation_maps(
    samples: Sequence[Sample],
    network: NucleusNetwork,
    pixel_size: float,
    device: torch.device,
    stains: StainReference | None = None,
) -> Generator[Progress, None, list[ValidationImage]]:
    """Run the network over whole validation images, in its pixel size and stains."""
    fast = arranged(network, device)
    looked = []
    for number, sample in enumerate(samples):
        yield Progress(
            message=f"Validating on {sample.name}", done=number, total=len(samples)
        )
        with sample.image() as image:
            maps = yield from predict(
                image.for_network(stains),
                fast,
                pixel_size=pixel_size,
                device=device,
                options=PredictOptions(),
            )
        looked.append(ValidationImage(maps, sample.labels()))
    return looked


def choose_thresholds(
    images: Sequence[ValidationImage],
) -> tuple[InstanceOptions, dict[str, float]]:
    """Return the thresholds of the highest mean AJI, and the mean scores there."""
    candidates = [
        InstanceOptions(foreground_threshold=foreground, seed_prominence=seed)
        for foreground, seed in product(FOREGROUND_THRESHOLDS, SEED_PROMINENCES)
    ]
    scored = [(options, score_maps(images, options)) for options in candidates]
    options, scores = max(scored, key=lambda pair: pair[1].aji)
    return options, asdict(scores)


def watch_maps(images: Sequence[ValidationImage]) -> dict[str, float]:
    """Return the mean loss and legacy Dice of maps, by their names in a history."""
    scores = [map_scores.score_maps(image.truth, image.maps) for image in images]
    return {
        "validation_loss": sum(one.loss for one in scores) / len(scores),
        "legacy_dice": sum(one.legacy_dice for one in scores) / len(scores),
    }


def score_maps(images: Sequence[ValidationImage], options: InstanceOptions) -> Scores:
    """Return the mean scores of the nuclei read with these thresholds."""
    return mean_scores(
        [
            score_labels(image.truth, finish(find_nuclei(image.maps, options)))
            for image in images
        ]
    )
