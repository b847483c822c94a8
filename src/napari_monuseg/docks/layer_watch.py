"""Notices when the layers of a viewer change."""

from collections.abc import Callable
from typing import Any


class LayerWatch:
    """Calls back whenever layers come, go, move or are renamed.

    Parameters
    ----------
    layers : LayerList
        Of a viewer.
    callback : callable
        Called without arguments, after the change.
    visibility : bool
        Whether also when one is hidden or shown.
    """

    def __init__(
        self,
        layers: Any,
        callback: Callable[[], object],
        *,
        visibility: bool = False,
    ) -> None:
        self._layers = layers
        self._callback = callback
        self._watched = ("name", "visible") if visibility else ("name",)
        layers.events.inserted.connect(self._on_inserted)
        layers.events.removed.connect(self._on_removed)
        layers.events.reordered.connect(self._on_changed)
        for layer in layers:
            self._watch(layer)

    def stop(self) -> None:
        """Call back no more."""
        self._layers.events.inserted.disconnect(self._on_inserted)
        self._layers.events.removed.disconnect(self._on_removed)
        self._layers.events.reordered.disconnect(self._on_changed)
        for layer in self._layers:
            self._unwatch(layer)

    def _watch(self, layer: Any) -> None:
        for name in self._watched:
            getattr(layer.events, name).connect(self._on_changed)

    def _unwatch(self, layer: Any) -> None:
        for name in self._watched:
            getattr(layer.events, name).disconnect(self._on_changed)

    def _on_inserted(self, event: Any) -> None:
        self._watch(event.value)
        self._callback()

    def _on_removed(self, event: Any) -> None:
        self._unwatch(event.value)
        self._callback()

    def _on_changed(self, _event: Any = None) -> None:
        self._callback()
