"""Time the networks over an image cut into windows of several largest sides.

All are timed in turns, so that the ratio holds on a machine that is busy with other
work as well. It says what `devices.LARGEST_WINDOW` should be.
"""

import argparse
from functools import partial
from statistics import median

from network import SIDE, in_turns
from tissue import PIXEL_SIZE, tissue

from napari_monuseg.core.arrangement import arrange
from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.devices import pick_device
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.predict import PredictOptions, predict
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import ModelEntry, list_models
from napari_monuseg.core.torch_import import torch

WINDOWS = (512, 768, 1024, 1536, 2048)
"""Largest sides, px; the first is what the others are compared with."""


def seconds_by_window(
    model: ModelEntry, side: int, windows: tuple[int, ...], rounds: int
) -> dict[int, float]:
    """Give the median time of a model over an image, s, by the window's largest side.

    Parameters
    ----------
    model : ModelEntry
        Which.
    side : int
        Of the image, px.
    windows : tuple of int
        Largest sides, px.
    rounds : int
        How often each is timed, after one time that is not counted.
    """
    image = TissueImage.from_array(tissue(side), pixel_size=PIXEL_SIZE)
    device = torch.device(pick_device("auto").name)
    network = arrange(load_network(model.path), device)

    def run(window: int) -> None:
        options = PredictOptions(window=window)
        finish(
            predict(
                image, network, pixel_size=PIXEL_SIZE, device=device, options=options
            )
        )

    actions = {window: partial(run, window) for window in windows}
    turns = in_turns(actions, rounds)
    return {window: median(turn[window] for turn in turns) for window in windows}


def main() -> None:
    """Print a line for each model and size of image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", nargs="+", type=int, default=[SIDE, 2 * SIDE])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    for model in list_models():
        for side in asked.sides:
            seconds = seconds_by_window(model, side, WINDOWS, asked.rounds)
            first = seconds[WINDOWS[0]]
            line = "  ".join(
                f"{window} px {taken:.2f} s ({taken / first:.2f} ×)"
                for window, taken in seconds.items()
            )
            print(f"{model.name}, {side:,} × {side:,} px: {line}", flush=True)


if __name__ == "__main__":
    main()
