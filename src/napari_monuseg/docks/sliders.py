"""Sliders that say how nuclei are read from what the network saw."""

from itertools import count

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QWidget,
)
from superqt import QLabeledDoubleSlider

from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.docks.wheel import ignore_wheel

_movements = count(1)


class InstanceSliders(QWidget):
    """Foreground threshold, seed prominence and smallest nucleus."""

    changed = Signal(object)
    """Emits the `InstanceOptions` when the user moves a slider."""

    def __init__(self) -> None:
        super().__init__()
        self.movement = next(_movements)
        """Which movement the sliders are in: no two ever bear one number."""
        self.foreground = _slider(0.05, 0.95, 2)
        self.foreground.setToolTip(
            "Foreground threshold. Higher: smaller nuclei, and fewer pale ones."
        )
        self.seed = _slider(0.01, 0.6, 2)
        self.seed.setToolTip("Lower: touching nuclei are separated more readily.")
        self.smallest = _slider(0, 100, 1)
        self.smallest.setToolTip(
            "Nuclei with an area smaller than this, µm², are left out."
        )
        self.own: InstanceOptions | None = None
        self.reset = QPushButton("↺")
        self.reset.setToolTip("Back to the model's own settings")
        self.reset.setAccessibleName("Back to the model's own settings")
        self.reset.setFixedWidth(self.reset.fontMetrics().height() + 10)
        self.reset.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.reset.clicked.connect(self._on_reset)
        self.reset.hide()
        self.value = InstanceOptions()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        form = QFormLayout()
        row.addLayout(form, stretch=1)
        row.addWidget(self.reset)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(12)
        form.addRow("Foreground", self.foreground)
        form.addRow("Seed prominence", self.seed)
        form.addRow("Smallest, µm²", self.smallest)
        for slider in (self.foreground, self.seed, self.smallest):
            slider.valueChanged.connect(self._on_moved)
            slider.sliderPressed.connect(self._on_pressed)

    @property
    def value(self) -> InstanceOptions:
        """Where the sliders stand."""
        return InstanceOptions(
            foreground_threshold=self.foreground.value(),
            seed_prominence=self.seed.value(),
            smallest_nucleus_um2=self.smallest.value(),
        )

    @value.setter
    def value(self, options: InstanceOptions) -> None:
        self._set(options)
        self._offer_reset()

    def show_own(self, own: InstanceOptions | None) -> None:
        """Offer the way back to a model's own settings; None where nobody knows."""
        self.own = own
        self._offer_reset()

    def _offer_reset(self) -> None:
        moved = self.own is not None and not self.stand_at(self.own)
        self.reset.setVisible(moved and self.isEnabled())

    def stand_at(self, options: InstanceOptions) -> bool:
        """Tell whether the sliders stand at settings, as nearly as they can."""
        return all(
            abs(slider.value() - np.clip(value, slider.minimum(), slider.maximum()))
            < 0.51 * slider.singleStep()
            for slider, value in (
                (self.foreground, options.foreground_threshold),
                (self.seed, options.seed_prominence),
                (self.smallest, options.smallest_nucleus_um2),
            )
        )

    def _on_reset(self) -> None:
        if self.own is not None:
            self.movement = next(_movements)
            self.value = self.own
            self.changed.emit(self.own)

    def _set(self, options: InstanceOptions) -> None:
        blocked = self.blockSignals(True)
        self.foreground.setValue(options.foreground_threshold)
        self.seed.setValue(options.seed_prominence)
        self.smallest.setValue(options.smallest_nucleus_um2)
        self.blockSignals(blocked)

    @property
    def held(self) -> bool:
        """Whether a slider is in the user's hand."""
        sliders = (self.foreground, self.seed, self.smallest)
        return any(slider.isSliderDown() for slider in sliders)

    def _on_pressed(self) -> None:
        self.movement = next(_movements)

    def _on_moved(self) -> None:
        if not self.held:
            self.movement = next(_movements)
        self._offer_reset()
        self.changed.emit(self.value)


def _slider(lowest: float, highest: float, decimals: int) -> QLabeledDoubleSlider:
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(lowest, highest)
    slider.setDecimals(decimals)
    slider.setSingleStep(10**-decimals)
    ignore_wheel(slider)
    return slider
