"""The reviewed areas that a training is to learn from."""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Image, Shapes
from napari.layers import Labels as LabelsLayer
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
from napari_monuseg.core.counting import how_many
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.learned import Learned
from napari_monuseg.docks.bindings import origin_facts
from napari_monuseg.docks.edit_watch import EVENTS
from napari_monuseg.docks.held_out import HeldOutLayers
from napari_monuseg.docks.layer_watch import LayerWatch
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.note import Note
from napari_monuseg.docks.pixel_size import stated_pixel_size
from napari_monuseg.docks.reviewed_areas import GatheredArea, find_areas
from napari_monuseg.docks.reviewed_remarks import (
    NO_JUDGE,
    NONE_TICKED,
    NOTHING_JUDGES,
    remarks_on,
    remedy,
)
from napari_monuseg.layers import tissue_image
from napari_monuseg.outlines import changes

Place = tuple[tuple[int, int], tuple[int, int]]
"""Offset and shape of nuclei on their image, px."""

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
        self._left_out: WeakKeyDictionary[Image, set[Place]] = WeakKeyDictionary()
        self._held_out = HeldOutLayers(viewer)
        self.list = QListWidget()
        self.list.setMaximumHeight(96)
        self.note = Note()
        self.list.setWordWrap(True)
        self.show_button = QPushButton("Show what is held out")
        self.show_button.setToolTip(
            "Two layers of shapes, which can be moved and changed; remove them to have "
            "them proposed again."
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.list, self.note, self.show_button):
            column.addWidget(widget)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._on_pause)
        self._seen, self._outdated = True, False
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
            raise TrainingError(
                NONE_TICKED if self._areas else remedy(self._viewer.layers)
            )
        return [self._copy(area) for area in included]

    def hold_out_by(self, seed: int) -> None:
        """Take the seed of the training, which decides what is held out."""
        self._held_out.seed = seed
        self._on_included()

    def judge_for(self, learned: tuple[Learned, ...]) -> None:
        """Take what the model has learned from: other parts are to judge it."""
        self._held_out.learned = learned
        self._on_included()

    def set_seen(self, seen: bool) -> None:
        """Look again at what was reviewed only while somebody sees it.

        In large images that takes a while, and would make every stroke wait for it.
        """
        self._seen = seen
        if seen and self._outdated:
            self.refresh()

    def _on_pause(self) -> None:
        if self._seen:
            self.refresh()
        else:
            self._outdated = True

    def _included(self) -> list[GatheredArea]:
        return [area for area in self._areas if not self._is_left_out(area)]

    def _is_left_out(self, area: GatheredArea) -> bool:
        return _place(area) in self._left_out.get(area.image, ())

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
            corrected=area.corrected,
        )

    def refresh(self) -> None:
        """Look again at what was reviewed."""
        self._outdated = False
        self._pause.stop()  # what it waits for is seen now
        self._areas = find_areas(self._viewer.layers)
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for area in self._areas:
            item = QListWidgetItem(_describe(area))
            item.setToolTip(f"The nuclei of “{area.nuclei.name}”")
            item.setCheckState(
                Qt.CheckState.Unchecked
                if self._is_left_out(area)
                else Qt.CheckState.Checked
            )
            self.list.addItem(item)
        self.list.blockSignals(blocked)
        self.list.setVisible(bool(self._areas))
        self.show_button.setEnabled(bool(self._areas))
        self._on_included()

    def _on_included(self) -> None:
        """Follow what is learned from, and say what is wrong with it."""
        included = self._included()
        self._held_out.follow(included)
        judging = self._held_out.judging(included)
        remarks = remarks_on(self._viewer.layers, self._areas, included, judging)
        self.note.setText("\n".join(remarks))
        self.changed.emit()

    def _on_layers(self) -> None:
        self._unwatch()
        for layer in self._viewer.layers:
            if isinstance(layer, Shapes):
                emitters = changes(layer)
            elif isinstance(layer, LabelsLayer):
                events = layer.events
                emitters = [getattr(events, name) for name in EVENTS]
                emitters += [events.visible, events.metadata]
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
        area = self._areas[self.list.row(item)]
        left_out = self._left_out.setdefault(area.image, set())
        if item.checkState() == Qt.CheckState.Checked:
            left_out.discard(_place(area))
        else:
            left_out.add(_place(area))
        self._on_included()

    def _on_show(self) -> None:
        """Draw what the program proposes to hold out, to be seen and changed."""
        judges = self._held_out.show(self._included())
        if not self._included():
            show_info(NONE_TICKED)
        elif not judges:
            show_info(NO_JUDGE if self._held_out.is_changed else NOTHING_JUDGES)


def _place(area: GatheredArea) -> Place:
    """Tell where on its image an area lies, whichever nuclei it has."""
    rows, columns = area.reviewed.shape
    return area.offset, (rows, columns)


def _describe(area: GatheredArea) -> str:
    text = f"{area.image.name}: {how_many(area.count)}"
    return (
        text
        if area.corrected is None
        else f"{text}, {len(area.corrected):,} corrected since the run"
    )
