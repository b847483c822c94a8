"""The lower half of the Segment dock: the nuclei found, and how they are read."""

import re
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QFileDialog,
    QFrame,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_monuseg.areas import Labels
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.docks.correction_tools import CorrectionTools
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.newest import NewestJob
from napari_monuseg.docks.note import Line
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.segment_steps import export, read_again
from napari_monuseg.docks.sliders import InstanceSliders
from napari_monuseg.jobs import JobSlot, Steps

KEPT = "You had edited the nuclei, so the new ones went to a layer of their own"


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

    def __init__(self, viewer: Any, lifetime: Lifetime) -> None:
        super().__init__()
        self._viewer = viewer
        self._results: list[Result] = []
        self.current: Result | None = None
        self._reading = NewestJob(self._read_again, self._show_again)
        self._exporting = JobSlot()
        lifetime.add(self._reading.cancel)
        lifetime.add(self._exporting.cancel)
        self.count = Line()
        self.count.setStyleSheet("font-weight: bold;")
        self.sliders = InstanceSliders()
        self.corrections = CorrectionTools(viewer, lifetime)
        self.export_button = QPushButton("Export labels…")
        self._lay_out()
        self._connect(lifetime)
        self._choose(None)

    def _lay_out(self) -> None:
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        section = _section("Correct by hand", self.corrections)
        for widget in (line, self.count, self.sliders, section, self.export_button):
            column.addWidget(widget)

    def _connect(self, lifetime: Lifetime) -> None:
        self.sliders.changed.connect(self._on_moved)
        self.corrections.message.connect(self.message)
        self.export_button.clicked.connect(self._on_export)
        layers = self._viewer.layers
        for emitter, slot in (
            (layers.events.removed, self._on_removed),
            (layers.selection.events.active, self._on_active),
        ):
            emitter.connect(slot)
            lifetime.add(partial(emitter.disconnect, slot))

    def add(self, result: Result, labels: Labels) -> None:
        """Show the nuclei of a run in a new layer."""
        self._reading.cancel()
        self._results.append(result)
        self.current = result
        result.show(self._viewer, labels, result.options)
        self._choose(result)

    def _choose(self, result: Result | None) -> None:
        """Let sliders and button act on a result."""
        if result is not self.current:
            self._reading.cancel()
        self.current = result
        self.sliders.setEnabled(result is not None)
        self.corrections.set_result(result)
        self.export_button.setEnabled(result is not None)
        self.count.setText("No nuclei yet")
        if result is not None:
            self.sliders.value = result.options
            self._show_count(result)

    def _show_count(self, result: Result) -> None:
        nuclei = "nucleus" if result.count == 1 else "nuclei"
        self.count.setText(f"{result.count:,} {nuclei} in “{result.image_name}”")

    def _on_active(self, event: Any) -> None:
        for result in self._results:
            if result.layer is event.value and result is not self.current:
                self._choose(result)

    def _on_removed(self, event: Any) -> None:
        self._results = [one for one in self._results if one.layer is not event.value]
        if self.current is not None and self.current not in self._results:
            self._choose(self._results[-1] if self._results else None)

    def _on_moved(self, options: InstanceOptions) -> None:
        if self.current is not None:
            self._reading.ask((self.current, options))

    def _read_again(self, wish: tuple[Result, InstanceOptions]) -> Steps:
        result, options = wish
        return read_again(result.maps, result.area, options)

    def _show_again(self, wish: tuple[Result, InstanceOptions], labels: Labels) -> None:
        result, options = wish
        if result.show(self._viewer, labels, options):
            self.message.emit(KEPT)
        if result is self.current:
            self.corrections.set_result(result)  # which may have another layer now
        self._show_count(result)

    def _on_export(self) -> None:
        if self.current is None:
            return
        dialog = QFileDialog(self, "Export labels", _file_name(self.current))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("Labels (*.tif *.tiff)")
        dialog.setDefaultSuffix("tif")  # so that an existing file is noticed
        if dialog.exec():
            self._export(self.current, Path(dialog.selectedFiles()[0]))

    def _export(self, result: Result, path: Path) -> None:
        """Write what the layer shows now, edits and all."""
        steps = export(
            path,
            result.pixels(),
            pixel_size=result.maps.pixel_size,
            offset=result.area.offset,
        )
        self._exporting.start(
            steps,
            returned=partial(self._say_exported, result),
            errored=lambda error: self.message.emit(str(error)),
        )

    def _say_exported(self, result: Result, path: Path) -> None:
        row, column = result.area.offset
        place = f"; the area begins at row {row:,}, column {column:,} of the image"
        self.message.emit(f"Written to {path.name}{place if row or column else ''}")


def _section(title: str, content: QWidget) -> QCollapsible:
    """Put a widget below a heading that folds it away."""
    nothing = QIcon()  # superqt's arrows are black, whatever the theme
    section = QCollapsible(f"▾ {title}", expandedIcon=nothing, collapsedIcon=nothing)
    section.toggled.connect(
        lambda open_: section.setText(f"{'▾' if open_ else '▸'} {title}")
    )
    section.toggleButton().setStyleSheet(
        "text-align: left; border: none; background: transparent; padding: 0px;"
    )
    section.layout().setContentsMargins(0, 0, 0, 0)
    section.content().layout().setContentsMargins(0, 0, 0, 0)
    section.addWidget(content)
    section.expand(animate=False)
    return section


def _file_name(result: Result) -> str:
    """Suggest a file name that every system allows."""
    stem = re.sub(r'[<>:"/\\|?*]', "_", result.image_name)
    return f"{stem.removesuffix('.tiff').removesuffix('.tif')}_nuclei.tif"
