"""A button that shows the key which does the same."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QPushButton

from napari_monuseg.docks.small_text import SmallLabel

_BUTTON = "QPushButton { text-align: left; padding: 3px 28px 3px 8px; }"
_KEY = (
    "border: 1px solid rgba(127, 127, 127, 160); border-radius: 3px;"
    " padding: 0px 4px; background: transparent;"
)


class KeyButton(QPushButton):
    """Does what a key does, too.

    Parameters
    ----------
    text : str
        What it does.
    key : str
        Which key does so, too.
    stays : bool
        Whether it stays pressed, as while its tool is in hand.
    """

    def __init__(self, text: str, key: str, *, stays: bool) -> None:
        super().__init__(text)
        self.setCheckable(stays)
        self.setStyleSheet(_BUTTON)
        # Otherwise it would take the space bar, which moves the camera.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.key = SmallLabel(key, _KEY)
        self.key.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 6, 0)
        row.addStretch(1)
        row.addWidget(self.key)
