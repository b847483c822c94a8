"""Keys that act while a layer is selected, or wherever no layer has a use for them."""

from collections.abc import Callable, Mapping
from typing import Any


class Keys:
    """Keys of one layer, or of one viewer, at a time."""

    def __init__(self) -> None:
        self._bound: Any = None
        self._keys: list[str] = []

    def bind(self, to: Any, actions: Mapping[str, Callable[[], object]]) -> None:
        """Bind keys to a layer or a viewer; what had them before is released."""
        self.release()
        self._bound, self._keys = to, list(actions)
        for key, action in actions.items():
            to.bind_key(key, _named(action), overwrite=True)

    def release(self) -> None:
        """Give the keys back."""
        bound, keys = self._bound, self._keys
        self._bound, self._keys = None, []
        if bound is not None:
            for key in keys:
                bound.bind_key(key, None)


def _named(action: Callable[[], object]) -> Callable[[Any], None]:
    """Give a function that napari can bind: it wants one that has a name."""

    def act(_bound: Any) -> None:
        action()

    return act
