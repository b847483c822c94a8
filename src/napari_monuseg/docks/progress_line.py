"""What a running job does, how far it is, and how long it still takes."""

import re
from time import monotonic

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_monuseg.core.progress import Progress
from napari_monuseg.docks.note import TwoLines

CANCELLED = "Cancelled: "
"""Begins what is said of work that follows a cancel."""


class ProgressLine(QWidget):
    """A progress bar with a line of text, which stays when the job is over."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(8)
        # napari's own is grey on grey; this is the blue of its buttons.
        self.bar.setStyleSheet("QProgressBar::chunk { background: #4b6bd6; }")
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)
        self.text = TwoLines()
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.bar)
        column.addWidget(self.text)
        self._clock = _Clock()
        self.end("")

    def begin(self, text: str) -> None:
        """Show that a job has begun."""
        self._clock = _Clock()
        self.show_progress(Progress(message=text))
        self.bar.setVisible(True)

    def show_progress(self, progress: Progress) -> None:
        """Show a step; with an unknown total the bar only says that work goes on."""
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)
        left = self._clock.time_left(progress)
        self.text.setText(" · ".join(filter(None, (progress.message, left))))

    def withdraw(self, text: str) -> None:
        """Take back a line that no longer holds, if it is still shown."""
        if self.text.text() == text:
            self.text.setText("")

    def end(self, text: str) -> None:
        """Show how a job ended."""
        self.bar.setVisible(False)  # first: a visible bar draws the window at once
        self.bar.setRange(0, 1)
        self.bar.reset()
        self.text.setText(text)


class _Clock:
    """Estimates from the steps done how long the others take.

    Work of one kind begins its messages in one way, up to the first comma or colon. It
    may be interrupted by work of another kind, which then counts as part of it.
    """

    def __init__(self) -> None:
        self._begun: dict[str, tuple[int, float]] = {}
        self._done: dict[str, int] = {}

    def time_left(self, progress: Progress) -> str:
        now = monotonic()
        message = progress.message.removeprefix(CANCELLED)
        kind = re.split("[,:]", message, maxsplit=1)[0]
        if progress.done < self._done.get(kind, 0):
            del self._begun[kind]  # the same kind of work once more
        self._done[kind] = progress.done
        begun = self._begun.setdefault(kind, (progress.done, now))
        steps, seconds = progress.done - begun[0], now - begun[1]
        if steps < 1 or seconds < 1 or progress.done >= progress.total:
            return ""
        return f"{duration(seconds / steps * (progress.total - progress.done))} left"


def duration(seconds: float) -> str:
    """Say a time as a person would.

    >>> duration(4), duration(100), duration(8000)
    ('4 s', '1 min 40 s', '2 h 13 min')
    """
    whole = max(round(seconds), 1)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
