"""How long to train, and what only few will want to change."""

from typing import Any

from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_monuseg.docks.choice import Choice
from napari_monuseg.docks.section import section
from napari_monuseg.docks.wheel import ignore_wheel

QUICK, THOROUGH = 80, 320
"""Steps: about 1 and 4 minutes on two CPU cores."""

MINUTES = "minutes"

PLENTY = 100_000
"""Steps that no training by minutes gets to."""


class TrainOptions(QWidget):
    """Quick, thorough or so many minutes.

    Attributes
    ----------
    advanced : QCollapsible
        All the rest, folded away; to be put where there is width for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.length = Choice()
        self.length.offer(
            [
                (f"Quick ({QUICK} steps)", QUICK),
                (f"Thorough (≤ {THOROUGH} steps)", THOROUGH),
                ("For some minutes", MINUTES),
            ]
        )
        self.length.value = THOROUGH
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.5, 600)
        self.minutes.setDecimals(1)
        self.minutes.setValue(5)
        self.minutes.setSuffix(" min")
        self.learning_rate = QDoubleSpinBox()
        self.learning_rate.setDecimals(6)
        self.learning_rate.setRange(1e-6, 1e-1)
        self.learning_rate.setSingleStep(1e-4)
        self.learning_rate.setValue(2e-4)
        self.frozen = Choice()
        self.frozen.offer(
            [("All layers learn", "nothing"), ("Decoder only", "encoder")]
        )
        self.crop = Choice()
        self.crop.offer([(f"{side} px", side) for side in (128, 192, 256, 384)])
        self.crop.value = 256
        self.seed = QSpinBox()
        self.seed.setRange(0, 9999)
        ignore_wheel(self.minutes, self.learning_rate, self.seed)
        self._lay_out()
        self.length.currentIndexChanged.connect(self._refresh)
        self._refresh()

    def _lay_out(self) -> None:
        inner = QWidget()
        advanced = QFormLayout(inner)
        advanced.setContentsMargins(0, 0, 0, 0)
        advanced.addRow("Learning rate", self.learning_rate)
        advanced.addRow("What learns", self.frozen)
        advanced.addRow("Crops", self.crop)
        advanced.addRow("Seed", self.seed)
        self.advanced = section("Advanced", inner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.length)
        column.addWidget(self.minutes)

    def _refresh(self) -> None:
        self.minutes.setVisible(self.length.value == MINUTES)

    @property
    def value(self) -> dict[str, Any]:
        """The choices, as fields of `FinetuneOptions`."""
        by_minutes = self.length.value == MINUTES
        return {
            "steps": PLENTY if by_minutes else self.length.value,
            "minutes": self.minutes.value() if by_minutes else None,
            "learning_rate": self.learning_rate.value(),
            "frozen": self.frozen.value,
            "crop": self.crop.value,
            "seed": self.seed.value(),
        }
