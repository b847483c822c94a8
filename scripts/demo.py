"""Press Run in the real dock, and leave a picture of the window and the labels.

What ``make run`` does where nobody looks at a screen: it opens napari with the
sample tissue and the Segment dock, clicks Run, and writes what came of it.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from qtpy.QtWidgets import QApplication

from napari_monuseg.commands.window import SAMPLE, build_window
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.progress import finish
from napari_monuseg.docks.export_button import export_result
from napari_monuseg.docks.segment_dock import SegmentDock

WINDOW = (1366, 768)
"""Width and height of the window, px."""

SETTLE = 1.0
"""How long the canvas is given to draw what has come, s."""


class DemoError(Exception):
    """The demonstration did not come to its end."""


def main() -> int:
    """Show the main job; 0 only if nuclei were found and written."""
    options = _options()
    viewer, dock = open_window()
    try:
        find_nuclei(dock, options.timeout)
        written = save(viewer, dock, options.output)
    except (DemoError, MonusegError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        viewer.close()
    sys.stdout.write(f"{written}\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("out"), help="a folder")
    parser.add_argument(
        "--timeout", type=float, default=600.0, help="how long Run may take, s"
    )
    return parser.parse_args()


def open_window() -> tuple[napari.Viewer, SegmentDock]:
    """Open napari with the sample and the dock, as ``napari-monuseg`` does."""
    viewer, dock = build_window()
    viewer.window.resize(*WINDOW)
    wait_until(lambda: all(layer.loaded for layer in viewer.layers), 60)
    return viewer, dock


def find_nuclei(dock: SegmentDock, seconds: float) -> None:
    """Click Run, and wait for what comes of it."""
    if not dock.run_button.isEnabled():
        raise DemoError("Run is greyed out: no model is installed in weights/.")
    dock.run_button.click()
    if not wait_until(lambda: not dock.running, seconds):
        said = dock.progress.text.text()
        dock.cancel_button.click()
        raise DemoError(f"No nuclei after {seconds:g} s; the dock said: {said}")
    result = dock.results.current
    if result is None or not result.count:
        raise DemoError(f"No nuclei; the dock said: {dock.progress.text.text()}")


def save(viewer: napari.Viewer, dock: SegmentDock, folder: Path) -> str:
    """Write picture and labels, the latter as the dock's Export does; say so."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, labels = folder / "screenshot.png", folder / f"{SAMPLE}_nuclei.tif"
    # The device is looked for in the meantime; its name belongs into the picture.
    wait_until(lambda: dock.device.count() > 1, 60)
    wait_until(lambda: False, SETTLE)
    viewer.screenshot(str(picture), canvas_only=False, flash=False)
    result: Any = dock.results.current
    finish(export_result(result, labels))
    return f"{result.count:,} nuclei: wrote {picture} and {labels}"


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Let the window live until something holds; False if it never did."""
    deadline = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < deadline:
        QApplication.processEvents()
        time.sleep(0.005)
    return held


if __name__ == "__main__":
    sys.exit(main())
