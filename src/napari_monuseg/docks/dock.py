"""What all docks have in common: when they end, and how they are laid out."""

from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_monuseg.core.errors import MonusegError
from napari_monuseg.docks.canvas_focus import CanvasFocus
from napari_monuseg.docks.gl_context import keep_context
from napari_monuseg.docks.lifetime import Lifetime

FOCUS = (
    "".join(
        f"{kind}:focus {{ border: 1px solid #7f9bff; }}"
        for kind in ("QPushButton", "QComboBox", "QLineEdit", "QAbstractSpinBox")
    )
    + "QCheckBox:focus { text-decoration: underline; }"
)
"""napari's theme does not show which field has the keyboard."""


class Dock(QWidget):
    """A dock of the plugin; its content scrolls where the screen is too low.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it belongs to.
    """

    seen = Signal(bool)
    """Emits whether the dock came up, or went behind another one's tab."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        # napari hands plugins a proxy, whose layers are proxies too: none of them
        # would ever be the same object as the layer that an event brings.
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._lifetime = Lifetime(self)
        CanvasFocus(self._viewer, self)
        keep_context(self._viewer, self._lifetime)
        self._was_shown = False

    def event(self, event: QEvent) -> bool:
        """Stop everything when the dock is closed: napari takes it out and drops it."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._lifetime.end()
        return super().event(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Share the place of the plugin's other dock when shown for the first time."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            frame = self._frame()
            if frame is not None:
                # Behind another tab Qt says of a dock that it is visible all the same.
                frame.visibilityChanged.connect(self.seen)
            QTimer.singleShot(0, self._share_place)

    def _share_place(self) -> None:
        """Become a tab beside another dock: above each other both were too low."""
        own = self._frame()
        if own is None or own.isFloating():
            return
        window = own.parent()
        for dock in window.findChildren(Dock):
            other = dock._frame()
            if other is None or other is own or other.isFloating():
                continue
            if window.dockWidgetArea(other) == window.dockWidgetArea(own):
                window.tabifyDockWidget(other, own)
                own.raise_()

    def _frame(self) -> Any:
        """Give the window's dock widget that holds this dock, if any."""
        return next(
            (up for up in _ancestors(self) if isinstance(up, QDockWidget)), None
        )

    def _stack(
        self,
        fields: list[tuple[str, QWidget]],
        start: QPushButton,
        cancel: QPushButton,
        *below: QWidget,
    ) -> None:
        """Lay out fields with their names, two buttons, and what comes below.

        A field without a name takes the whole width.
        """
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        for name, field in fields:
            if name:
                form.addRow(name, field)
                field.setAccessibleName(name)
            else:
                form.addRow(field)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(start, 2)
        buttons.addWidget(cancel, 1)
        content = QWidget()
        content.setStyleSheet(FOCUS)
        column = QVBoxLayout(content)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(8)
        column.addLayout(form)
        column.addLayout(buttons)
        for widget in below:
            column.addWidget(widget)
        column.addStretch(1)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        self._scrolling = _Scrolling(content)
        around.addWidget(self._scrolling)

    def _reveal(self, widget: QWidget) -> None:
        """Scroll to a widget that has just come up; its end counts most."""
        content = self._scrolling.widget()
        content.layout().activate()
        content.adjustSize()
        self._scrolling.ensureWidgetVisible(widget, 0, 12)


class _Scrolling(QScrollArea):
    """Shows a widget at its full width, and as much of its height as there is."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Ask anew for width when the content's changes; Qt's own asks but once."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Ask for the content's width, and for little height."""
        return QSize(self.widget().minimumSizeHint().width() + self._bar(), 120)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for the content's size."""
        return self.widget().sizeHint() + QSize(self._bar(), 0)

    def _bar(self) -> int:
        return self.verticalScrollBar().sizeHint().width()


def _ancestors(widget: QWidget) -> Iterator[QWidget]:
    while (widget := widget.parentWidget()) is not None:
        yield widget


def enable_buttons(
    start: QPushButton, cancel: QPushButton, *, ready: bool, running: bool
) -> None:
    """Let a job be started if it is ready for it, and cancelled while it is running.

    The keyboard's focus goes from one button to the other: left to Qt it would go on
    to what comes next, a slider say, and keys meant for nuclei would move that.
    """
    begins, ends = (cancel, start) if running else (start, cancel)
    begins.setEnabled(running or ready)
    if ends.window().focusWidget() is ends:
        begins.setFocus()
    ends.setEnabled(False)


def explain(error: Exception) -> str:
    """Say how a job failed: a sentence of ours, or where to look."""
    ours = isinstance(error, MonusegError)
    return str(error) if ours else "Failed: see the error message"
