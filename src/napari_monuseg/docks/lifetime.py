"""What must be undone when a dock goes, whichever way it goes."""

from collections.abc import Callable
from contextlib import suppress

from qtpy.QtWidgets import QWidget


class Lifetime:
    """Undoes things once, when a widget is deleted or when told to.

    Parameters
    ----------
    widget : QWidget
        When Qt deletes it, everything is undone; it is no longer usable then.
    """

    def __init__(self, widget: QWidget) -> None:
        self._undo: list[Callable[[], object]] = []

        def on_destroyed() -> None:
            # Not `self.end` itself: Qt would hold that weakly, and this object
            # dies with its widget.
            self.end()

        widget.destroyed.connect(on_destroyed)

    def add(self, undo: Callable[[], object]) -> None:
        """Remember what to call at the end."""
        self._undo.append(undo)

    def end(self) -> None:
        """Undo everything, the last first."""
        while self._undo:
            undo = self._undo.pop()
            with suppress(RuntimeError):  # of what Qt has deleted already
                undo()
