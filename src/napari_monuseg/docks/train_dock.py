"""The training dock: what was corrected, how long, watch, and keep or discard."""

from typing import Any
from weakref import WeakKeyDictionary

from napari.utils.notifications import show_error
from napari.utils.theme import get_theme
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QMessageBox, QPushButton

from napari_monuseg.core import registry
from napari_monuseg.core.counting import how_many
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.progress import Progress, Report
from napari_monuseg.core.registry import LONGEST_NAME, ModelEntry
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
from napari_monuseg.docks.train_steps import (
    Taught,
    keep,
)
from napari_monuseg.docks.training_job import TrainingJob, describe
from napari_monuseg.jobs import JobSlot, Steps

LONG = 5.0
"""What was learned in so many minutes is not discarded without a question."""

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
        self._job, self._writing = TrainingJob(), JobSlot()
        self._lifetime.add(self._job.stop)
        self._lifetime.add(self._end_writing)
        self._taught: Taught | None = None
        self._drawn = 0
        self._written = ""
        self._summary = ""
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
        self._viewer.events.theme.connect(self._on_theme)
        self._lifetime.add(lambda: self._viewer.events.theme.disconnect(self._on_theme))
        self._on_theme()
        self.gate = GatePanel()
        self.rounds = Line()
        self.manager = ModelManager(lambda: self.model.value)
        self._models = section("Models", self.manager)
        self._lay_out()
        self._connect()
        self._on_model()
        self._go_on()
        self._lifetime.add(self._leave)  # before anything else ends

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
            self._models,
        )

    def _connect(self) -> None:
        self.model.changed.connect(self._on_model)
        self.options.seed.valueChanged.connect(self.areas.hold_out_by)
        self.areas.changed.connect(self._refresh)
        self.seen.connect(self.areas.set_seen)
        self.train_button.clicked.connect(self._on_train)
        self.cancel_button.clicked.connect(self._job.cancel)
        self._job.progressed.connect(self._on_progress)
        self._job.taught.connect(self._on_taught)
        self._job.ended.connect(self._on_ended)
        self._job.changed.connect(self._refresh)
        self.gate.accepted.connect(self._on_accept)
        self.gate.discarded.connect(self._on_discard)
        self.manager.message.connect(self.progress.text.setText)
        self._models.toggled.connect(self._on_models)

    def _on_theme(self, _event: Any = None) -> None:
        self.curves.set_colour(get_theme(self._viewer.theme).text.as_hex())

    def _on_models(self, unfolded: bool) -> None:
        if unfolded:
            QTimer.singleShot(0, lambda: self._reveal(self._models))

    def _leave(self) -> None:
        """Leave what was taught, and neither kept nor discarded, to the next dock."""
        taught = self._taught or self._job.so_far("the dock was closed meanwhile.")
        if taught is not None:
            _left[self._viewer] = taught

    def _end_writing(self) -> None:
        """Let a model that was accepted be written, and be known to other docks."""
        if self._writing.busy:
            self._writing.end()
            if self._written:
                _left.pop(self._viewer, None)
                registry.notify()

    def _go_on(self) -> None:
        """Ask again about what an earlier dock of the viewer left."""
        taught = _left.pop(self._viewer, None)
        if taught is not None:
            self._job.resume(taught)
            self._on_taught(taught)
            self._on_ended(describe(taught.tuned))

    @property
    def running(self) -> bool:
        """Whether a job of the dock runs."""
        return self._job.busy or self._writing.busy

    def _refresh(self) -> None:
        deciding = self._taught is not None
        ready = self.model.value is not None and self.areas.any_included
        enable_buttons(
            self.train_button,
            self.cancel_button,
            ready=ready and not deciding and not self._writing.busy,
            running=self._job.busy,
        )
        self.gate.setEnabled(not self.running)
        self.manager.setEnabled(not self.running and not deciding)

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
        self._drawn = 0
        self.curves.setVisible(False)
        self.progress.begin("Starting…")
        self._job.start(model, corrections, recipe)

    def _on_progress(self, progress: Progress) -> None:
        self._draw()
        if isinstance(progress, Report):  # which the curves tell
            return
        self.progress.show_progress(progress)

    def _draw(self) -> None:
        """Show how the training goes."""
        lesson = self._job.lesson
        history = lesson.history if lesson else []
        self.notice.setText("\n".join(lesson.notices) if lesson else "")
        if len(history) > self._drawn:
            self._drawn = len(history)
            self.curves.show_history(history)
            if not self.curves.isVisibleTo(self):
                self.curves.setVisible(True)
                QTimer.singleShot(0, lambda: self._reveal(self.curves))

    def _on_taught(self, taught: Taught) -> None:
        self._draw()
        self._taught = taught
        self.gate.ask(taught.judgement, _propose_name(taught.lesson.model))
        self._refresh()
        QTimer.singleShot(0, self._reveal_gate)

    def _reveal_gate(self) -> None:
        self._reveal(self.gate)

    def _on_ended(self, text: str) -> None:
        self._draw()
        self.progress.end(text)

    def _on_accept(self, name: str) -> None:
        if self._taught is not None and not self.running:
            self.gate.complain("")
            self._summary = self.progress.text.text()
            self.progress.begin("Writing the model…")
            self._written = ""
            self._writing.start(
                self._keep(self._taught, name),
                yielded=self.progress.show_progress,
                returned=self._on_kept,
                errored=self._on_not_kept,
                finished=self._refresh,
            )
            self._refresh()

    def _keep(self, taught: Taught, name: str) -> Steps:
        """Write a model, and note that it is written: the dock may be gone by then."""
        self._written = yield from keep(taught, name)
        return self._written

    def _on_kept(self, name: str) -> None:
        self._decided(
            f"“{name}” is now among your models; choose it in the Segment dock"
        )
        registry.notify()
        self.model.choose(name)

    def _on_not_kept(self, error: Exception) -> None:
        self.progress.end(self._summary)
        self.gate.complain(explain(error))
        QTimer.singleShot(0, self._reveal_gate)

    def _on_discard(self) -> None:
        if self._taught is not None and self._really_discard(self._taught):
            self._decided("Discarded")
            self.curves.setVisible(False)

    def _really_discard(self, taught: Taught) -> bool:
        if taught.tuned.minutes < LONG:
            return True
        answer = QMessageBox.question(
            self,
            "Discard",
            f"Discard what was learned in {taught.tuned.minutes:.0f} minutes?",
        )
        return answer == QMessageBox.StandardButton.Yes

    def _decided(self, text: str) -> None:
        self._taught = None
        self._job.forget()
        self.gate.close_gate()
        self.progress.end(text)
        self._refresh()


def _propose_name(model: ModelEntry) -> str:
    """Give a name that is free: that of the model, and a number."""
    taken = {entry.name.lower() for entry in registry.list_models()}
    stem = model.path.stem
    root, _, tail = stem.rpartition(" round ")
    root = root if tail.isdigit() and root else stem
    root = root[: LONGEST_NAME - len(" round 999")].rstrip()
    number = 1
    while f"{root} round {number}".lower() in taken:
        number += 1
    return f"{root} round {number}"


def _describe_round(number: int, one: Any) -> str:
    facts = [f"Round {number}: {how_many(one.nuclei)}"]
    if one.corrections is not None:
        facts.append(f"{one.corrections:.0f} corrections per 100 new ones")
    if one.before is not None and one.after is not None:
        facts.append(f"AJI {one.before:.3f} → {one.after:.3f} on {one.judged} of them")
    return ", ".join(facts)
