"""Drawing on a labels layer: what the mouse does until Escape is pressed."""

from collections.abc import Callable, Generator, Sequence
from typing import Any

from napari.layers import Labels as LabelsLayer

from napari_monuseg.docks.stroke import Stroke
from napari_monuseg.outlines import to_pixels, world_units

LEAVE = "Escape"
"""Ends the drawing. It is bound while one draws only: it is napari's otherwise."""


class Drawing:
    """Hands over what the left button draws on a layer, stroke by stroke.

    It ends by itself when the layer gets another mode (the brush is taken up) or is
    no longer the active one, and when the view is in 3-D.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layer is.
    layer : Labels
        What is drawn on; it is made the active one.
    drawn : callable
        Called with the points (row, column) of each stroke, px.
    ended : callable
        Called without arguments when the drawing has ended, however it did.
    closed : bool
        Whether the line is shown as an outline.
    """

    def __init__(
        self,
        viewer: Any,
        layer: LabelsLayer,
        *,
        drawn: Callable[[list[Sequence[float]]], object],
        ended: Callable[[], object],
        closed: bool,
    ) -> None:
        self._viewer = viewer
        self._layer = layer
        self._drawn = drawn
        self._ended = ended
        self._closed = closed
        self._stroke: Stroke | None = None
        self._going_on = True
        viewer.layers.selection.active = layer
        self._mode_before = layer.mode
        layer.mode = "pan_zoom"  # nothing else reacts to the mouse then
        layer.mouse_pan = False
        layer.cursor = "cross"
        layer.mouse_drag_callbacks.append(self._on_drag)
        layer.bind_key(LEAVE, self._on_leave, overwrite=True)
        layer.events.mode.connect(self._on_mode)
        viewer.layers.selection.events.active.connect(self._on_active)
        viewer.dims.events.ndisplay.connect(self._on_3d)

    def end(self) -> None:
        """Leave the layer as it was; a stroke that is not finished is dropped."""
        self._stop()
        self._layer.mode = self._mode_before

    def _stop(self) -> None:
        if not self._going_on:
            return
        self._going_on = False
        layer = self._layer
        self._viewer.dims.events.ndisplay.disconnect(self._on_3d)
        self._viewer.layers.selection.events.active.disconnect(self._on_active)
        layer.events.mode.disconnect(self._on_mode)
        layer.bind_key(LEAVE, None)
        layer.mouse_drag_callbacks.remove(self._on_drag)
        self._remove_stroke()
        if layer.mode == "pan_zoom":
            layer.mouse_pan = True
            layer.cursor = "standard"
        self._ended()

    def _on_leave(self, _layer: LabelsLayer) -> None:
        self.end()

    def _on_3d(self) -> None:
        self.end()

    def _on_mode(self) -> None:
        self._stop()

    def _on_active(self) -> None:
        if self._viewer.layers.selection.active is not self._layer:
            self._stop()

    def _on_drag(self, layer: LabelsLayer, event: Any) -> Generator[None, None, None]:
        if event.button != 1:
            return
        self._remove_stroke()  # of a drag whose end was never heard of
        stroke = self._stroke = Stroke(self._viewer, layer, closed=self._closed)
        stroke.add(pixel_of(self._viewer, layer, event.position))
        yield
        while event.type == "mouse_move":
            stroke.add(pixel_of(self._viewer, layer, event.position))
            yield
        self._remove_stroke()
        if self._going_on:
            self._drawn(stroke.points)

    def _remove_stroke(self) -> None:
        if self._stroke is not None:
            self._stroke.remove()
            self._stroke = None


def pixel_of(
    viewer: Any, layer: LabelsLayer, position: Sequence[float]
) -> tuple[float, float]:
    """Give where on a layer a place in a viewer's world lies: row and column, px."""
    row, column = to_pixels(layer, position, world_units(viewer))
    return float(row), float(column)
