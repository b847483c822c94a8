"""Gives the keyboard to the canvas when the mouse comes to it."""

from typing import Any

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QLineEdit, QWidget


class CanvasFocus(QObject):
    """Takes the keyboard's focus from a dock to the canvas as the mouse enters that.

    Keys that are meant for nuclei would go to the field or the button that was used
    last: Space would run the network again instead of moving the view, S choose
    another model instead of splitting a nucleus. Text that is being typed is left
    alone.

    Parameters
    ----------
    viewer : napari.Viewer
        With a window, or without one.
    dock : QWidget
        Whose fields and buttons have the keyboard.
    """

    def __init__(self, viewer: Any, dock: QWidget) -> None:
        super().__init__(dock)
        window = getattr(viewer, "window", None)
        if window is None:
            return
        self._dock = dock
        # napari has no public name for what is drawn on.
        self._canvas: QWidget = window._qt_viewer.canvas.native
        self._canvas.installEventFilter(self)  # until one of the two is gone

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Look whether the mouse comes in; nothing is kept from the canvas."""
        if event.type() == QEvent.Type.Enter:
            focused = self._dock.window().focusWidget()
            if (
                focused is not None
                and self._dock.isAncestorOf(focused)
                and not isinstance(focused, QLineEdit)
            ):
                self._canvas.setFocus()
        return super().eventFilter(watched, event)
