"""Finds out of which image the areas are that somebody drew as reviewed."""

from collections.abc import Callable
from typing import Any

from napari.layers import Image, Shapes

from napari_monuseg.docks.layer_watch import LayerWatch
from napari_monuseg.docks.reviewed import adopt_drawn


class Adoption:
    """Binds layers named Reviewed to an image, as soon as only one can be meant.

    That may be when they are named, when something is drawn in them, or when all
    other images are hidden or gone.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layers are.
    adopted : callable
        Called without arguments when a layer was bound.
    """

    def __init__(self, viewer: Any, adopted: Callable[[], object]) -> None:
        self._viewer = viewer
        self._adopted = adopted
        self._heard: list[Any] = []
        self._watch = LayerWatch(viewer.layers, self._on_layers)
        self._on_layers()

    def stop(self) -> None:
        """Bind no more."""
        self._watch.stop()
        self._unlisten()

    def _on_layers(self) -> None:
        self._unlisten()
        for layer in self._viewer.layers:
            if isinstance(layer, Image):
                self._heard.append(layer.events.visible)
            elif isinstance(layer, Shapes):
                self._heard.append(layer.events.data)
        for emitter in self._heard:
            emitter.connect(self._on_change)
        self._on_change()

    def _unlisten(self) -> None:
        for emitter in self._heard:
            emitter.disconnect(self._on_change)
        self._heard = []

    def _on_change(self, _event: Any = None) -> None:
        if adopt_drawn(self._viewer):
            self._adopted()
