"""What the user has in hand, which a run that ends must not take away."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from napari.layers import Image, Labels, Shapes
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_monuseg.docks.drawn_on import images_under
from napari_monuseg.docks.edit_watch import EditWatch
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.reviewed import bound_image

IDLE_MODES = ("pan_zoom", "transform")
"""Of a layer: the mouse changes nothing in it then."""


def is_drawing(layers: Any) -> bool:
    """Tell whether the mouse draws or moves something that must not be cut short.

    napari forgets a stroke of a layer that is no longer the active one, and with it
    how to undo it; of a polygon it keeps what there is.
    """
    active = layers.selection.active  # napari has no public name for what follows
    if isinstance(active, Shapes) and active._is_creating:  # a corner for each click
        return True
    if isinstance(active, Labels) and "polygon" in active._overlays:
        polygon: Any = active._overlays["polygon"]
        if polygon.points:
            return True
    return QApplication.mouseButtons() != Qt.MouseButton.NoButton


class WorkWatch:
    """Tells whether the user goes to work on a layer from now on.

    Parameters
    ----------
    layers : LayerList
        Of a viewer.
    """

    def __init__(self, layers: Any) -> None:
        self._layers = layers
        self._first = layers.selection.active
        self._edited = False
        self._watch: EditWatch | None = None
        if isinstance(self._first, Labels):
            self._watch = EditWatch(self._first, self._on_edit)

    def _on_edit(self) -> None:
        self._edited = True

    @property
    def worked(self) -> bool:
        """Whether a layer was selected or edited, or a tool of napari's is in hand."""
        active = self._layers.selection.active
        in_hand = getattr(active, "mode", "pan_zoom") not in IDLE_MODES
        return self._edited or in_hand or active is not self._first

    def stop(self) -> None:
        """Watch no longer."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None


def is_busy_elsewhere(layers: Any, result: Result, known: Iterable[Result]) -> bool:
    """Tell whether the user may be at work on another image than a result's.

    Parameters
    ----------
    layers : LayerList
        Of a viewer; the active one is what the user works on.
    result : Result
        What was found just now.
    known : iterable of Result
        What is corrected in the viewer.
    """
    active = layers.selection.active
    if isinstance(active, Shapes):
        drawing = active.mode not in IDLE_MODES
        return drawing and _drawn_on(active, layers) is not result.image
    return any(one.layer is active and one.image is not result.image for one in known)


def _drawn_on(shapes: Shapes, layers: Any) -> Image | None:
    """Give the image that shapes are drawn on: their own, or what is seen there."""
    return bound_image(shapes) or next(iter(images_under(shapes, layers)[::-1]), None)


@contextmanager
def selection_kept(layers: Any) -> Iterator[None]:
    """Let layers be added without becoming the active one.

    To make the old one active again would be too late: whatever the user had in hand
    was put down then.
    """
    active = layers.selection.active
    layers._activate_on_insert = False  # napari has no public name for it
    try:
        yield
    finally:
        layers._activate_on_insert = True
        gone = active is not None and active not in layers
        if layers.selection.active is not active and not gone:
            layers.selection.active = active
