"""A combo box that keeps its choice when its entries change."""

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import (
    QComboBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from napari_monuseg.docks.wheel import ignore_wheel


class Choice(QComboBox):
    """A combo box whose entries come with values and that long names do not widen.

    Parameters
    ----------
    placeholder : str
        Shown when there is nothing to choose.
    parent : QWidget, optional
        As for any widget.
    """

    def __init__(self, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: list[Any] = []
        self.setPlaceholderText(placeholder)
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(policy)
        self.setMinimumContentsLength(10)
        ignore_wheel(self)

    @property
    def shown(self) -> str:
        """What is drawn of the chosen name: it ends in … where it does not fit."""
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox,
            self._option(),
            QStyle.SubControl.SC_ComboBoxEditField,
            self,
        )
        name = self.currentText() or self.placeholderText()
        return self.fontMetrics().elidedText(
            name, Qt.TextElideMode.ElideRight, field.width()
        )

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        return option

    def event(self, event: QEvent) -> bool:
        """Tell the whole name to a mouse that rests on what is left of it."""
        if event.type() == QEvent.Type.ToolTip:
            name = self.currentText()
            self.setToolTip("" if self.shown == name else name)
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Draw it: napari's style would cut a name off in the middle of a letter."""
        option = self._option()
        option.currentText = self.shown
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    @property
    def value(self) -> Any:
        """What is chosen; None if there is nothing to choose."""
        index = self.currentIndex()
        return self._values[index] if index >= 0 else None

    @value.setter
    def value(self, value: Any) -> None:
        if value in self._values:
            self.setCurrentIndex(self._values.index(value))

    def follow(self, value: Any) -> None:
        """Take what is chosen for another value, which is offered next."""
        index = self.currentIndex()
        if index >= 0:
            self._values[index] = value

    def offer(self, entries: Iterable[tuple[str, Any]]) -> None:
        """Replace the entries; what was chosen stays chosen if it is still there.

        ``currentIndexChanged`` is emitted once, and only if the choice changes.
        """
        chosen = self.value
        names, values = [], []
        for name, value in entries:
            names.append(name)
            values.append(value)
        blocked = self.blockSignals(True)
        self.clear()
        self._values = values
        self.addItems(names)
        for index, name in enumerate(names):
            self.setItemData(index, name, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(values.index(chosen) if chosen in values else 0)
        self.setEnabled(bool(values))
        self.blockSignals(blocked)
        if self.value != chosen:
            self.currentIndexChanged.emit(self.currentIndex())
