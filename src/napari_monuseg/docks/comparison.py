"""Before and after, side by side: what two models find in what was held out."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg, NavigationToolbar2QT
from matplotlib.figure import Figure
from qtpy.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from napari_monuseg.core.boxes import bounding_window
from napari_monuseg.core.figures import LIME, overlay
from napari_monuseg.docks.choice import Choice
from napari_monuseg.docks.curves import TEXT

if TYPE_CHECKING:
    from napari_monuseg.core.gate import Judgement
    from napari_monuseg.core.looks import Seen

TRUE = (255, 255, 255)
"""Outlines of the nuclei as corrected; the model's are lime."""

DARK = "#262930"
"""As napari's dark theme: tissue is bright enough."""

MARGIN = 16
"""Tissue shown around what was held out, px."""


class Comparison(QDialog):
    """A window with the two pictures, which are moved and enlarged together.

    Parameters
    ----------
    judgement : Judgement
        What to show.
    parent : QWidget, optional
        The window it belongs to.
    """

    def __init__(self, judgement: "Judgement", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Before and after")
        self.resize(1000, 640)
        self._judgement = judgement
        self.figure = Figure(layout="constrained", facecolor=DARK)
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.area = Choice()
        self.area.offer(
            (f"Held-out area {number + 1}", number)
            for number in range(len(judgement.before))
        )
        self.area.setVisible(len(judgement.before) > 1)
        column = QVBoxLayout(self)
        column.addWidget(NavigationToolbar2QT(self.canvas, self))
        column.addWidget(self.area)
        column.addWidget(self.canvas, 1)
        column.addWidget(
            QLabel("White: the nuclei as you corrected them. Green: the model's.")
        )
        self.area.currentIndexChanged.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        number = self.area.value or 0
        before, after = self._judgement.before[number], self._judgement.after[number]
        wide = before.area.shape[1] > 1.5 * before.area.shape[0]
        self.figure.clear()
        axes = self.figure.subplots(
            *((2, 1) if wide else (1, 2)), sharex=True, sharey=True
        )
        for plot, seen, title in zip(
            axes, (before, after), ("Before", "After"), strict=True
        ):
            _show(plot, seen, title)
        self.canvas.draw_idle()


def _show(axes: Any, seen: "Seen", title: str) -> None:
    window = bounding_window(seen.area, MARGIN)
    picture = overlay(seen.rgb[window], seen.found[window], colour=LIME, width=1)
    truth = np.where(seen.area, seen.truth, 0)[window]
    picture = overlay(picture, truth, colour=TRUE, width=1)
    shaded = np.where(seen.area[window][..., None], picture, picture // 2 + 64)
    axes.imshow(shaded.astype(np.uint8), interpolation="nearest")
    axes.set_title(title, fontsize=10, color=TEXT)
    axes.set_axis_off()
