"""Lines of text that fit a narrow dock."""

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QLabel


class Line(QLabel):
    """Text that wraps, and that a long name does not make wider."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Ask for the height alone: a dock is not widened by its longest word."""
        return QSize(1, super().minimumSizeHint().height())

    def setText(self, text: str) -> None:  # noqa: N802
        """Show a text; paths may be broken after each folder."""
        super().setText(text.replace("/", "/\u200b").replace("\\", "\\\u200b"))

    def text(self) -> str:
        """Give the text that is shown."""
        return super().text().replace("\u200b", "")


class Note(Line):
    """Small text below a field, which takes no room while it is empty."""

    def __init__(self) -> None:
        super().__init__()
        self.setStyleSheet("font-size: 11px;")
        self.setVisible(False)

    def setText(self, text: str) -> None:  # noqa: N802
        """Show a text; an empty one hides the line."""
        super().setText(text)
        self.setVisible(bool(text))
