"""A dock whose content scrolls where the screen is too low for it."""

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QFrame, QLayout, QScrollArea, QVBoxLayout, QWidget


class Scrolling(QScrollArea):
    """Shows a layout at its full width, and as much of its height as there is.

    Parameters
    ----------
    content : QLayout
        What to show.
    """

    def __init__(self, content: QLayout) -> None:
        super().__init__()
        inner = QWidget()
        inner.setLayout(content)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inner)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Ask for the content's width, and for little height."""
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(self.widget().minimumSizeHint().width() + bar, 120)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for the content's size."""
        bar = self.verticalScrollBar().sizeHint().width()
        return self.widget().sizeHint() + QSize(bar, 0)


def fill(dock: QWidget, content: QLayout) -> None:
    """Put a layout into a dock."""
    column = QVBoxLayout(dock)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(Scrolling(content))
