"""Where the mouse points, also after the view has moved under it."""

from typing import Any, NamedTuple

import numpy as np

from napari_monuseg.areas import camera_of
from napari_monuseg.docks.lifetime import Lifetime


class _Seen(NamedTuple):
    """What the mouse pointed at in the world, in which view."""

    position: tuple[float, ...]
    centre: tuple[float, ...]
    zoom: float


class Pointer:
    """Follows the mouse over a canvas that shows two dimensions.

    napari says where the mouse points when it moves, and not when the view does.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose canvas it is.
    lifetime : Lifetime
        Of the dock.
    """

    def __init__(self, viewer: Any, lifetime: Lifetime) -> None:
        self._viewer = viewer
        self._seen = self._look()
        moved = viewer.cursor.events.position
        moved.connect(self._on_moved)
        lifetime.add(lambda: moved.disconnect(self._on_moved))

    @property
    def position(self) -> tuple[float, ...]:
        """Where it points, in world coordinates."""
        seen, now = self._seen, self._look()
        if now.position != seen.position:  # somebody else placed it
            return now.position
        shown = list(self._viewer.dims.displayed[-2:])
        if max(shown) >= len(seen.position):  # of before the layers that are there now
            return now.position
        position = np.array(seen.position, float)
        from_centre = position[shown] - seen.centre
        position[shown] = now.centre + from_centre * seen.zoom / now.zoom
        return tuple(position.tolist())

    def _look(self) -> _Seen:
        camera = camera_of(self._viewer)
        return _Seen(
            tuple(self._viewer.cursor.position),
            tuple(camera.center[-2:]),
            float(camera.zoom),
        )

    def _on_moved(self, _event: Any = None) -> None:
        self._seen = self._look()
