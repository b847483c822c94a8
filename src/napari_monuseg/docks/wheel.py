"""The wheel scrolls the dock: it changes no number that lies under the pointer."""

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget


class _Deaf(QObject):
    """Leaves the wheel of a widget to whatever the widget lies in."""

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Let no wheel event reach the widget; one that is ignored goes on up."""
        if event.type() != QEvent.Type.Wheel:
            return False
        event.ignore()
        return True


def ignore_wheel(*widgets: QWidget) -> None:
    """Make widgets, and what is inside of them, leave the wheel to the dock."""
    for widget in widgets:
        deaf = _Deaf(widget)
        for part in (widget, *widget.findChildren(QWidget)):
            part.installEventFilter(deaf)
