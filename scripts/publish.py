"""Ship a trained model: put it into weights/ with its description and its scores.

``python scripts/publish.py MODEL --scores FILE --thresholds OTHER`` takes the scores
that ``napari-monuseg evaluate --json FILE`` wrote for the model that was trained
without the images it was scored on, and the thresholds that were chosen for OTHER on
images it did not learn from; without OTHER, MODEL's own.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

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
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--thresholds", type=Path, metavar="OTHER")
    options = parser.parse_args()
    info = read_info(options.model)
    chosen = read_info(options.thresholds or options.model)
    evaluated = json.loads(options.scores.read_text())
    shipped = replace(
        info,
        name=info.network,
        description=DESCRIPTIONS[info.network],
        parent="",
        instances=chosen.instances,
        scores={
            "split": evaluated["mean"] | {"images": len(evaluated["images"])},
        },
    )
    output = WEIGHTS / f"{info.network}.safetensors"
    save_checkpoint(output, load_network(options.model), shipped)
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
