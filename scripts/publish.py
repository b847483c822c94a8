"""Ship a trained model: put it into weights/ with its description and its scores.

``python scripts/publish.py MODEL --scores FILE --thresholds OTHER`` takes the scores
that ``napari-monuseg evaluate --json FILE`` wrote for the model that was trained
without the images it was scored on, and the thresholds that were chosen for OTHER.
What is left out is MODEL's own; thresholds can also be given as numbers, as
``benchmarks/thresholds.py`` found them on images that a model of its like never saw.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_monuseg.core.checkpoints import load_network, save_checkpoint
from napari_monuseg.core.model_info import read_info

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"

DESCRIPTIONS = {
    "unet": "UNet, ResNet18 encoder: the one to start with",
    "segnet": "SegNet, pooling indices instead of skip connections",
    "deeplabv3plus": "DeepLabV3+, ResNet18 encoder: sees the widest surroundings",
}


def main() -> None:
    """Write weights/NETWORK.safetensors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--scores", type=Path, metavar="FILE")
    parser.add_argument("--thresholds", type=Path, metavar="OTHER")
    parser.add_argument("--foreground-threshold", type=float)
    parser.add_argument("--seed-prominence", type=float)
    options = parser.parse_args()
    info = read_info(options.model)
    chosen = read_info(options.thresholds or options.model).instances
    given = {
        name: getattr(options, name)
        for name in ("foreground_threshold", "seed_prominence")
        if getattr(options, name) is not None
    }
    shipped = replace(
        info,
        name=info.network,
        description=DESCRIPTIONS[info.network],
        parent="",
        instances=replace(chosen, **given),
        scores=_split_scores(options.scores) if options.scores else info.scores,
    )
    output = WEIGHTS / f"{info.network}.safetensors"
    save_checkpoint(output, load_network(options.model), shipped)
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")


def _split_scores(path: Path) -> dict[str, Any]:
    evaluated = json.loads(path.read_text())
    return {"split": evaluated["mean"] | {"images": len(evaluated["images"])}}


if __name__ == "__main__":
    main()
