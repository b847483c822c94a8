"""Before and after, side by side: what two models find in what was held out."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg, NavigationToolbar2QT
from matplotlib.figure import Figure
from qtpy.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from napari_monuseg.core.boxes import bounding_window
from napari_monuseg.core.figures import FALSE, FOUND, MISSED, overlay
from napari_monuseg.docks.choice import Choice

if TYPE_CHECKING:
    from napari_monuseg.core.gate import Judgement
    from napari_monuseg.core.looks import Seen

TRUE = (255, 255, 255)
"""Outlines of the nuclei as corrected, below those of the model's."""

LEGEND = (
    (FOUND, "found"),
    (FALSE, "false: not among your nuclei"),
    (MISSED, "missed"),
    (TRUE, "your border, where the model has another"),
)

DARK = "#262930"
"""As napari's dark theme: tissue is bright enough."""

TEXT = "#c8ccd4"
"""Upon it."""

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
        column.addWidget(QLabel(" &nbsp; ".join(_entry(*one) for one in LEGEND)))
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


def _entry(colour: tuple[int, int, int], text: str) -> str:
    """Give a line of the legend, as HTML."""
    red, green, blue = colour
    return f'<span style="color: rgb({red}, {green}, {blue})">■</span> {text}'


def _show(axes: Any, seen: "Seen", title: str) -> None:
    from napari_monuseg.core.looks import matched  # torch is there by now

    window = bounding_window(seen.area, MARGIN)
    matches = matched(seen).read(window)
    truth = np.where(seen.area, seen.truth, 0)[window]
    picture = overlay(seen.rgb[window], truth, colour=TRUE, width=1)
    for labels, colour in (
        (matches.found, FOUND),
        (matches.missed, MISSED),
        (matches.false, FALSE),
    ):
        picture = overlay(picture, labels, colour=colour, width=1)
    shaded = np.where(seen.area[window][..., None], picture, picture // 2 + 64)
    axes.imshow(shaded.astype(np.uint8), interpolation="nearest")
    counts = "{} found, {} false, {} missed".format(*matches.counts)
    axes.set_title(f"{title}: {counts}", fontsize=10, color=TEXT)
    axes.set_axis_off()
