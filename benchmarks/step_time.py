"""Time a training step of each network in its recommended shape and in others.

All are timed in turns on the same synthetic tissue, so that the ratio holds on a
machine that is busy with other work as well.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from napari_monuseg.core.crops import CropSource, training_image
from napari_monuseg.core.networks import NETWORKS, RECOMMENDED, build_network
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.core.torch_import import torch
from napari_monuseg.core.training import train_step
from napari_monuseg.core.training_options import RECIPES, TrainingOptions
from napari_monuseg.core.training_state import TrainingState

ROUNDS = 5

OTHERS: dict[str, list[dict[str, Any]]] = {
    "unet": [{"decoder_channels": [256, 128, 64, 32, 16]}],
    "segnet": [{"widths": [32, 64, 128, 256]}, {"context": []}],
    "deeplabv3plus": [{"encoder_depth": 5}],
}
"""By network, what is changed in its recommended shape."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A network in some shape, ready to be trained.

    Parameters
    ----------
    network : str
        As `build_network` takes it.
    change : dict
        What is not as recommended.
    """

    network: str
    change: dict[str, Any]
    options: TrainingOptions
    state: TrainingState
    source: CropSource

    @classmethod
    def of(cls, network: str, change: dict[str, Any]) -> "Trial":
        """Build it from random weights, with the network's recipe."""
        shape = RECOMMENDED[network] | change
        options = TrainingOptions(
            network=network, network_options=shape, **RECIPES[network]
        )
        image = training_image(*synthetic_tissue((768, 768)))
        return cls(
            network=network,
            change=change,
            options=options,
            state=TrainingState(
                build_network(network, **shape), options, torch.device("cpu")
            ),
            source=CropSource([image], crop=options.crop, options=options.augmentation),
        )

    def step(self) -> float:
        """Take a step; give how long it took, s."""
        begun = time.perf_counter()
        train_step(self.source, self.options, self.state, 0.5)
        return time.perf_counter() - begun


def seconds_per_step(trials: Sequence[Trial], rounds: int) -> list[float]:
    """Give the median time of a step of each, s, after one that is not counted."""
    for trial in trials:
        trial.step()
    turns = [[trial.step() for trial in trials] for _ in range(rounds)]
    return [median(times) for times in zip(*turns, strict=True)]


def main() -> None:
    """Print how much longer steps take in other shapes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="*", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="steps of each")
    asked = parser.parse_args()
    for network in asked.network or NETWORKS:
        trials = [Trial.of(network, change) for change in ({}, *OTHERS[network])]
        first, *others = seconds_per_step(trials, asked.rounds)
        print(f"{network} as recommended: {first:.2f} s a step")
        for trial, seconds in zip(trials[1:], others, strict=True):
            print(
                f"  {trial.change}: {seconds:.2f} s, {seconds / first:.2f} times that"
            )


if __name__ == "__main__":
    main()
