"""Draw the pictures of the gate in the README: a training, and the question after it.

Synthetic tissue, whose true nuclei are known, stands for corrections by hand.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import napari
from demo import SETTLE, WINDOW, DemoError, wait_until

from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.layers import placement

SHAPE = (1024, 1024)
"""Of the tissue, px: a fifth of it must hold nuclei enough to judge by."""

REVIEWED = 0.75
"""Share of the tissue that is marked as reviewed, from its top."""


def main() -> int:
    """Train on the tissue's true nuclei and draw what the dock asks then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("out"), help="a folder")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAPARI_MONUSEG_MODELS"] = folder
        viewer, dock = _open()
        try:
            _train(dock, options.minutes)
            _draw(viewer, dock, options.output)
        except DemoError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        finally:
            viewer.close()
    return 0


def _open() -> tuple[Any, Any]:
    viewer = napari.Viewer()
    viewer.window.resize(*WINDOW)
    rgb, labels = synthetic_tissue(SHAPE)
    tissue = viewer.add_image(rgb, rgb=True, name="tissue", scale=(0.25, 0.25))
    viewer.add_labels(labels, name="tissue nuclei", opacity=0.3, **placement(tissue))
    height, width = labels.shape
    corners = [(0, 0), (0, width), (height * REVIEWED, width), (height * REVIEWED, 0)]
    viewer.add_shapes(
        [[(row - 0.5, column - 0.5) for row, column in corners]],
        shape_type="polygon",
        name="Reviewed",
        edge_color="lime",
        edge_width=2,
        face_color="transparent",
        **placement(tissue),
    )
    _, dock = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Train on corrections"
    )
    wait_until(lambda: dock.device.count() > 1, 60)
    return viewer, dock


def _train(dock: Any, minutes: float) -> None:
    dock.options.length.value = "minutes"
    dock.options.minutes.setValue(minutes)
    dock.train_button.click()
    if not wait_until(lambda: not dock.running, 60 * (minutes + 10)):
        raise DemoError(f"No end; the dock said: {dock.progress.text.text()}")
    if dock.gate.judgement is None:
        raise DemoError(f"Nothing to decide: {dock.progress.text.text()}")


def _draw(viewer: Any, dock: Any, folder: Path) -> None:
    wait_until(lambda: False, SETTLE)
    viewer.screenshot(str(folder / "gate.png"), canvas_only=False, flash=False)
    dock.gate.look_button.click()
    wait_until(lambda: False, SETTLE)
    dock.gate._comparison.grab().save(str(folder / "comparison.png"))


if __name__ == "__main__":
    sys.exit(main())
