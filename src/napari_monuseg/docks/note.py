"""A small line of text below a field."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel


class Note(QLabel):
    """Small text that wraps, and takes no room while it is empty."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setStyleSheet("font-size: 11px;")
        self.setVisible(False)

    def setText(self, text: str) -> None:  # noqa: N802
        """Show a text; an empty one hides the line."""
        super().setText(text)
        self.setVisible(bool(text))
