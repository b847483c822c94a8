"""The button that writes the nuclei of a result as TIFF."""

import re
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton

from napari_monuseg.core.tiff import NAMED_BY
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.pixel_size import stated_pixel_size
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.save_dialog import choose_file
from napari_monuseg.docks.segment_steps import Exported, export
from napari_monuseg.jobs import JobSlot, Steps

IN_NAME = "nuclei"
"""napari takes a TIFF for our labels by this part of its name; see napari.yaml."""


class ExportButton(QPushButton):
    """Asks for a file, and writes what the layer of a result shows.

    Parameters
    ----------
    lifetime : Lifetime
        Of the dock.
    """

    message = Signal(str)
    """Emits a line for the user."""

    exported = Signal(object, object)
    """Emits the result and the `Exported` file."""

    def __init__(self, lifetime: Lifetime) -> None:
        super().__init__("Export labels…")
        self._result: Result | None = None
        self._slot = JobSlot()
        lifetime.add(self._slot.end)  # what was asked for is written
        self.clicked.connect(self._on_clicked)
        self.set_result(None)

    @property
    def busy(self) -> bool:
        """Whether a file is being written."""
        return self._slot.busy

    def set_result(self, result: Result | None) -> None:
        """Write the nuclei of this result; None if there is none."""
        self._result = result
        self._refresh()

    def _refresh(self) -> None:
        self.setEnabled(self._result is not None and not self.busy)

    def export(self, result: Result, path: Path) -> None:
        """Write what the layer shows now, edits and all."""
        self._slot.start(
            export_result(result, path),
            returned=partial(self._on_exported, result),
            errored=lambda error: self.message.emit(str(error)),
            finished=self._refresh,
        )
        self._refresh()

    def _on_clicked(self) -> None:
        result = self._result
        if result is None:
            return
        shown = "labels" if result.layer is None else f"“{result.layer.name}”"
        path = choose_file(
            self,
            f"Export {shown}",
            _file_name(result),
            (".tif", ".tiff"),
            kind="Labels",
            folder=str(Path(result.image_path).parent) if result.image_path else "",
        )
        if path is not None:
            self.export(result, path)

    def _on_exported(self, result: Result, exported: Exported) -> None:
        self.exported.emit(result, exported)
        row, column = result.area.offset
        place = f"; the area begins at row {row:,}, column {column:,} of the image"
        name = exported.path.name
        said = f"Written to {name}{place if row or column else ''}"
        if IN_NAME not in name:
            said += f". napari opens it as an image: name it …{IN_NAME}….tif for labels"
        self.message.emit(said)
        self.setToolTip(f"Written last: {exported.path}")


def export_result(result: Result, path: Path) -> Steps:
    """Give the job that writes what a result's layer shows now."""
    snapshot = result.snapshot()
    return export(
        path,
        result.pixels() if snapshot is None else snapshot.labels,
        pixel_size=_pixel_size(result),
        offset=result.area.offset,
        origin=result.origin,
        image_path=result.image_path,
        snapshot=snapshot,
    )


def _pixel_size(result: Result) -> float | None:
    """Give the pixel size as it is known now: it may have been typed since the run."""
    if result.image is None or result.layer is None:
        return result.pixel_size
    return stated_pixel_size(result.layer, result.image) or result.pixel_size


def _file_name(result: Result) -> str:
    """Suggest a file name that every system allows."""
    stem = re.sub(r'[<>:"/\\|?*]', "_", result.image_name)
    stem = stem.removesuffix(".tiff").removesuffix(".tif")
    row, column = result.area.offset
    part = f"_row{row}_column{column}" if result.is_part else ""
    return f"{stem}{part}{NAMED_BY}.tif"
