"""How a real window behaves while the real dock works.

Run as a program, with the path of an installed model, it opens napari and presses
the dock's buttons: ``window.py MODEL`` prints what it measured as JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import cycle, islice, pairwise
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from apart import report_of
from table import Row

from napari_monuseg.core.registry import ModelEntry

SIDE, LARGE_SIDE = 1000, 4000
"""Of the images, px: for the stalls and sliders, and for a run to be cancelled."""

RUNS, CANCELS, MOVES = 3, 5, 20

PULSE_MS = 5

PATIENCE = 900.0
"""No step takes longer unless something is wrong, s."""


def window_rows(model: ModelEntry) -> list[Row]:
    """Drive the dock in a process of its own, where torch comes after the window."""
    report = report_of(__file__, model.path)
    return [
        *_stall_rows(model, report["small"], SIDE),
        *_stall_rows(model, report["large"], LARGE_SIDE),
        _cancel_row(model, report["cancels"]),
        _slider_row(model, report["moves"]),
    ]


def _stall_rows(model: ModelEntry, stalls: dict[str, float], side: int) -> list[Row]:
    working = Row(
        model=model.name,
        what=f"longest stall of the window during a run, {side:,} × {side:,} px",
        value=stalls["working"],
        unit=" ms",
        aim=50,
        how=f"with nothing to do {stalls['idle']:.0f} ms",
    )
    showing = Row(
        model=model.name,
        what="as its nuclei appear, over napari's own share of it",
        value=stalls["showing"] / stalls["napari"],
        unit=" ×",
        aim=1.25,  # of what comes after the layer itself is made, which is napari's
        how=f"{stalls['showing']:.0f} ms : {stalls['napari']:.0f} ms",
    )
    return [working, showing]


def _cancel_row(model: ModelEntry, seconds: list[float]) -> Row:
    return Row(
        model=model.name,
        what="Cancel to idle",
        value=max(seconds),
        unit=" s",
        aim=0.5,
        how=f"longest of {len(seconds)}; median {median(seconds):.2f} s",
    )


def _slider_row(model: ModelEntry, seconds: list[float]) -> Row:
    return Row(
        model=model.name,
        what=f"slider to new labels, {SIDE:,} × {SIDE:,} px",
        value=1000 * median(seconds),
        unit=" ms",
        aim=100,
        how=f"median of {len(seconds)}; longest {1000 * max(seconds):.0f} ms",
    )


class Window:
    """Napari with the dock, and what a user does there.

    Parameters
    ----------
    model : Path
        One of those the dock offers.
    """

    def __init__(self, model: Path) -> None:
        import napari

        from napari_monuseg.commands.window import DOCK, PLUGIN

        self.viewer = napari.Viewer()
        _, self.dock = self.viewer.window.add_plugin_dock_widget(PLUGIN, DOCK)
        self.dock.model.choice.value = model
        if self.dock.model.value is None or self.dock.model.value.path != model:
            raise SystemExit(f"The dock does not offer {model}: install it first.")
        # Another process looks for the devices; it would slow down what is timed.
        wait_until(lambda: self.dock.device.count() > 1)

    def show(self, side: int) -> None:
        """Show tissue in place of what there was."""
        from tissue import PIXEL_SIZE, tissue

        self.viewer.layers.clear()
        settle()  # napari on Mesa crashes if layers are replaced within one drawing
        scale = (PIXEL_SIZE, PIXEL_SIZE)
        self.viewer.add_image(tissue(side), rgb=True, name="tissue", scale=scale)
        self.viewer.reset_view()
        settle()

    def run(self) -> None:
        """Press Run and wait until the nuclei are there and drawn."""
        self.start()
        wait_until(lambda: not self.dock.running)
        if len(self.viewer.layers) < 2:
            raise SystemExit(f"The run failed: {self.dock.progress.text.text()}")
        settle()

    def start(self) -> None:
        """Press Run."""
        self.viewer.layers.selection.active = self.viewer.layers["tissue"]
        self.dock.run_button.click()

    def clear(self) -> None:
        """Remove the nuclei."""
        del self.viewer.layers[1:]
        settle()

    def stalls(self, runs: int) -> dict[str, float]:
        """Measure the longest stalls of runs, and of less than a run, ms."""
        pulses = [self._stalls() for _ in range(runs)]
        return {name: max(pulse[name] for pulse in pulses) for name in pulses[0]}

    def _stalls(self) -> dict[str, float]:
        idle, run, napari = Pulse(), Pulse(), Stopwatch()
        with idle:
            settle()
        self.viewer.layers.events.inserting.connect(run.mark)
        # At the same moment: how fast memory is depends on what was done before.
        with run, napari.timing(self.viewer, "add_labels"):
            self.run()
        self.viewer.layers.events.inserting.disconnect(run.mark)
        self.clear()
        return {
            "idle": idle.longest(),
            "working": run.longest_before(),
            "showing": run.longest_after(),
            "napari": napari.longest,
        }

    def cancel(self, windows: int) -> float:
        """Press Cancel after some windows; give how long until all was still, s."""
        from qtpy.QtCore import QThreadPool

        pool = QThreadPool.globalInstance()
        self.start()
        wait_until(lambda: self.dock.progress.bar.value() >= windows)
        begun = time.perf_counter()
        self.dock.cancel_button.click()
        wait_until(lambda: not self.dock.running and not pool.activeThreadCount())
        return time.perf_counter() - begun

    def move(self, value: float) -> float:
        """Move a slider; give how long until the labels changed, s."""
        changed: list[float] = []

        def note(_event: Any) -> None:
            changed.append(time.perf_counter())

        layer = self.viewer.layers[-1]
        layer.events.set_data.connect(note)
        begun = time.perf_counter()
        self.dock.results.sliders.foreground.setValue(value)
        wait_until(lambda: bool(changed))
        layer.events.set_data.disconnect(note)
        settle(0.2)
        return changed[0] - begun


class Pulse:
    """A timer that notices when the event loop does not come round."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self._beats: list[float] = []
        self._mark = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(PULSE_MS)
        self._timer.timeout.connect(self._beat)

    def _beat(self) -> None:
        self._beats.append(time.perf_counter())

    def mark(self, _event: Any = None) -> None:
        """Remember this moment."""
        self._mark = time.perf_counter()

    def __enter__(self) -> None:
        self._beat()
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        self._beat()

    def longest(self) -> float:
        """Give the longest stall, ms."""
        return self._longest(lambda _: True)

    def longest_before(self) -> float:
        """Give the longest stall that ended before the mark, ms."""
        return self._longest(lambda end: end <= self._mark)

    def longest_after(self) -> float:
        """Give the longest stall that ended after the mark, ms."""
        return self._longest(lambda end: end > self._mark)

    def _longest(self, wanted: Callable[[float], bool]) -> float:
        gaps = (end - begin for begin, end in pairwise(self._beats) if wanted(end))
        return max(0.0, 1000 * max(gaps, default=0.0) - PULSE_MS)


