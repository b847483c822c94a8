"""A training that runs, is cancelled, fails or is left: what it came to is not lost."""

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QApplication

from napari_monuseg.core.progress import Progress
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.docks.dock import explain
from napari_monuseg.docks.progress_line import CANCELLED
from napari_monuseg.docks.train_steps import (
    Handle,
    Taught,
    judge_so_far,
    teach,
    uncompared,
)
from napari_monuseg.jobs import JobSlot

if TYPE_CHECKING:
    from napari_monuseg.core.checked import Corrections
    from napari_monuseg.core.finetuning import FinetunedNetwork
    from napari_monuseg.core.lessons import Lesson


NOTHING = "Cancelled: there is nothing better to keep yet"


class TrainingJob(QObject):
    """Trains, then compares what comes out with what it started from."""

    progressed = Signal(object)
    """Emits `Progress`."""

    taught = Signal(object)
    """Emits what is to be decided on, as `Taught`."""

    ended = Signal(str)
    """Emits, in words, how it ended; what it came to is emitted first."""

    changed = Signal()
    """Emits when it begins, and when it no longer runs."""

    def __init__(self) -> None:
        super().__init__()
        self._slot = JobSlot()
        self._handle = Handle()
        self._cancelled: float | None = None

    @property
    def busy(self) -> bool:
        """Whether it runs."""
        return self._slot.busy

    @property
    def lesson(self) -> "Lesson | None":
        """What is taught; None before it has begun, and when it is decided on."""
        return self._handle.lesson

    def start(
        self,
        model: ModelEntry,
        corrections: "Sequence[Corrections]",
        recipe: dict[str, Any],
    ) -> None:
        """Train; see `teach`."""
        self._handle = Handle()
        self._cancelled = None
        self._run(teach(model, corrections, recipe, self._handle))

    def resume(self, taught: Taught) -> None:
        """Take over what an earlier dock left to be decided on."""
        self._handle = Handle(lesson=taught.lesson, tuned=taught.tuned)

    def forget(self) -> None:
        """Forget what was taught: somebody has decided on it."""
        self._handle = Handle()

    def stop(self) -> None:
        """Run no longer."""
        self._slot.cancel()

    def cancel(self) -> None:
        """Compare the best so far; when called again, leave out the comparison."""
        if not self.busy:
            return
        handle = self._handle
        comparing = handle.tuned is not None
        if comparing and self._is_double_click():
            return
        self._slot.cancel()
        if comparing:
            self._offer("that was cancelled.")
            self.changed.emit()
            return
        handle.tuned = handle.so_far()
        if handle.lesson is None or handle.tuned is None:
            self.forget()
            self.ended.emit(NOTHING)
            self.changed.emit()
            return
        self._cancelled = monotonic()
        self._run(judge_so_far(handle.lesson, handle.tuned))

    def so_far(self, reason: str) -> Taught | None:
        """Give what it came to, when it goes no further; None if that is nothing.

        Parameters
        ----------
        reason : str
            Why it is not compared with what it started from.
        """
        lesson, tuned = self._handle.lesson, self._handle.so_far()
        if lesson is None or tuned is None or not tuned.step:
            return None
        return uncompared(lesson, tuned, reason)

    def _run(self, steps: Any) -> None:
        self._slot.start(
            steps,
            yielded=self._on_progress,
            returned=self._on_taught,
            errored=self._on_error,
            finished=self.changed.emit,
        )
        self.changed.emit()

    def _is_double_click(self) -> bool:
        """Tell whether Cancel was pressed just before: then once is meant."""
        if self._cancelled is None:
            return False
        passed = 1000 * (monotonic() - self._cancelled)
        return passed < QApplication.doubleClickInterval()

    def _on_progress(self, progress: Progress) -> None:
        if self._cancelled is not None:
            progress = replace(progress, message=CANCELLED + progress.message)
        self.progressed.emit(progress)

    def _on_taught(self, taught: Taught) -> None:
        if taught.tuned.step:
            self.taught.emit(taught)
        self.ended.emit(describe(taught.tuned))
        if not taught.tuned.step:
            self.forget()

    def _on_error(self, error: Exception) -> None:
        self._offer("it ended with an error.")
        self.ended.emit(explain(error))

    def _offer(self, reason: str) -> None:
        """Let be decided on what there is, without a comparison."""
        taught = self.so_far(reason)
        if taught is not None:
            self._on_taught(taught)
        else:
            self.forget()
            self.ended.emit(NOTHING)


def describe(tuned: "FinetunedNetwork") -> str:
    """Say what a training did, and which of its weights are kept."""
    steps = "step" if tuned.steps == 1 else "steps"
    did = f"{tuned.steps} {steps} in {tuned.minutes:.1f} min on {tuned.device}"
    if not tuned.step:
        return f"{did}: none was better on what is held out; the model stays as it was"
    if tuned.chosen:
        return f"{did}; the best was step {tuned.step}"
    return (
        f"{did}; nothing was held out to stop by: this is the model after step "
        f"{tuned.step}"
    )
