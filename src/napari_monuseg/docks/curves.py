"""Live curves of a training: losses, and the scores on what is held out."""

from typing import Any

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from qtpy.QtWidgets import QVBoxLayout, QWidget

TEXT = "#c8ccd4"
"""Reads on napari's dark theme and on its light one."""

LINES = (
    ("loss", "training loss", "#7aa2f7", 0),
    ("validation_loss", "held-out loss", "#f7a35c", 0),
    ("dice", "held-out Dice", "#9ece6a", 1),
    ("aji", "held-out AJI", "#d28ef0", 1),
)
"""Name in the history, in words, colour, and upper or lower half."""

HEIGHT = 260


class Curves(QWidget):
    """Two small plots above each other: losses, and scores."""

    def __init__(self) -> None:
        super().__init__()
        self.figure = Figure(layout="constrained")
        self.figure.patch.set_alpha(0)
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.canvas.setStyleSheet("background: transparent;")
        self.canvas.setFixedHeight(HEIGHT)
        self.axes = self.figure.subplots(2, 1, sharex=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.canvas)
        self.show_history([])

    def show_history(self, history: list[dict[str, Any]]) -> None:
        """Draw what was measured so far; see `FinetunedNetwork.history`."""
        for axes in self.axes:
            axes.clear()
            _style(axes)
        for name, label, colour, half in LINES:
            points = [(line["step"], line[name]) for line in history if name in line]
            if points:
                self.axes[half].plot(
                    *zip(*points, strict=True), ".-", color=colour, label=label
                )
        for axes in self.axes:
            if axes.lines:
                axes.legend(fontsize=7, frameon=False, labelcolor=TEXT)
        self.axes[1].set_xlim(left=0)
        self.axes[1].set_xlabel("step", fontsize=8, color=TEXT)
        self.canvas.draw_idle()


def _style(axes: Any) -> None:
    axes.patch.set_alpha(0)
    axes.tick_params(labelsize=7, colors=TEXT)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(TEXT)
