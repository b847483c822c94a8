"""What was made by hand and what was reviewed: counted, outlined, marked."""

from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Labels as LabelsLayer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_monuseg.core.counting import InsideCount, how_many
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.docks.adoption import Adoption
from napari_monuseg.docks.edit_watch import EditWatch
from napari_monuseg.docks.highlight import Highlight
from napari_monuseg.docks.key_button import KeyButton
from napari_monuseg.docks.known_results import KnownResults
from napari_monuseg.docks.layer_watch import LayerWatch
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.note import Note
from napari_monuseg.docks.recount import Recount
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.reviewed import (
    BUTTON,
    KEY,
    is_reviewed_layer,
    mark_view,
    undecided,
)
from napari_monuseg.docks.segment_steps import Counted
from napari_monuseg.outlines import changes

OUTLINE = 2
"""How wide the nuclei's outlines are drawn, px."""

NO_NUCLEI = "There is nothing to review yet; find the nuclei of an image first."

NO_IMAGE = "The image of these nuclei is gone; open it again to review it."

MARKED = "Marked as reviewed; the same once more takes it back"


class HandPanel(QWidget):
    """Follows the edits of one result, and lets what is in view be marked as reviewed.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the nuclei are shown.
    lifetime : Lifetime
        Of the dock.
    results : KnownResults
        All that the dock has; those that are not followed are counted, too, when
        what is reviewed changes.
    """

    counted = Signal()
    """Emits when the nuclei of the result that is followed were counted again."""

    adopted = Signal()
    """Emits when reviewed areas that somebody drew were found to be of an image."""

    message = Signal(str)
    """Emits a line for the user."""

    def __init__(self, viewer: Any, lifetime: Lifetime, results: KnownResults) -> None:
        super().__init__()
        self._viewer = viewer
        self._results = results
        self._result: Result | None = None
        self._watch: EditWatch | None = None
        self._outlines = Highlight(viewer)
        self._looks: WeakKeyDictionary[LabelsLayer, tuple[int, float]] = (
            WeakKeyDictionary()
        )
        self._recount = Recount(self, lifetime, results, self._on_counted)
        self.outlined = QCheckBox("Outlines only")
        self.outlined.setToolTip("The nuclei are drawn as outlines, and not filled.")
        self.highlight = QCheckBox("Highlight hand work")
        self.highlight.setToolTip("Yellow: made or changed. Cyan: deleted.")
        self.mark_button = KeyButton(BUTTON, KEY.replace("-", "+"), stays=False)
        self.mark_button.setToolTip(
            "What is reviewed stays as it is, and is what a network learns from. The "
            "same once more takes it back."
        )
        self.reviewed = Note()
        looks = QHBoxLayout()
        looks.addWidget(self.outlined)
        looks.addWidget(self.highlight)
        looks.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(looks)
        column.addWidget(self.mark_button)
        column.addWidget(self.reviewed)
        self._connect(lifetime)

    def _connect(self, lifetime: Lifetime) -> None:
        lifetime.add(self._outlines.remove)
        lifetime.add(self._unwatch)
        self.outlined.toggled.connect(self._on_outlined)
        self.highlight.toggled.connect(self._on_highlight)
        self.mark_button.clicked.connect(self._on_mark)
        removed = self._viewer.layers.events.removed
        removed.connect(self._on_removed)
        lifetime.add(partial(removed.disconnect, self._on_removed))
        self._layers = LayerWatch(self._viewer.layers, self._on_layers)
        lifetime.add(self._layers.stop)
        self._adoption = Adoption(self._viewer, self._on_adopted)
        lifetime.add(self._adoption.stop)
        self._listen()
        self._viewer.bind_key(KEY, self._on_key, overwrite=True)
        lifetime.add(lambda: self._viewer.bind_key(KEY, None))

    def show_result(self, result: Result | None) -> None:
        """Follow a result; None if there is none."""
        self._unwatch()
        self._result = result
        self.reviewed.setText("")
        self.setEnabled(result is not None)
        if result is None or result.layer is None:
            self._recount.follow(None)
        else:
            self._recount.follow(result)
            edited = partial(self._recount.edited, result)
            self._watch = EditWatch(result.layer, edited)
            if self.outlined.isChecked():
                self._draw(result.layer, outlined=True)
        self._outline()

    def recount(self) -> None:
        """Count all results: what is reviewed may be another by now."""
        self._recount.ask()

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def _on_layers(self) -> None:
        """Look at all layers: one may have been drawn first and named Reviewed then."""
        self._listen()
        self.recount()

    def _listen(self) -> None:
        for layer in self._viewer.layers:
            if is_reviewed_layer(layer):
                for emitter in changes(layer):
                    emitter.connect(self._on_reviewed)

    def _on_adopted(self) -> None:
        self.adopted.emit()
        self.recount()

    def _on_reviewed(self, _event: Any) -> None:
        self.recount()

    def _on_removed(self, event: Any) -> None:
        if event.value is self._outlines.layer:
            self.highlight.setChecked(False)

    def _on_counted(self, result: Result, counted: Counted) -> None:
        if result is self._result:
            self._say_reviewed(counted.reviewed)
            self.counted.emit()
            self._outline()

    def _say_reviewed(self, reviewed: InsideCount | None) -> None:
        """Say what was reviewed, and what nobody can tell the image of."""
        unclear = [
            f"“{shapes.name}” lies on several images; hide all but the one it is of"
            for shapes in undecided(self._viewer.layers)
        ]
        counted = [] if reviewed is None else [_describe(reviewed)]
        self.reviewed.setText("\n".join(counted + unclear))

    def _on_outlined(self, outlined: bool) -> None:
        for result in self._results:
            if result.layer is not None:
                self._draw(result.layer, outlined=outlined)

    def _draw(self, layer: LabelsLayer, *, outlined: bool) -> None:
        """Draw nuclei as outlines, which hide nothing, or as they were before."""
        if outlined:
            self._looks.setdefault(layer, (layer.contour, layer.opacity))
        look = (OUTLINE, 1) if outlined else self._looks.pop(layer, None)
        if look is not None:
            layer.contour, layer.opacity = look

    def _on_highlight(self) -> None:
        self._outline()

    def _outline(self) -> None:
        result = self._result
        if self.highlight.isChecked() and result is not None and result.layer:
            self._outlines.show(result.layer, result.hand)
        else:
            self._outlines.remove()

    def _on_key(self, _viewer: Any) -> None:
        """Mark what is in view as reviewed."""
        self._on_mark()

    def _on_mark(self) -> None:
        image = None if self._result is None else self._result.image
        if image is None or image not in self._viewer.layers:
            self.message.emit(NO_NUCLEI if self._result is None else NO_IMAGE)
            return
        try:
            marked = mark_view(self._viewer, image)
        except MonusegError as error:
            self.message.emit(str(error))
            return
        self.message.emit(MARKED if marked else "No longer marked as reviewed")


def _describe(reviewed: InsideCount) -> str:
    """Say what was reviewed, and what of it does not count."""
    line = f"{how_many(reviewed.inside)} reviewed"
    cut = f"; {reviewed.cut:,} cut by the area's edge do not count"
    return line + (cut if reviewed.cut else "")
