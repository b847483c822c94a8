"""What hands do in a window: press, run, and look for what came of it."""

from napari.layers import Labels
from qtpy.QtCore import Qt


def press(qtbot, button):
    """Click a button with the left mouse button."""
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def run(qtbot, dock):
    """Press Run in the Segment dock, and wait for its end."""
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running, timeout=30_000)


def nuclei(viewer):
    """Give the labels layers there are, the uppermost last."""
    return [layer for layer in viewer.layers if isinstance(layer, Labels)]
