"""Text somewhat smaller than napari's, however large that is set."""

from napari.settings import get_settings
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QLabel


class SmallLabel(QLabel):
    """A label whose text is a point smaller than napari's own.

    Parameters
    ----------
    text : str
        What it says.
    rules : str
        What else its style is to say, as CSS.
    """

    def __init__(self, text: str = "", rules: str = "") -> None:
        super().__init__(text)
        self._rules = rules
        self._resize()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow napari, which gives its windows another style with another size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._resize()

    def _resize(self) -> None:
        size = get_settings().appearance.font_size - 1
        sheet = f"QLabel {{ font-size: {size}pt; {self._rules} }}"
        if sheet != self.styleSheet():  # that would be another change of style
            self.setStyleSheet(sheet)
