"""A thin line on the canvas while the mouse draws."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Labels as LabelsLayer
from vispy.scene.visuals import Line
from vispy.visuals.transforms import STTransform

COLOUR = (1.0, 0.9, 0.2, 1.0)
"""Yellow: found neither in H&E nor, as a thin line, among napari's labels."""

WIDTH = 2
"""On the screen, px."""


class Stroke:
    """A line in a layer's coordinates, which no list of layers ever shows.

    Parameters
    ----------
    viewer : napari.Viewer
        With a window.
    layer : Labels
        What is drawn on.
    closed : bool
        Whether the end is joined to the beginning.
    """

    def __init__(self, viewer: Any, layer: LabelsLayer, *, closed: bool) -> None:
        self._viewer = viewer
        self._closed = closed
        self.points: list[Sequence[float]] = []
        # napari has no public way to draw on a layer that is no layer itself.
        canvas = viewer.window._qt_viewer.canvas
        self._line = Line(color=COLOUR, width=WIDTH, method="gl")
        self._line.set_gl_state("translucent", depth_test=False)
        self._line.order = 10**6
        self._line.visible = False
        self._line.parent = canvas.layer_to_visual[layer].node
        # The layer's own node has the corner of a pixel where the layer has its
        # centre; napari gives what hangs on the node this very offset.
        self._line.transform = STTransform(translate=(0.5, 0.5))

    def add(self, point: Sequence[float]) -> None:
        """Draw on to a point (row, column), px."""
        self.points.append(point)
        corners = np.asarray(self.points + self.points[: self._closed], np.float32)
        down, across = self._viewer.dims.displayed[-2:]
        transposed = down > across  # by napari's button: rows run across
        self._line.set_data(pos=corners if transposed else corners[:, ::-1])
        self._line.visible = len(self.points) > 1

    def remove(self) -> None:
        """Take the line off the canvas."""
        self._line.parent = None
