"""Layers can be removed from a window that is shown: a crash would end the process."""

import pytest
from hands import survives

BEGIN = """
import sys
import time

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_monuseg.docks.segment_dock import SegmentDock
from napari_monuseg.docks.stroke import Stroke


def draw():
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        QApplication.processEvents()


viewer = napari.Viewer()
dock = SegmentDock(viewer)
viewer.window.add_dock_widget(dock)
image = viewer.add_image(np.full((64, 64, 3), 200, np.uint8), rgb=True)
draw()
labels = viewer.add_labels(np.ones((64, 64), np.int32))
draw()
"""

PUT_BACK = """
viewer.layers.remove(image)
draw()
viewer.layers.append(image)
draw()
"""

DRAWN_ON = """
stroke = Stroke(viewer, labels, closed=False)
for place in range(5, 40, 5):
    stroke.add((place, place))
    draw()
stroke.remove()
draw()
stroke = None
viewer.layers.remove(labels)
draw()
viewer.reset_view()
draw()
"""

END = """
viewer.close()
"""


@pytest.mark.parametrize("acts", [PUT_BACK, DRAWN_ON], ids=["put back", "drawn on"])
def test_a_layer_that_is_removed_crashes_nothing(acts):
    assert survives(BEGIN + acts + END)
