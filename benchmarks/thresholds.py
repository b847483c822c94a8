"""Score what a model sees by every pair of thresholds.

The network runs once over each image. A line for each foreground threshold says the
mean Dice, precision and recall of the pixels, and AJI (PQ) by seed prominence. What
suits images that the model has learned from need not suit others.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from choice import chosen_samples, parser_of_images

from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import ModelEntry, find_model
from napari_monuseg.core.scores import Scores
from napari_monuseg.core.segment import SegmentOptions, segment
from napari_monuseg.core.validation import ValidationImage, score_maps

FOREGROUNDS = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
PROMINENCES = (0.12, 0.15, 0.18, 0.22, 0.26)


def main() -> int:
    """Print a table for each model; 0 unless there is nothing to measure."""
    parser = parser_of_images(__doc__)
    parser.add_argument("--model", nargs="+", default=["unet"], help="names or files")
    parser.add_argument("--foreground", nargs="+", type=float, default=FOREGROUNDS)
    parser.add_argument("--prominence", nargs="+", type=float, default=PROMINENCES)
    parser.add_argument("--augment", action="store_true", help="over eight turns")
    options = parser.parse_args()
    try:
        samples = chosen_samples(options)
        for model in map(find_model, options.model):
            images = [
                look(sample, model, augment=options.augment) for sample in samples
            ]
            print(f"\n{model.name}, {len(samples)} images")
            base = model.info.instances
            for line in table(images, base, options.foreground, options.prominence):
                print(line, flush=True)
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def look(
    sample: Sample, model: ModelEntry, *, augment: bool = False
) -> ValidationImage:
    """Let a network see an image, whole."""
    with sample.image() as image:
        found = finish(segment(image, model, SegmentOptions(augment=augment)))
    return ValidationImage(found.maps, sample.labels())


def table(
    images: Sequence[ValidationImage],
    base: InstanceOptions,
    foregrounds: Sequence[float],
    prominences: Sequence[float],
) -> Iterator[str]:
    """Yield headings, then a line for each foreground threshold."""
    heading = "".join(f"{f'AJI (PQ) at {one:g}':>20}" for one in prominences)
    yield f"{'foreground':<12}{'Dice':>8}{'precision':>11}{'recall':>8}{heading}"
    for foreground in foregrounds:
        scored = [
            score_maps(
                images,
                replace(base, foreground_threshold=foreground, seed_prominence=one),
            )
            for one in prominences
        ]
        yield _line(foreground, scored)


def _line(foreground: float, scored: Sequence[Scores]) -> str:
    """Return a line; the pixels hardly depend on how they are divided."""
    first = scored[0]
    pixels = f"{first.dice:8.3f}{first.precision:11.3f}{first.recall:8.3f}"
    divided = "".join(f"{f'{one.aji:.4f} ({one.pq:.4f})':>20}" for one in scored)
    return f"{foreground:<12g}{pixels}{divided}"


if __name__ == "__main__":
    sys.exit(main())
