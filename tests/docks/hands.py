"""What hands do in a window: press, run, and look for what came of it."""

import subprocess
import sys

from napari.layers import Labels
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication


def press(qtbot, button):
    """Click a button with the left mouse button."""
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def turn_wheel(widget, degrees_by_8):
    """Turn the mouse wheel over a widget, one notch is 120; tell if it takes it."""
    place = QPointF(widget.rect().center())
    event = QWheelEvent(
        place,
        widget.mapToGlobal(place),
        QPoint(),
        QPoint(0, degrees_by_8),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def run(qtbot, dock):
    """Press Run in the Segment dock, and wait for its end."""
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running, timeout=30_000)


def nuclei(viewer):
    """Give the labels layers there are, the uppermost last."""
    return [layer for layer in viewer.layers if isinstance(layer, Labels)]


def survives(script, *arguments):
    """Run a script in a process of its own, to its last line: a crash would end us."""
    script += "\nprint('nothing crashed')\n"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "nothing crashed" in done.stdout
    return True
