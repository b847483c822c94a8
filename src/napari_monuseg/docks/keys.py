"""Keys that act while a layer is selected, or wherever no layer has a use for them."""

from collections.abc import Callable, Mapping
from typing import Any

from napari.utils.key_bindings import coerce_keybinding


class Keys:
    """Keys of one layer, or of one viewer, at a time."""

    def __init__(self) -> None:
        self._bound: Any = None
        self._keys: list[str] = []

    def bind(
        self,
        to: Any,
        actions: Mapping[str, Callable[[], object]],
        *,
        free_only: bool = False,
    ) -> None:
        """Bind keys to a layer or a viewer; what had them before is released.

        Parameters
        ----------
        to : Layer or Viewer
            With a keymap of its own.
        actions : mapping
            What each key does.
        free_only : bool
            Whether keys that somebody else has bound there are left alone.
        """
        self.release()
        taken = set(to.keymap) if free_only else set()
        self._bound = to
        self._keys = [key for key in actions if coerce_keybinding(key) not in taken]
        for key in self._keys:
            to.bind_key(key, _named(actions[key]), overwrite=True)

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
