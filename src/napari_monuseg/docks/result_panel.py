"""The lower half of the Segment dock: the nuclei found, and how they are read."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np
from napari.layers import Image
from napari.layers import Labels as LabelsLayer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_monuseg.core.autosave import SavedCorrections, fingerprint
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.docks.at_work import is_busy_elsewhere, selection_kept
from napari_monuseg.docks.autosave import Autosave
from napari_monuseg.docks.correction_tools import CorrectionTools
from napari_monuseg.docks.export_button import ExportButton
from napari_monuseg.docks.hand_panel import HandPanel
from napari_monuseg.docks.handing_on import (
    covered_work,
    hand_on_files,
    has_hand_work_of,
)
from napari_monuseg.docks.known_results import KnownResults
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.note import Line, Note
from napari_monuseg.docks.placing import Placed
from napari_monuseg.docks.put_away import bring_back, put_away
from napari_monuseg.docks.rereading import Rereading
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.result_text import count_text, sliders_text
from napari_monuseg.docks.reviewed import (
    adopt_drawn,
    mark_again,
    release_orphans,
)
from napari_monuseg.docks.saving import restored
from napari_monuseg.docks.section import section
from napari_monuseg.docks.segment_steps import Exported
from napari_monuseg.docks.slider_memory import SliderMemory
from napari_monuseg.docks.sliders import InstanceSliders
from napari_monuseg.docks.take_up import TakeUp


class ResultPanel(QWidget):
    """Count, sliders, correction tools and export for the result whose layer is active.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the nuclei are shown.
    lifetime : Lifetime
        Of the dock.
    """

    message = Signal(str)
    """Emits a line for the user."""

    withdrawn = Signal(str)
    """Emits a line that no longer holds."""

    def __init__(self, viewer: Any, lifetime: Lifetime) -> None:
        super().__init__()
        self._viewer = viewer
        self._results = KnownResults()
        self.current: Result | None = None
        self._reading = Rereading(viewer, lifetime)
        self.count = Line()
        self.count.setStyleSheet("font-weight: bold;")
        self.sliders = InstanceSliders()
        self._memory = SliderMemory(self.sliders, self._reading)
        self.corrections = CorrectionTools(viewer, lifetime)
        self.note = Note()
        self.hand = HandPanel(viewer, lifetime, self._results)
        self.autosave = Autosave(self, viewer, lifetime)
        lifetime.add(self._leave)  # before the autosave ends
        self.take_up = TakeUp(viewer, lifetime, self._is_known, self._take_up)
        self.export_button = ExportButton(lifetime)
        self._lay_out()
        self._connect(lifetime)
        self._choose(None)
        self._go_on()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        tools = section("Correct by hand", self.corrections, unfolded=True)
        widgets = (
            self.take_up,
            self.count,
            self.sliders,
            self.note,
            tools,
            self.hand,
            self.export_button,
        )
        for widget in widgets:
            column.addWidget(widget)

    def _connect(self, lifetime: Lifetime) -> None:
        self.sliders.changed.connect(self._on_moved)
        self._reading.shown.connect(self._show_count)
        self._reading.brought_back.connect(self._on_brought_back)
        self.corrections.message.connect(self.message)
        self.corrections.withdrawn.connect(self.withdrawn)
        self.hand.counted.connect(self._on_counted)
        self.hand.message.connect(self.message)
        self.hand.adopted.connect(self.autosave.touch)
        self.take_up.message.connect(self.message)
        self.export_button.message.connect(self.message)
        self.export_button.exported.connect(self._on_exported)
        layers = self._viewer.layers
        for emitter, slot in (
            (layers.events.inserted, self._on_inserted),
            (layers.events.removed, self._on_removed),
            (layers.selection.events.active, self._on_active),
        ):
            emitter.connect(slot)
            lifetime.add(partial(emitter.disconnect, slot))

    def predecessor(self, result: Result) -> Result | None:
        """Give the result that another goes on from; see `KnownResults`."""
        return self._results.predecessor(result, self.current)

    def sources(self, result: Result) -> list[Result]:
        """Give the results whose hand work goes on in another; see `KnownResults`."""
        return self._results.sources(result, self.current)

    def options_for(self, model: ModelEntry) -> dict[str, float]:
        """Give where the sliders were left with a model; see `SliderMemory`."""
        return self._memory.options_for(model, self.current)

    def add(
        self,
        result: Result,
        placed: Placed,
        earlier: Sequence[Result] = (),
        *,
        worked: bool = True,
    ) -> list[str]:
        """Show the nuclei of a run in a new layer.

        Whoever works on another image meanwhile is left to it.

        Parameters
        ----------
        result : Result
            Of the run.
        placed : Placed
            Its nuclei.
        earlier : sequence of Result
            Whose hand work is in them; layers that the new one covers are hidden.
        worked : bool
            Whether the user did anything in the layers since the run began.

        Returns
        -------
        list of str
            What there is to say of it, in sentences.
        """
        worked |= self.corrections.in_hand or self.sliders.held or self._reading.busy
        layers = self._viewer.layers
        if worked and is_busy_elsewhere(layers, result, self._results):
            with selection_kept(self._viewer.layers):
                remarks = self._add(result, placed, earlier)
            ready = (
                f"The nuclei of “{result.image_name}” are ready; select their layer to "
                "go on with them."
            )
            return [ready, *remarks]
        self._reading.cancel()
        self.current = result
        remarks = self._add(result, placed, earlier)
        self._choose(result)
        return remarks

    def _add(
        self, result: Result, placed: Placed, earlier: Sequence[Result]
    ) -> list[str]:
        """Show a result, and say what hand work had no room in it."""
        result.parents = tuple(map(ref, earlier))
        result.show(self._viewer, placed)
        self._results.add(result)
        carried = dict(zip(earlier, placed.carried, strict=True))
        hand_on_files(self.autosave, result, carried)
        return covered_work(carried, put_away(result, self._results))

    def restore(self, image: Image, path: Path, corrections: SavedCorrections) -> None:
        """Show corrections that were saved, and go on saving them.

        What was edited later, and was restored first, stays above them and goes on
        being what is worked on.
        """
        result = restored(image, corrections)
        later = self._results.edited_after(result, self.autosave)
        self._results.add(result, below=later)
        mark_again(self._viewer, image, map(np.array, corrections.about.reviewed))
        if later:  # whose hand work is the newer
            with selection_kept(self._viewer.layers):
                result.show_restored(self._viewer, corrections.labels, corrections.hand)
            result.lie_below(self._viewer.layers, later)
            self.autosave.add(result, path)
            return
        self.current = result
        result.show_restored(self._viewer, corrections.labels, corrections.hand)
        self.autosave.add(result, path)
        put_away(result, self._results, partial(has_hand_work_of, result))
        self._choose(result)

    def know_pixel_size(self, image: Image, pixel_size: float) -> None:
        """Take note of what somebody typed for an image, µm/px."""
        for result in self._results:
            if result.image is image:
                result.know_pixel_size(pixel_size)
        self.autosave.touch()

    def _is_known(self, layer: LabelsLayer) -> bool:
        return self._results.of_layer(layer) is not None

    def _take_up(self, result: Result) -> None:
        """Let the labels of a layer that was there already be corrected."""
        self._results.add(result)
        self.autosave.add(result)
        put_away(result, self._results, partial(has_hand_work_of, result))
        if result.opened is not None:  # a file has them
            self.autosave.exported(result, fingerprint(result.opened))
        self._choose(result)
        if result.layer is not None:
            self.message.emit(f"“{result.layer.name}” can be corrected now")

    def _leave(self) -> None:
        """Leave results whose layers stay to the viewer's next dock."""
        self._results.leave(self._viewer, self.autosave)

    def _go_on(self) -> None:
        """Go on with what an earlier dock of the viewer left."""
        self._results.go_on(self._viewer, self.autosave)
        for layer in list(self._viewer.layers):  # some may have been opened again
            self._find_again(layer)
        active = self._results.of_layer(self._viewer.layers.selection.active)
        result = active or self._results.last
        if result is not None:
            self._choose(result)
        self.take_up.look()
        self.hand.recount()

    def _choose(self, result: Result | None) -> None:
        """Let sliders and button act on a result."""
        if result is not self.current:
            self._reading.cancel()
        self.current = result
        self.sliders.setEnabled(result is not None and result.maps is not None)
        self.sliders.show_own(None if result is None else result.own_options)
        self.corrections.set_result(result)
        self.export_button.set_result(result)
        self.note.setText(sliders_text(result))
        self._show_count(result)
        if result is not None:
            self.sliders.value = result.options
        self.hand.show_result(result)
        self.take_up.look()

    def _on_counted(self) -> None:
        result = self.current
        if result is None:
            return
        self._show_count(result)
        if not (self.sliders.held or self._reading.busy):
            result.follow_undo()
            self.sliders.value = result.options

    def _show_count(self, result: Result | None) -> None:
        self.count.setText(count_text(result))

    def _on_active(self, event: Any) -> None:
        result = self._results.of_layer(event.value)
        if result is not None and result is not self.current:
            self._choose(result)

    def _on_inserted(self, event: Any) -> None:
        """Go on with the nuclei of an image that was removed and is opened again."""
        self._find_again(event.value)

    def _find_again(self, image: Any) -> None:
        layers = self._viewer.layers
        if isinstance(image, Image) and self._results.find_again(image, layers):
            release_orphans(layers)
            adopt_drawn(self._viewer)
            self.autosave.touch()

    def _on_removed(self, event: Any) -> None:
        result = self._results.of_layer(event.value)
        if result is not None:
            self._results.remove(result)
            self.autosave.remove(result)
            bring_back(result)
        if self.current is not None and self.current not in self._results:
            self._choose(self._results.last)

    def _on_moved(self, options: InstanceOptions) -> None:
        result = self.current
        if result is None:
            return
        if result.layer is not None and not result.layer.editable:
            self.sliders.value = result.options
            self.message.emit(f"“{result.layer.name}” is locked; unlock it first.")
            return
        self._memory.leave(result, options, result.own_options)
        self._reading.ask(result, options, self.sliders.movement)

    def _on_brought_back(self, result: Result) -> None:
        self.autosave.follow(result)
        self.hand.show_result(result)
        if result is self.current:
            self.corrections.set_result(result)

    def _on_exported(self, result: Result, exported: Exported) -> None:
        self.autosave.exported(result, exported.fingerprint)
