"""The reviewed areas that a training is to learn from."""

from typing import Any

import numpy as np
from napari.layers import Labels as LabelsLayer
from napari.layers import Shapes
from napari.utils.notifications import show_info
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_monuseg.core.checked import Corrections
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.learned import Learned
from napari_monuseg.docks.bindings import image_of, origin_facts
from napari_monuseg.docks.held_out import HeldOutLayers
from napari_monuseg.docks.layer_watch import LayerWatch
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.note import Note
from napari_monuseg.docks.pixel_size import stated_pixel_size
from napari_monuseg.docks.reviewed import is_reviewed_layer
from napari_monuseg.docks.reviewed_areas import GatheredArea, find_areas, may_count
from napari_monuseg.layers import tissue_image

REMEDY = (
    "Nothing is marked as reviewed yet: in the Segment dock, correct the nuclei in "
    "view and press “Mark what is in view as reviewed”."
)

NONE_TICKED = "Every area is left out: tick at least one to learn from it."

HIDDEN = (
    "What is marked as reviewed lies on nuclei that are hidden: show their layer to "
    "learn from them."
)

NO_NUCLEI = (
    "What is marked as reviewed has no nuclei under it: press “Run” in the Segment "
    "dock, or open your own."
)

STRAY = (
    "Nothing tells which image the nuclei of “{name}” are of: open it, or press "
    "“Correct these labels” in the Segment dock."
)

NOT_ON_THEM = (
    "What is marked as reviewed lies beside all nuclei, or on several images at once: "
    "hide all images but its own."
)

NOTHING_JUDGES = (
    "Nothing is held out to judge: the model has learned from all of it in an earlier "
    "round."
)

PAUSE_MS = 300
"""Shapes change with every movement of the mouse; they are counted after it."""


class GatheredAreas(QWidget):
    """A list of what was reviewed, in which areas can be left out.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the images, nuclei and reviewed areas are.
    lifetime : Lifetime
        Of the dock.
    """

    changed = Signal()

    def __init__(self, viewer: Any, lifetime: Lifetime) -> None:
        super().__init__()
        self._viewer = viewer
        self._areas: list[GatheredArea] = []
        self._left_out: set[int] = set()
        self._held_out = HeldOutLayers(viewer)
        self.list = QListWidget()
        self.list.setMaximumHeight(96)
        self.note = Note()
        self.show_button = QPushButton("Show what is held out")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.list, self.note, self.show_button):
            column.addWidget(widget)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self.refresh)
        self._watch = LayerWatch(viewer.layers, self._on_layers)
        lifetime.add(self._watch.stop)
        lifetime.add(self._unwatch)
        self._watched: list[Any] = []
        self.list.itemChanged.connect(self._on_ticked)
        self.show_button.clicked.connect(self._on_show)
        self._on_layers()
        self.refresh()

    @property
    def any_included(self) -> bool:
        """Whether there is anything to learn from."""
        return bool(self._included())

    def corrections(self) -> list[Corrections]:
        """Copy what was reviewed, for a worker to learn from.

        Raises
        ------
        TrainingError
            If nothing is marked as reviewed.
        """
        self.refresh()
        included = self._included()
        if not included:
            raise TrainingError(NONE_TICKED if self._areas else self._remedy())
        return [self._copy(area) for area in included]

    def hold_out_by(self, seed: int) -> None:
        """Take the seed of the training, which decides what is held out."""
        self._held_out.seed = seed
        self._held_out.follow(self._included())

    def judge_for(self, learned: tuple[Learned, ...]) -> None:
        """Take what the model has learned from: other parts are to judge it."""
        self._held_out.learned = learned
        self._held_out.follow(self._included())

    def _included(self) -> list[GatheredArea]:
        return [area for area in self._areas if id(area.nuclei) not in self._left_out]

    def _copy(self, area: GatheredArea) -> Corrections:
        facts = origin_facts(area.nuclei)
        pixel_size = stated_pixel_size(area.nuclei, area.image)
        return Corrections(
            image=tissue_image(area.image, pixel_size).assuming(
                facts.get("assumed_pixel_size")
            ),
            labels=np.array(area.nuclei.data, np.int32),
            reviewed=area.reviewed.copy(),
            offset=area.offset,
            held_out=self._held_out.chosen(area),
            corrected=facts.get("corrected"),
        )

    def refresh(self) -> None:
        """Look again at what was reviewed."""
        self._areas = find_areas(self._viewer.layers)
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for area in self._areas:
            count = area.count
            noun = "nucleus" if count == 1 else "nuclei"
            item = QListWidgetItem(f"{area.image.name}: {count} {noun}")
            item.setToolTip(f"The nuclei of “{area.nuclei.name}”")
            item.setCheckState(
                Qt.CheckState.Unchecked
                if id(area.nuclei) in self._left_out
                else Qt.CheckState.Checked
            )
            self.list.addItem(item)
        self.list.blockSignals(blocked)
        self.list.setVisible(bool(self._areas))
        self.show_button.setEnabled(bool(self._areas))
        self._held_out.follow(self._included())
        self.note.setText("" if self._areas else self._remedy())
        self.changed.emit()

    def _remedy(self) -> str:
        """Say what to do where there is nothing to learn from."""
        layers = self._viewer.layers
        if not any(is_reviewed_layer(one) and len(one.data) for one in layers):
            return REMEDY
        if find_areas(layers, hidden=True):
            return HIDDEN
        nuclei = [one for one in layers if may_count(one)]
        strays = [one for one in nuclei if image_of(one, layers) is None]
        if strays:
            return STRAY.format(name=strays[-1].name)
        return NOT_ON_THEM if nuclei else NO_NUCLEI

    def _on_layers(self) -> None:
        self._unwatch()
        for layer in self._viewer.layers:
            if isinstance(layer, Shapes):
                emitters = [layer.events.data]
            elif isinstance(layer, LabelsLayer):
                emitters = [layer.events.set_data, layer.events.visible]
            else:
                continue
            for emitter in emitters:
                emitter.connect(self._on_drawn)
                self._watched.append(emitter)
        self._pause.start()

    def _unwatch(self) -> None:
        for emitter in self._watched:
            emitter.disconnect(self._on_drawn)
        self._watched = []

    def _on_drawn(self, _event: Any = None) -> None:
        self._pause.start()

    def _on_ticked(self, item: QListWidgetItem) -> None:
        nuclei = id(self._areas[self.list.row(item)].nuclei)
        if item.checkState() == Qt.CheckState.Checked:
            self._left_out.discard(nuclei)
        else:
            self._left_out.add(nuclei)
        self._held_out.follow(self._included())
        self.changed.emit()

    def _on_show(self) -> None:
        """Draw what the program proposes to hold out, to be seen and changed."""
        if not self._held_out.show(self._included()):
            show_info(NOTHING_JUDGES if self._included() else NONE_TICKED)
