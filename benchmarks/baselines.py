"""Measure the project this one grew from, under our protocol: ``make bench-baselines``.

Its UNet and SegNet are trained on the training images of the split, with its
recipe, and scored on whole test images, with the scores and the table of
``napari-monuseg evaluate``. A training that was stopped goes on.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from baseline_networks import BASELINES
from baseline_training import baseline_options, segment_whole, train_baseline

from napari_monuseg.commands.console import run_with_bar
from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.evaluate import Evaluation
from napari_monuseg.core.parts import choose_samples, read_parts
from napari_monuseg.core.scores import score_labels
from napari_monuseg.core.training_options import RECIPES
from napari_monuseg.core.training_state import TrainingState

SPLIT = Path(__file__).resolve().parents[1] / "weights" / "split.json"


def main() -> int:
    """Print a table for each network and seed; 0 unless something is missing."""
    options = _options()
    reports = []
    try:
        for name, seed in product(options.network, options.seed):
            reports.append(_measure(name, seed, options))
            if options.json:
                options.json.write_text(json.dumps(reports, indent=1) + "\n")
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="images with their true nuclei")
    parser.add_argument(
        "--network", nargs="+", choices=BASELINES, default=list(BASELINES)
    )
    parser.add_argument("--split", type=Path, default=SPLIT)
    parser.add_argument(
        "--train-part",
        nargs="+",
        default=["train", "validation"],
        metavar="PART",
        help="to learn from; all 16 training images when left out",
    )
    parser.add_argument(
        "--part",
        nargs="+",
        default=["test_same_organ", "test_other_organ"],
        help="to be scored",
    )
    parser.add_argument(
        "--steps",
        type=int,
        default=RECIPES["unet"]["steps"],
        help="most optimizer steps, over all runs; as ours by default",
    )
    parser.add_argument("--minutes", type=float, help="most minutes, over all runs")
    parser.add_argument(
        "--batch", type=int, default=4, help="crops per step; as ours by default"
    )
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/baselines"))
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def _measure(name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train and score a baseline, print its table and give all of it."""
    training = choose_samples(
        options.folder, read_parts(options.split, options.train_part)
    )
    recipe = baseline_options(
        steps=options.steps, minutes=options.minutes, batch=options.batch, seed=seed
    )
    title = f"{name}-{len(training)}-images-seed-{seed}"
    options.runs.mkdir(parents=True, exist_ok=True)
    path = options.runs / f"{title}.training"
    state = run_with_bar(train_baseline(name, training, recipe, path), title)
    tests = choose_samples(options.folder, read_parts(options.split, options.part))
    evaluation = score_baseline(title, state, tests)
    done = {"steps": state.step, "minutes": round(state.seconds / 60, 1)}
    print(f"\n{title}, {done['steps']} steps of {options.batch} crops")
    print(evaluation.as_table(), flush=True)
    return {**evaluation.as_dict(), **done, "batch": options.batch}


def score_baseline(
    title: str, state: TrainingState, samples: Sequence[Sample]
) -> Evaluation:
    """Segment whole images and score them against their true nuclei."""
    rows = []
    for sample in samples:
        with sample.image() as image:
            rgb = image.read(slice(None), slice(None))
        found = segment_whole(state.network, rgb, state.device)
        rows.append((sample.name, score_labels(sample.labels(), found)))
    return Evaluation(model=title, rows=rows, failures=[])


if __name__ == "__main__":
    sys.exit(main())
