"""The image layer to work on."""

from typing import Any

from napari.layers import Image

from napari_monuseg.docks.choice import Choice
from napari_monuseg.docks.layer_watch import LayerWatch
from napari_monuseg.docks.lifetime import Lifetime


class ImageChoice(Choice):
    """The viewer's image layers; an image that is made active is chosen.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose images are offered.
    lifetime : Lifetime
        Of the dock.
    """

    def __init__(self, viewer: Any, lifetime: Lifetime) -> None:
        super().__init__("Open an image first")
        self._layers = viewer.layers
        self._watch = LayerWatch(viewer.layers, self._refresh)
        lifetime.add(self._watch.stop)
        active = viewer.layers.selection.events.active
        active.connect(self._on_active)
        lifetime.add(lambda: active.disconnect(self._on_active))
        self._refresh()
        self.value = viewer.layers.selection.active

    def _refresh(self) -> None:
        images = [layer for layer in self._layers if isinstance(layer, Image)]
        self.offer((layer.name, layer) for layer in reversed(images))

    def _on_active(self, event: Any) -> None:
        self.value = event.value