class Stopwatch:
    """Times a method of an object."""

    def __init__(self) -> None:
        self.longest = 0.0
        """The longest call, ms."""

    @contextmanager
    def timing(self, owner: object, name: str) -> Iterator[None]:
        """Time calls of a method that is looked up in the object's class."""
        method = getattr(type(owner), name)

        @wraps(method)
        def timed(*arguments: Any, **keywords: Any) -> Any:
            begun = time.perf_counter()
            try:
                return method(*arguments, **keywords)
            finally:
                took = 1000 * (time.perf_counter() - begun)
                self.longest = max(self.longest, took)

        with patch.object(type(owner), name, timed):
            yield


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Let the event loop run until something holds."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer()
    deadline = time.monotonic() + seconds

    def look() -> None:
        if condition() or time.monotonic() > deadline:
            loop.quit()

    timer.timeout.connect(look)
    timer.start(2)
    loop.exec()
    timer.stop()
    if not condition():
        raise SystemExit(f"The window did not get there within {seconds:g} s.")


def settle(seconds: float = 0.5) -> None:
    """Let the window draw what there is to draw."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end)


def measure(model: Path) -> dict[str, Any]:
    """Press the buttons, and tell what was measured."""
    window = Window(model)
    window.show(SIDE)
    window.run()  # loads torch and the network
    window.clear()
    small = window.stalls(RUNS)
    window.run()
    moves = [window.move(value) for value in islice(cycle((0.3, 0.6, 0.45)), MOVES)]
    window.show(LARGE_SIDE)
    large = window.stalls(1)
    cancels = [window.cancel(1 + number) for number in range(CANCELS)]
    window.viewer.close()
    return {"small": small, "large": large, "moves": moves, "cancels": cancels}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
