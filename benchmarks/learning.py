"""Measure what correcting a part of an image is worth: ``make bench-learning``.

A network that never saw the organ segments an image. The top left quarter of it is
taken as reviewed, with its true nuclei; the network is fine-tuned on that, and each
of the other three quarters is scored before and after. Nuclei cut by a quarter's
edge are ignored.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_monuseg.commands.console import run_with_bar
from napari_monuseg.core.checked import Corrections
from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.datasets import Sample, find_samples, read_split, select
from napari_monuseg.core.devices import pick_device
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.finetuning_options import FinetuneOptions
from napari_monuseg.core.instances import find_nuclei
from napari_monuseg.core.lessons import Lesson
from napari_monuseg.core.looks import inside
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.predict import PredictOptions, predict
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import ModelEntry, find_model
from napari_monuseg.core.scores import Scores, mean_scores, score_labels
from napari_monuseg.core.torch_import import torch

SIDE = 500
"""Of a quarter, px."""

QUARTERS = ((0, SIDE), (SIDE, 0), (SIDE, SIDE))
"""Where those begin that are scored; the first one is learned from."""

AIM, WORST = 0.04, -0.005
"""Gain of AJI in the mean, and the most that any image may lose."""

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One image, before and after: means over its three quarters.

    Parameters
    ----------
    image : str
        Its name.
    before, after : Scores
        Means over the quarters.
    minutes : float
        The fine-tuning took.
    verdict : str
        What the gate said, from the reviewed quarter alone.
    """

    image: str
    before: Scores
    after: Scores
    minutes: float
    verdict: str

    @property
    def gain(self) -> float:
        """Of AJI."""
        return self.after.aji - self.before.aji


def main() -> int:
    """Print the table; 0 unless there is nothing to measure."""
    options = _options()
    try:
        for network in options.network:
            base = _base(network, options)
            outcomes = list(_outcomes(base, options))
            print(f"\n{network}\n{as_table(outcomes)}", flush=True)
            if options.json:
                _write_json(options.json, network, outcomes)
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="MoNuSeg, with splits.json")
    parser.add_argument("--network", nargs="+", default=["unet"])
    parser.add_argument(
        "--base",
        type=Path,
        help="a model that saw none of the images; trained if left out",
    )
    parser.add_argument("--bases", type=Path, default=Path("runs/learning"))
    parser.add_argument("--base-minutes", type=float, default=45, help="if trained")
    parser.add_argument("--minutes", type=float, default=3, help="of fine-tuning")
    parser.add_argument("--images", type=int, default=6, help="how many of the six")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def _base(network: str, options: argparse.Namespace) -> ModelEntry:
    """Give a model that learned from the split's training images alone."""
    if options.base:
        return find_model(options.base)
    path: Path = options.bases / f"{network}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "napari_monuseg", "train", options.folder]
        command += ["--split", options.folder / "splits.json", "--network", network]
        command += ["--minutes", options.base_minutes, "--steps", 100_000]
        command += ["--batch", 4, "--output", path]
        if path.with_suffix(".training").exists():
            command.append("--resume")
        subprocess.run([str(part) for part in command], check=True)
    return find_model(path)


def _outcomes(base: ModelEntry, options: argparse.Namespace) -> Iterator[Outcome]:
    split = read_split(options.folder / "splits.json")
    samples = select(find_samples(options.folder), split["test_other_organ"])
    for sample in samples[: options.images]:
        yield _measure(base, sample, options.minutes)


def _measure(base: ModelEntry, sample: Sample, minutes: float) -> Outcome:
    truth = sample.labels()
    reviewed = np.zeros(truth.shape, bool)
    reviewed[:SIDE, :SIDE] = True
    # Outside of what was reviewed nobody has corrected anything.
    labels = np.where(reviewed, truth, 0).astype(np.int32)
    with sample.image() as image:
        corrections = Corrections(image=image, labels=labels, reviewed=reviewed)
        recipe = FinetuneOptions(steps=100_000, minutes=minutes)
        lesson = Lesson(base, [corrections], recipe)
        tuned = run_with_bar(lesson.train(), sample.name)
        judgement = run_with_bar(lesson.judge(tuned), "Judging")
        before = _score(base, load_network(base.path), image, truth)
        after = _score(base, tuned.network, image, truth)
    return Outcome(
        image=sample.name,
        before=before,
        after=after,
        minutes=tuned.minutes,
        verdict=judgement.verdict,
    )


def _score(
    model: ModelEntry, network: NucleusNetwork, image: Any, truth: Labels
) -> Scores:
    device = torch.device(pick_device("auto").name)
    maps = finish(
        predict(
            image.for_network(model.info.stains),
            network.to(device).to(memory_format=torch.channels_last),
            pixel_size=model.info.pixel_size,
            device=device,
            options=PredictOptions(),
        )
    )
    found = finish(find_nuclei(maps, model.info.instances))
    scores = []
    for top, left in QUARTERS:
        quarter = np.zeros(truth.shape, bool)
        quarter[top : top + SIDE, left : left + SIDE] = True
        scores.append(score_labels(*inside(truth, found, quarter)))
    return mean_scores(scores)


def as_table(outcomes: list[Outcome]) -> str:
    """Lay out before and after, image by image, and whether the aims are met."""
    heading = f"{'image':<26}{'Dice':>15}{'AJI':>15}{'PQ':>15}{'AJI gain':>10}"
    lines = [f"{heading}{'min':>6}  gate"]
    for one in outcomes:
        cells = "".join(
            f"{getattr(one.before, name):8.3f} {getattr(one.after, name):6.3f}"
            for name in ("dice", "aji", "pq")
        )
        lines.append(
            f"{one.image:<26}{cells}{one.gain:+10.3f}{one.minutes:6.1f}  {one.verdict}"
        )
    gains = [one.gain for one in outcomes]
    lines.append(
        f"mean AJI gain {mean(gains):+.3f} (aim {AIM:+.3f}), worst {min(gains):+.3f} "
        f"(aim {WORST:+.3f})"
    )
    return "\n".join(lines)


def _write_json(path: Path, network: str, outcomes: list[Outcome]) -> None:
    known = json.loads(path.read_text()) if path.exists() else {}
    known[network] = [
        {
            "image": one.image,
            "gain": one.gain,
            "before": one.before.aji,
            "after": one.after.aji,
            "verdict": one.verdict,
            "minutes": one.minutes,
        }
        for one in outcomes
    ]
    path.write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
