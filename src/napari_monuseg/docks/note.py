"""Lines of text that fit a narrow dock."""

import re

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QLabel

from napari_monuseg.docks.small_text import SmallLabel

_PLACES_TO_BREAK = re.compile(
    r"[/\\]|[^\s/\\]{24}(?=[^\s/\\\u0300-\u036f\u200d\ufe0f])"
)
"""After a folder of a path, and within a word that is wider than a narrow dock, but
not before accents and joiners, which belong to the letter before."""


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
        """Show a text; paths and long words may be broken."""
        super().setText(_PLACES_TO_BREAK.sub("\\g<0>\u200b", text))

    def text(self) -> str:
        """Give the text that is shown."""
        return super().text().replace("\u200b", "")


class TwoLines(Line):
    """Text with room for two lines at any time: what lies below stays where it is."""

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Ask for the room that two lines take now."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._make_room()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Ask for the room that two lines take as napari draws them."""
        super().showEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        text = super().text()
        super().setText("two\nlines")
        self.setMinimumHeight(0)
        self.setMinimumHeight(self.heightForWidth(self.width()))
        super().setText(text)


class Note(Line, SmallLabel):
    """Small text below a field, which takes no room while it is empty."""

    def __init__(self) -> None:
        super().__init__()
        self.setVisible(False)

    def setText(self, text: str) -> None:  # noqa: N802
        """Show a text; an empty one hides the line."""
        super().setText(text)
        self.setVisible(bool(text))
