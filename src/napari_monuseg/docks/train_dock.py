"""The training dock: what was corrected, how long, watch, and keep or discard."""

from typing import Any
from weakref import WeakKeyDictionary

from napari.utils.notifications import show_error
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QPushButton

from napari_monuseg.core import registry
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.core.rounds import advise, rounds_of
from napari_monuseg.docks.curves import Curves
from napari_monuseg.docks.device_choice import DeviceChoice
from napari_monuseg.docks.dock import Dock, enable_buttons, explain
from napari_monuseg.docks.gate_panel import GatePanel
from napari_monuseg.docks.gathered import GatheredAreas
from napari_monuseg.docks.model_choice import ModelChoice
from napari_monuseg.docks.model_manager import ModelManager
from napari_monuseg.docks.note import Line, Note
from napari_monuseg.docks.progress_line import ProgressLine
from napari_monuseg.docks.section import section
from napari_monuseg.docks.train_options import TrainOptions
from napari_monuseg.docks.train_steps import Handle, Taught, judge_so_far, keep, teach
from napari_monuseg.jobs import JobSlot

_left: WeakKeyDictionary[Any, Taught] = WeakKeyDictionary()
"""What a dock that was closed had taught, by viewer."""


class TrainDock(Dock):
    """Teaches a model from reviewed areas, and asks whether to keep the result.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Where the images, their nuclei and the reviewed areas are.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self._slot = JobSlot()
        self._lifetime.add(self._slot.cancel)
        self._handle = Handle()
        self._taught: Taught | None = None
        self._drawn = 0
        self.model = ModelChoice(self._lifetime)
        self.areas = GatheredAreas(self._viewer, self._lifetime)
        self.options = TrainOptions()
        self.device = DeviceChoice(self._lifetime)
        self.train_button = QPushButton("Train")
        self.cancel_button = QPushButton("Cancel")
        self.progress = ProgressLine()
        self.notice = Note()
        self.curves = Curves()
        self.curves.setVisible(False)
        self.gate = GatePanel()
        self.rounds = Line()
        self.manager = ModelManager(lambda: self.model.value)
        self._lay_out()
        self._connect()
        self._on_model()
        self._go_on()
        self._lifetime.add(self._leave)

    def _lay_out(self) -> None:
        self._stack(
            [
                ("Base model", self.model),
                ("Reviewed", self.areas),
                ("How long", self.options),
                ("", self.options.advanced),
                ("Device", self.device),
            ],
            self.train_button,
            self.cancel_button,
            self.progress,
            self.notice,
            self.curves,
            self.gate,
            self.rounds,
            section("Models", self.manager),
        )

    def _connect(self) -> None:
        self.model.changed.connect(self._on_model)
        self.options.seed.valueChanged.connect(self.areas.hold_out_by)
        self.areas.changed.connect(self._refresh)
        self.train_button.clicked.connect(self._on_train)
        self.cancel_button.clicked.connect(self._on_cancel)
        self.gate.accepted.connect(self._on_accept)
        self.gate.discarded.connect(self._on_discard)

    def _leave(self) -> None:
        """Leave what was taught, and neither kept nor discarded, to the next dock."""
        if self._taught is not None:
            _left[self._viewer] = self._taught

    def _go_on(self) -> None:
        """Ask again about what an earlier dock of the viewer left."""
        taught = _left.pop(self._viewer, None)
        if taught is not None:
            self._handle.lesson = taught.lesson
            self.curves.setVisible(True)
            self._on_taught(taught)
            self._refresh()

    @property
    def running(self) -> bool:
        """Whether a job of the dock runs."""
        return self._slot.busy

    def _refresh(self) -> None:
        deciding = self._taught is not None
        ready = self.model.value is not None and self.areas.any_included
        enable_buttons(
            self.train_button,
            self.cancel_button,
            ready=ready and not deciding,
            running=self.running,
        )
        self.gate.setEnabled(not self.running)
        self.manager.setEnabled(not self.running)

    def _on_model(self) -> None:
        model = self.model.value
        rounds = rounds_of(model) if model else []
        lines = [_describe_round(number, one) for number, one in enumerate(rounds, 1)]
        self.rounds.setText("\n".join(filter(None, [*lines, advise(rounds)])))
        self.rounds.setVisible(bool(lines))
        self.areas.judge_for(model.info.learned if model else ())
        self.manager.refresh()
        self._refresh()

    def _on_train(self) -> None:
        model = self.model.value
        if model is None or self.running:
            return
        try:
            corrections = self.areas.corrections()
        except MonusegError as error:
            show_error(str(error))
            self.progress.end(str(error))
            return
        recipe = self.options.value | {"device": self.device.value}
        self._handle = Handle()
        self._drawn = 0
        self.curves.show_history([])
        self.curves.setVisible(True)
        self._start(
            teach(model, corrections, recipe, self._handle),
            "Starting…",
            returned=self._on_taught,
        )

    def _start(self, steps: Any, text: str, *, returned: Any) -> None:
        self.progress.begin(text)
        self._slot.start(
            steps,
            yielded=self._on_progress,
            returned=returned,
            errored=self._on_error,
            finished=self._refresh,
        )
        self._refresh()

    def _on_progress(self, progress: Progress) -> None:
        if not self._draw():  # the curves tell what a line of the history says
            self.progress.show_progress(progress)

    def _draw(self) -> bool:
        """Show how the training goes; tell whether there is more to its curves."""
        lesson = self._handle.lesson
        history = lesson.history if lesson else []
        self.notice.setText("\n".join(lesson.notices) if lesson else "")
        if len(history) <= self._drawn:
            return False
        self._drawn = len(history)
        self.curves.show_history(history)
        return True

    def _on_taught(self, taught: Taught) -> None:
        self._taught = taught
        self._draw()
        tuned = taught.tuned
        self.progress.end(
            f"{tuned.steps} steps in {tuned.minutes:.1f} min on {tuned.device}; the "
            f"best was step {tuned.step}"
        )
        self.gate.ask(taught.judgement, _propose_name(taught.lesson.model))
        QTimer.singleShot(0, self._reveal_gate)

    def _reveal_gate(self) -> None:
        self._reveal(self.gate)

    def _on_error(self, error: Exception) -> None:
        self.progress.end(explain(error))

    def _on_cancel(self) -> None:
        self._slot.cancel()
        lesson = self._handle.lesson
        best = lesson.result() if lesson is not None else None
        if lesson is None or best is None or self._taught is not None:
            self.progress.end("Cancelled")
            self._refresh()
            return
        self._handle = Handle()  # a second Cancel ends it for good
        self._start(
            judge_so_far(lesson, best),
            "Cancelled; comparing the best so far with the model it started from",
            returned=self._on_taught,
        )

    def _on_accept(self, name: str) -> None:
        if self._taught is not None and not self.running:
            self._start(
                keep(self._taught, name),
                "Writing the model…",
                returned=self._on_kept,
            )

    def _on_kept(self, name: str) -> None:
        self._taught = None
        self.gate.close_gate()
        self.progress.end(f"“{name}” is now among your models")
        registry.notify()

    def _on_discard(self) -> None:
        self._taught = None
        self.gate.close_gate()
        self.progress.end("Discarded")
        self._refresh()


def _propose_name(model: ModelEntry) -> str:
    """Give a name that is free: that of the model, and which round it is."""
    taken = {entry.name.lower() for entry in registry.list_models()}
    stem = model.path.stem
    root, _, tail = stem.rpartition(" round ")
    root = root if tail.isdigit() and root else stem
    number = 1
    while f"{root} round {number}".lower() in taken:
        number += 1
    return f"{root} round {number}"


def _describe_round(number: int, one: Any) -> str:
    facts = [f"Round {number}: {one.nuclei} nuclei"]
    if one.corrections is not None:
        facts.append(f"{one.corrections:.0f} corrections per 100")
    if one.before is not None and one.after is not None:
        facts.append(f"AJI {one.before:.3f} → {one.after:.3f}")
    return ", ".join(facts)
