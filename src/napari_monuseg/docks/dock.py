"""What all docks have in common: when they end, and how they are laid out."""

from typing import Any

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_monuseg.core.errors import MonusegError
from napari_monuseg.docks.lifetime import Lifetime


class Dock(QWidget):
    """A dock of the plugin; its content scrolls where the screen is too low.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it belongs to.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        # napari hands plugins a proxy, whose layers are proxies too: none of them
        # would ever be the same object as the layer that an event brings.
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._lifetime = Lifetime(self)

    def event(self, event: QEvent) -> bool:
        """Stop everything when the dock is closed: napari takes it out and drops it."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._lifetime.end()
        return super().event(event)

    def _stack(
        self,
        fields: list[tuple[str, QWidget]],
        start: QPushButton,
        cancel: QPushButton,
        *below: QWidget,
    ) -> None:
        """Lay out fields with their names, two buttons, and what comes below."""
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        for name, field in fields:
            form.addRow(name, field)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(start, 2)
        buttons.addWidget(cancel, 1)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(12)
        column.addLayout(form)
        column.addLayout(buttons)
        for widget in below:
            column.addWidget(widget)
        column.addStretch(1)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(_Scrolling(content))


class _Scrolling(QScrollArea):
    """Shows a widget at its full width, and as much of its height as there is."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Ask for the content's width, and for little height."""
        return QSize(self.widget().minimumSizeHint().width() + self._bar(), 120)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for the content's size."""
        return self.widget().sizeHint() + QSize(self._bar(), 0)

    def _bar(self) -> int:
        return self.verticalScrollBar().sizeHint().width()


def explain(error: Exception) -> str:
    """Say how a job failed: a sentence of ours, or where to look."""
    ours = isinstance(error, MonusegError)
    return str(error) if ours else "Failed: see the error message"
