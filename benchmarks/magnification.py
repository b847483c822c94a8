"""Count how often the magnification is guessed right: as scanned, and halved.

Every image is looked at as it is and with half the pixels each way, without its
pixel size, and the guess is compared with what it is known to be; 0.25 µm/px where
nothing is known. Halved images at 20× are left out: 10× is no guess. How crisp the
images are, which is one of the three witnesses, is printed first.
"""

import sys
from collections.abc import Generator, Iterable, Sequence
from itertools import chain

import numpy as np
from choice import chosen_samples, parser_of_images
from disturbances import RGB, halve

from napari_monuseg.commands.console import run_with_bar
from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.devices import pick_device
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import ASSUMED_PIXEL_SIZE
from napari_monuseg.core.magnification import CRISP, crispness, guess_pixel_size
from napari_monuseg.core.predict import PredictOptions
from napari_monuseg.core.progress import Progress, finish
from napari_monuseg.core.registry import ModelEntry, find_model
from napari_monuseg.core.torch_import import torch

Guess = tuple[str, float, float]
"""Name of an image, what it is and what it was guessed to be, µm/px."""

Way = tuple[RGB, float]
"""An image as it is looked at, and the pixel size that it has so, µm/px."""


def main() -> int:
    """Print a line for each model; 0 unless there is nothing to measure."""
    parser = parser_of_images(__doc__)
    parser.add_argument("--model", nargs="+", default=["unet"])
    options = parser.parse_args()
    try:
        samples = chosen_samples(options)
        print("\n".join(describe_crispness(chain.from_iterable(map(ways_of, samples)))))
        for model in map(find_model, options.model):
            guesses = run_with_bar(guess_all(model, samples), model.name)
            print("\n".join(describe(model.name, guesses)))
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def guess_all(
    model: ModelEntry, samples: Sequence[Sample]
) -> Generator[Progress, None, list[Guess]]:
    """Guess the pixel size of every image, as it is and halved."""
    device = torch.device(pick_device("auto").name)
    network = load_network(model.path).to(device)
    guesses = []
    for number, sample in enumerate(samples):
        yield Progress(message=sample.name, done=number, total=len(samples))
        for shown, true in ways_of(sample):
            guess = finish(
                guess_pixel_size(
                    TissueImage.from_array(shown).for_network(model.info.stains),
                    network,
                    pixel_size=model.info.pixel_size,
                    device=device,
                    options=PredictOptions(),
                )
            )
            guesses.append((sample.name, true, guess))
    return guesses


def ways_of(sample: Sample) -> list[Way]:
    """Give an image as it is and, unless it is at 20×, halved."""
    with sample.image() as image:
        rgb = image.read(slice(None), slice(None))
        known = image.pixel_size_or(ASSUMED_PIXEL_SIZE)
    ways = [(rgb, known)]
    if np.isclose(known, ASSUMED_PIXEL_SIZE):
        ways.append((halve(rgb), 2 * known))
    return ways


def describe_crispness(ways: Iterable[Way]) -> list[str]:
    """Return how crisp the images of each pixel size are, the least first."""
    crisp = [(true, crispness(TissueImage.from_array(rgb))) for rgb, true in ways]
    lines = [f"crispness, {CRISP:g} between 40× and 20×"]
    for size in sorted({true for true, _ in crisp}):
        at = sorted(value for true, value in crisp if true == size)
        lines.append(f"{size:g} µm/px: {' '.join(f'{value:.3f}' for value in at)}")
    return lines


def describe(model: str, guesses: Sequence[Guess]) -> list[str]:
    """Return how many were right at each pixel size, and which were not."""
    lines = []
    for size in sorted({true for _, true, _ in guesses}):
        at = [(name, guess) for name, true, guess in guesses if true == size]
        wrong = [name for name, guess in at if not np.isclose(guess, size)]
        named = f": not {', '.join(wrong)}" if wrong else ""
        right = len(at) - len(wrong)
        lines.append(f"{model} at {size:g} µm/px: {right} of {len(at)} right{named}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
