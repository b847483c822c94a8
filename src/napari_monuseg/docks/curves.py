"""Live curves of a training: losses, and the scores on what is held out."""

from typing import Any

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

LINES = (
    ("loss", "training loss", "#7aa2f7", 0),
    ("validation_loss", "held-out loss", "#f7a35c", 0),
    ("dice", "held-out Dice", "#9ece6a", 1),
    ("aji", "held-out AJI", "#d28ef0", 1),
)
"""Name in the history, in words, colour, and upper or lower half."""

HEIGHT = 260


LEFT, WIDTH = 0.13, 0.83
"""Of the plots, as shares of the figure."""

BOTTOMS, HALF, WHOLE = (0.6, 0.15), 0.3, 0.75
"""Where the upper and the lower plot begin, and how high they and a single one are."""


class Curves(QWidget):
    """Two small plots, of losses and of scores; one if nothing is scored."""

    def __init__(self) -> None:
        super().__init__()
        self.figure = Figure()
        self.figure.patch.set_alpha(0)
        self.canvas = _Canvas(self.figure)
        self.canvas.setStyleSheet("background: transparent;")
        self.canvas.setFixedHeight(HEIGHT)
        upper = self.figure.add_axes((LEFT, BOTTOMS[0], WIDTH, HALF))
        lower = self.figure.add_axes((LEFT, BOTTOMS[1], WIDTH, HALF), sharex=upper)
        self.axes = (upper, lower)
        for axes in self.axes:
            _style(axes)
        self._colour = "grey"
        self._lines = {
            name: self.axes[half].plot([], [], ".-", color=colour, label=label)[0]
            for name, label, colour, half in LINES
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.canvas)
        self.show_history([])

    def set_colour(self, colour: str) -> None:
        """Draw axes and names in the colour that texts have in napari's theme."""
        self._colour = colour
        for axes in self.axes:
            axes.tick_params(colors=colour)
            axes.xaxis.label.set_color(colour)
            for spine in axes.spines.values():
                spine.set_color(colour)
            _fit(axes, colour)
        self.canvas.draw_idle()

    def show_history(self, history: list[dict[str, Any]]) -> None:
        """Draw what was measured so far; see `FinetunedNetwork.history`."""
        for name, line in self._lines.items():
            points = [(one["step"], one[name]) for one in history if name in one]
            line.set_data(*(zip(*points, strict=True) if points else ((), ())))
            line.set_visible(bool(points))
        upper, lower = self.axes
        for axes in self.axes:
            _fit(axes, self._colour)
        scored = any(line.get_visible() for line in lower.lines)
        lower.set_visible(scored)
        bottom, height = (BOTTOMS[0], HALF) if scored else (BOTTOMS[1], WHOLE)
        upper.set_position((LEFT, bottom, WIDTH, height))
        upper.tick_params(labelbottom=not scored)
        for axes in self.axes:
            below = axes is lower or not scored
            axes.set_xlabel("step" if below else "", fontsize=8, color=self._colour)
        self.canvas.draw_idle()


class _Canvas(FigureCanvasQTAgg):
    """Leaves the mouse wheel to the dock, which scrolls by it."""

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        event.ignore()


def _fit(axes: Any, colour: str) -> None:
    """Let a plot show all of its lines, with their names above it."""
    axes.relim(visible_only=True)
    axes.autoscale()
    axes.set_xlim(0, max(1, axes.get_xlim()[1]))  # of steps, which are whole
    shown = [line for line in axes.lines if line.get_visible()]
    axes.legend(
        handles=shown,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        fontsize=7,
        frameon=False,
        labelcolor=colour,
        borderaxespad=0,
    ).set_visible(bool(shown))


def _style(axes: Any) -> None:
    axes.patch.set_alpha(0)
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
