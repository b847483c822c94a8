"""Measure what other stains, blur, compression and 20× cost: ``make bench-robustness``.

Every image is segmented as it is and disturbed in each of several ways, and scored
whole against the same true nuclei, on its own grid. Scores are means over images;
what is lost is the share by which the mean AJI falls. A model that has seen the
images scores too high on all of them, but what it loses still tells something.
"""

import argparse
import json
import sys
from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from choice import chosen_samples, parser_of_images
from disturbances import AS_IT_IS, DISTURBANCES, Disturbance, enlarge
from speed import shipped_models

from napari_monuseg.commands.console import run_with_bar
from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import ASSUMED_PIXEL_SIZE
from napari_monuseg.core.progress import Progress, finish
from napari_monuseg.core.registry import ModelEntry, find_model
from napari_monuseg.core.scores import Scores, mean_scores, score_labels
from napari_monuseg.core.segment import SegmentOptions, segment

AIM = 0.10
"""Share of AJI that a disturbance may cost."""

SCORES = {"dice": "Dice", "aji": "AJI", "pq": "PQ"}


def main() -> int:
    """Print a table for each model; 0 unless there is nothing to measure."""
    options = _options()
    reports = []
    try:
        models = [find_model(name) for name in options.model] or shipped_models()
        samples = chosen_samples(options)
        for model in models:
            means = run_with_bar(measure(model, samples, options.device), model.name)
            print(f"\n{model.name}, {len(samples)} images\n{as_table(means)}")
            reports.append(_report(model, samples, means))
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(reports, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = parser_of_images(__doc__)
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        default=[],
        help="names or files; all shipped if left out",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda:0, mps")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def measure(
    model: ModelEntry, samples: Sequence[Sample], device: str = "auto"
) -> Generator[Progress, None, dict[str, Scores]]:
    """Score a model on images as they are, and in each disturbance.

    Yields
    ------
    Progress
        A step per image and disturbance.

    Returns
    -------
    dict of str to Scores
        Mean over the images by name of the disturbance, `AS_IT_IS` first.
    """
    ways = (AS_IT_IS, *DISTURBANCES)
    scores: dict[str, list[Scores]] = {way.name: [] for way in ways}
    for number, sample in enumerate(samples):
        for step, way in enumerate(ways):
            yield Progress(
                message=f"{sample.name}, {way.name}",
                done=number * len(ways) + step,
                total=len(samples) * len(ways),
            )
            scores[way.name].append(_score(way, sample, model, device))
    return {name: mean_scores(one) for name, one in scores.items()}


def _score(way: Disturbance, sample: Sample, model: ModelEntry, device: str) -> Scores:
    truth = sample.labels()
    with sample.image() as image:
        disturbed = disturb(image, way)
    found = finish(segment(disturbed, model, SegmentOptions(device=device))).labels
    return score_labels(truth, enlarge(found, way.coarser, truth.shape))


def disturb(image: TissueImage, way: Disturbance) -> TissueImage:
    """Return the disturbed image, with its pixel size if that is told."""
    pixel_size = (image.pixel_size or ASSUMED_PIXEL_SIZE) * way.coarser
    return TissueImage.from_array(
        way.apply(image.read(slice(None), slice(None))),
        name=image.name,
        pixel_size=pixel_size if way.told else None,
    )


def lost(before: Scores, after: Scores) -> float:
    """Return the share of AJI that was lost; below 0 if some was gained."""
    return 1 - after.aji / before.aji if before.aji else 0.0


def as_table(means: dict[str, Scores]) -> str:
    """Lay out the scores, what each disturbance costs, and whether the aim is met."""
    headings = "".join(f"{heading:>8}" for heading in SCORES.values())
    lines = [f"{'images':<26}{headings}{'AJI lost':>10}  aim: at most {AIM:.0%}"]
    before = means[AS_IT_IS.name]
    for name, scores in means.items():
        cells = "".join(f"{getattr(scores, score):8.3f}" for score in SCORES)
        line = f"{name:<26}{cells}"
        if name != AS_IT_IS.name:
            share = lost(before, scores)
            line += f"{share:10.1%}  {'met' if share <= AIM else 'NOT met'}"
        lines.append(line)
    return "\n".join(lines)


def _report(
    model: ModelEntry, samples: Sequence[Sample], means: dict[str, Scores]
) -> dict[str, Any]:
    before = means[AS_IT_IS.name]
    return {
        "model": model.name,
        "images": [sample.name for sample in samples],
        "scores": {
            name: {**asdict(scores), "aji_lost": lost(before, scores)}
            for name, scores in means.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
