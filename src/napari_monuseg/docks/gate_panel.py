"""The end of a training: what changed, and whether the new model is kept."""

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_monuseg.docks.comparison import Comparison
from napari_monuseg.docks.note import Line, Note

if TYPE_CHECKING:
    from napari_monuseg.core.gate import Judgement

NAMES = {"dice": "Dice", "aji": "AJI", "pq": "PQ"}

PLACES = {"outside": "around what you reviewed", "sample": "on the sample tissue"}

PROPOSED = "font-weight: bold;"


class GatePanel(QWidget):
    """Scores before and after, the pictures, and Accept or Discard."""

    accepted = Signal(str)
    """Emits the name the new model is to have."""

    discarded = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._judgement: Judgement | None = None
        self._comparison: Comparison | None = None
        self.sentence = Line()
        self.drift = Line()
        self.drift.setToolTip(
            "By how much the nuclei of the two models differ where nobody has checked "
            "them, 1 − AJI; which of them are right is not known there."
        )
        self.look_button = QPushButton("Look at both…")
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of the new model")
        self.error = Note()
        self.accept_button = QPushButton("Accept")
        self.discard_button = QPushButton("Discard")
        self._table = QGridLayout()
        self._table.setHorizontalSpacing(12)
        self._lay_out()
        self.look_button.clicked.connect(self._on_look)
        self.name.returnPressed.connect(self._on_accept)
        self.accept_button.clicked.connect(self._on_accept)
        self.discard_button.clicked.connect(self._on_discard)
        self.setVisible(False)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.accept_button)
        buttons.addWidget(self.discard_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.sentence)
        column.addLayout(self._table)
        column.addWidget(self.drift)
        column.addWidget(self.look_button)
        naming = QFormLayout()
        naming.addRow("New model", self.name)
        column.addLayout(naming)
        column.addWidget(self.error)
        column.addLayout(buttons)

    @property
    def judgement(self) -> "Judgement | None":
        """What is to be decided on; None if nothing is."""
        return self._judgement

    def ask(self, judgement: "Judgement", name: str) -> None:
        """Show a judgement and propose what to do.

        Parameters
        ----------
        judgement : Judgement
            Of the training that has ended.
        name : str
            Proposed for the new model.
        """
        self._judgement = judgement
        self.sentence.setText(judgement.sentence())
        self._fill_table(judgement)
        self.drift.setText(
            "\n".join(
                f"{_percent(1 - agreement)} changed {PLACES[place]}"
                for place, agreement in judgement.drift.items()
            )
        )
        self.look_button.setVisible(bool(judgement.before))
        self.name.setText(name)
        proposed, other = self.accept_button, self.discard_button
        if not judgement.accept:
            proposed, other = other, proposed
        proposed.setStyleSheet("" if judgement.problem else PROPOSED)
        other.setStyleSheet("")
        proposed.setDefault(True)
        self.complain("")
        self.setVisible(True)

    def complain(self, text: str) -> None:
        """Say why the new model cannot be kept as it was asked for."""
        self.error.setText(text)

    def close_gate(self) -> None:
        """Nothing is to be decided any more."""
        self._judgement = None
        self._close_comparison()
        self.setVisible(False)

    def _close_comparison(self) -> None:
        comparison, self._comparison = self._comparison, None
        if comparison is not None:
            comparison.close()
            comparison.deleteLater()

    def _fill_table(self, judgement: "Judgement") -> None:
        while self._table.count():
            item = self._table.takeAt(0).widget()
            if item is not None:
                item.deleteLater()
        if not judgement.changes:
            return
        rows = [("", "before", "after", "difference, 90%")]
        rows += [
            (
                NAMES[name],
                f"{one.before:.3f}",
                f"{one.after:.3f}",
                f"{one.low:+.3f} … {one.high:+.3f}",
            )
            for name, one in judgement.changes.items()
        ]
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                self._table.addWidget(QLabel(text), row, column)

    def _on_look(self) -> None:
        if self._judgement is not None:
            self._close_comparison()
            self._comparison = Comparison(self._judgement, self.window())
            self._comparison.show()

    def _on_accept(self) -> None:
        self.accepted.emit(self.name.text())

    def _on_discard(self) -> None:
        self.discarded.emit()


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
