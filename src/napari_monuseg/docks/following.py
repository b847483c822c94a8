"""Layers that lie on another one, and move with it."""

from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.experimental import unlink_layers

from napari_monuseg.layers import placement

MOVES = ("affine", "rotate", "scale", "shear", "translate", "units")
"""What a layer tells of when it lies elsewhere."""

_followers: WeakKeyDictionary[Any, "_Follower"] = WeakKeyDictionary()


def follow(layer: Any, leader: Any, offset: tuple[int, int] = (0, 0)) -> None:
    """Let a layer move with another from now on, as long as it lies on that.

    What somebody moves away stays where it was put.

    Parameters
    ----------
    layer : napari layer
        In a plane.
    leader : napari layer
        Whichever it followed before, it follows this one alone.
    offset : tuple of int
        Row and column of the leader where the layer begins, px.
    """
    _followers[layer] = _Follower(layer, leader, offset)


def follow_instead(layer: Any, leader: Any) -> None:
    """Let a layer follow another in the place of the one that it followed before.

    If it lay on that, it is put onto this one.
    """
    follower = _followers.get(layer)
    if follower is not None and follower.is_led:
        lie(layer, placement(leader))
    follow(layer, leader)


def lies(layer: Any, *places: dict[str, Any]) -> bool:
    """Tell whether a layer is where `placement` puts it, by one of some or by several.

    napari's linked layers take over one property after the other.
    """
    return all(
        any(_alike(getattr(layer, name), place[name]) for place in places)
        for name in places[0]
    )


def lie(layer: Any, place: dict[str, Any]) -> None:
    """Put a layer to a place, as `placement` gives it; each change is drawn anew."""
    for name, value in place.items():
        if not np.array_equal(getattr(layer, name), value):
            setattr(layer, name, value)


class _Follower:
    def __init__(self, layer: Any, leader: Any, offset: tuple[int, int]) -> None:
        self._layer, self._leader, self._offset = ref(layer), ref(leader), offset
        self._place = placement(leader, offset)
        for name in MOVES:  # which keeps weak references: it hears no more once gone
            getattr(leader.events, name).connect(self._on_moved)

    @property
    def is_led(self) -> bool:
        """Whether the layer lies where the other lies, or did before that was gone."""
        layer = self._layer()
        return layer is not None and lies(layer, self._place)

    def _on_moved(self, _event: Any = None) -> None:
        layer, leader = self._layer(), self._leader()
        if layer is None or leader is None:
            return
        before, self._place = self._place, placement(leader, self._offset)
        linked = placement(leader)
        if lies(layer, before, self._place, linked):
            if any(self._offset):  # a place of its own is not to be linked
                unlink_layers([layer], attributes=MOVES)
            lie(layer, self._place)


def _alike(one: Any, other: Any) -> bool:
    if np.shape(one) != np.shape(other):
        return False
    try:
        return np.allclose(one, other)
    except TypeError:  # units
        return np.array_equal(one, other)
