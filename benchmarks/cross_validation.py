"""Score networks on images they never saw: ``make bench-cross-validation``.

The images are put in a row by organ and name, and every k-th is left out of one of k
trainings, which the project's own ``train`` command does. The model of each is scored
on what it was not shown, at the default thresholds, which nothing has chosen. What is
there already is not trained again, and a training that was stopped goes on, as long as
images and options are the same.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

from napari_monuseg.commands.console import run_with_bar
from napari_monuseg.core.datasets import find_samples, select
from napari_monuseg.core.errors import DatasetError, MonusegError
from napari_monuseg.core.evaluate import Evaluation, evaluate
from napari_monuseg.core.networks import NETWORKS
from napari_monuseg.core.organs import MONUSEG, read_organs
from napari_monuseg.core.pixel_sizes import MONUSEG as PIXEL_SIZES
from napari_monuseg.core.pixel_sizes import read_pixel_sizes, tell_pixel_sizes
from napari_monuseg.core.registry import find_model
from napari_monuseg.core.segment import SegmentOptions

FOLDS = 5


def main() -> int:
    """Print a table for each network; 0 unless something is missing."""
    options = _options()
    reports = []
    try:
        for network in options.network:
            evaluation = cross_validate(network, options)
            print(evaluation.as_table(), flush=True)
            for name, reason in evaluation.failures:
                print(f"{name}: {reason}", file=sys.stderr)
            reports.append(evaluation)
            if options.json:
                facts = [one.as_dict() for one in reports]
                options.json.write_text(json.dumps(facts, indent=1) + "\n")
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:  # it has said why
        return error.returncode
    return int(any(one.failures for one in reports))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="images with their true nuclei")
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=["unet"])
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--organs", type=Path, default=MONUSEG)
    parser.add_argument("--pixel-sizes", type=Path, default=PIXEL_SIZES)
    parser.add_argument("--runs", type=Path, default=Path("runs/cross_validation"))
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument(
        "--train",
        type=shlex.split,
        default=[],
        metavar="'OPTION ...'",
        help="more options of train, such as '--steps 2500'",
    )
    return parser.parse_args()


def splits_of(organs: dict[str, str], count: int) -> list[dict[str, list[str]]]:
    """Deal images out so that some of most organs are held out each time.

    Parameters
    ----------
    organs : dict of str to str
        Organs by the name of the image.
    count : int
        How many folds.

    Returns
    -------
    list of dict
        By fold, the names under ``train`` and ``held_out``; each is held out once.

    Raises
    ------
    DatasetError
        If there are fewer than two folds, or fewer images than folds.
    """
    if not 2 <= count <= len(organs):
        raise DatasetError(
            f"{len(organs)} images cannot be dealt out into {count} folds; choose from "
            f"2 to {len(organs)}."
        )
    names = sorted(organs, key=lambda name: (organs[name], name))
    splits = []
    for first in range(count):
        held_out = names[first::count]
        train = [name for name in names if name not in held_out]
        splits.append({"train": train, "held_out": held_out})
    return splits


def cross_validate(network: str, options: argparse.Namespace) -> Evaluation:
    """Train a network once for each fold, and score all images by what they are new to.

    Parameters
    ----------
    network : str
        Which.
    options : argparse.Namespace
        As the command line gives them.

    Raises
    ------
    DatasetError
        If the models that are there were trained on other images, or otherwise.
    """
    options.runs.mkdir(parents=True, exist_ok=True)
    organs = read_organs(options.organs)
    names = [sample.name for sample in find_samples(options.folder)]
    splits = splits_of({name: organs.get(name, "") for name in names}, options.folds)
    _agree_on(options.runs / f"{network}-of-{len(splits)}.json", options, splits)
    parts = []
    for number, split in enumerate(splits, start=1):
        stem = options.runs / f"{network}-{number}-of-{len(splits)}"
        stem.with_suffix(".json").write_text(json.dumps(split, indent=1) + "\n")
        _train(network, stem, options)
        parts.append(_score(stem, split["held_out"], options))
    return joined(f"{network}, {len(splits)} folds", parts)


def _agree_on(
    path: Path, options: argparse.Namespace, splits: list[dict[str, list[str]]]
) -> None:
    """Write down by what models are trained, or see that it is what was written."""
    sizes = read_pixel_sizes(options.pixel_sizes)
    facts = {"train": options.train, "pixel_sizes": sizes, "splits": splits}
    if not path.exists():
        path.write_text(json.dumps(facts, indent=1) + "\n")
    elif json.loads(path.read_text()) != facts:
        raise DatasetError(
            f"The models in {path.parent} were trained on other images or with other "
            "options; name another folder as --runs."
        )


def _train(network: str, stem: Path, options: argparse.Namespace) -> None:
    model = stem.with_suffix(".safetensors")
    if model.exists():
        return
    command = [sys.executable, "-m", "napari_monuseg", "train", str(options.folder)]
    command += ["--network", network, "--output", str(model)]
    command += ["--split", str(stem.with_suffix(".json"))]
    command += ["--pixel-sizes", str(options.pixel_sizes), *options.train]
    if stem.with_suffix(".training").exists():
        command.append("--resume")
    subprocess.run(command, check=True)


def _score(stem: Path, names: list[str], options: argparse.Namespace) -> Evaluation:
    samples = tell_pixel_sizes(
        select(find_samples(options.folder), names),
        read_pixel_sizes(options.pixel_sizes),
    )
    model = find_model(str(stem.with_suffix(".safetensors")))
    return run_with_bar(evaluate(samples, model, SegmentOptions()), stem.name)


def joined(model: str, parts: list[Evaluation]) -> Evaluation:
    """Give the evaluations of several models as if they were those of one."""
    return Evaluation(
        model=model,
        rows=[row for part in parts for row in part.rows],
        failures=[failure for part in parts for failure in part.failures],
    )


if __name__ == "__main__":
    sys.exit(main())
