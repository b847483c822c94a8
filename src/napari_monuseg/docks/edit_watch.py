"""Notices that a labels layer may have been edited."""

from collections.abc import Callable
from typing import Any

EVENTS = ("paint", "set_data", "data")
"""Undo fires `set_data` alone; so does much that is no edit."""


class EditWatch:
    """Calls back whenever the pixels of a layer may have changed.

    Parameters
    ----------
    layer : napari.layers.Labels
        What is watched.
    callback : callable
        Called without arguments, very often while somebody paints.
    """

    def __init__(self, layer: Any, callback: Callable[[], object]) -> None:
        self._layer = layer
        self._callback = callback
        for name in EVENTS:
            getattr(layer.events, name).connect(self._on_event)

    def stop(self) -> None:
        """Call back no more."""
        for name in EVENTS:
            getattr(self._layer.events, name).disconnect(self._on_event)

    def _on_event(self, _event: Any = None) -> None:
        self._callback()
