"""Offers corrections that were left unsaved on an image, in one line."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from napari.layers import Image
from napari.layers import Labels as LabelsLayer
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_monuseg.core.autosave import (
    About,
    SavedCorrections,
    discard,
    load,
    read_about,
    saved_files,
)
from napari_monuseg.core.claims import claim, is_claimed, release
from napari_monuseg.core.errors import AutosaveError
from napari_monuseg.docks.bindings import NOBODY, origin_facts
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.note import Line
from napari_monuseg.jobs import JobSlot
from napari_monuseg.layers import image_shape


class Offer(NamedTuple):
    """Saved corrections, and the image they were made on."""

    image: Image
    path: Path
    about: About


class RestoreOffer(QWidget):
    """A line with two buttons, hidden while there is nothing to restore.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose images are looked at when they are opened.
    lifetime : Lifetime
        Of the dock.
    restore : callable
        Called with image, path and corrections when they are wanted.
    """

    message = Signal(str)
    """Emits a line for the user."""

    def __init__(
        self,
        viewer: Any,
        lifetime: Lifetime,
        restore: Callable[[Image, Path, SavedCorrections], None],
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._restore = restore
        self._offers: list[Offer] = []
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.look)
        self._slot = JobSlot()
        self._loading: Path | None = None
        lifetime.add(self._release)
        lifetime.add(self._slot.cancel)
        self.text = Line()
        self.restore_button = QPushButton("Restore")
        self.discard_button = QPushButton("Discard")
        row = QHBoxLayout()
        row.addWidget(self.restore_button)
        row.addWidget(self.discard_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)
        column.addLayout(row)
        self.restore_button.clicked.connect(self._on_restore)
        self.discard_button.clicked.connect(self._on_discard)
        self._connect(viewer, lifetime)

    def _connect(self, viewer: Any, lifetime: Lifetime) -> None:
        events = viewer.layers.events
        for emitter, slot in (
            (events.inserted, self._on_inserted),
            (events.removed, self._on_removed),
        ):
            emitter.connect(slot)
            lifetime.add(partial(emitter.disconnect, slot))
        self._show()

    def look(self) -> None:
        """Look for corrections of the images that are open already."""
        for layer in self._viewer.layers:
            self._look(layer)

    def _on_inserted(self, event: Any) -> None:
        self._look(event.value)

    def _on_removed(self, event: Any) -> None:
        self._offers = [one for one in self._offers if one.image is not event.value]
        self._show()
        if isinstance(event.value, LabelsLayer) and origin_facts(event.value) != NOBODY:
            self._later.start()  # nuclei that are removed are saved once more before

    def _look(self, layer: Any) -> None:
        """Look for corrections that were made on an image."""
        if not isinstance(layer, Image):
            return
        known = {offer.path for offer in self._offers}
        found = []
        for path in saved_files():
            if path in known or is_claimed(path):
                continue
            try:
                about = read_about(path)
            except AutosaveError as error:
                self.message.emit(str(error))
                continue
            if about.fits(layer.name, str(layer.source.path or ""), image_shape(layer)):
                found.append(Offer(layer, path, about))
        self._offers += found
        self._offers.sort(key=lambda offer: offer.about.last_edited, reverse=True)
        self._show()

    def _show(self) -> None:
        self.setVisible(bool(self._offers))
        self.setEnabled(self._loading is None)
        if self._offers:
            number = len(self._offers)
            which = f"1 of {number}: " if number > 1 else ""
            self.text.setText(which + _describe(self._offers[0].about))

    def _claim(self, offer: Offer) -> bool:
        """Claim an offer's file, or take back what another window took up meanwhile."""
        if claim(offer.path):
            return True
        self._drop(offer)
        self.message.emit("These corrections are open in another window by now.")
        return False

    def _on_restore(self) -> None:
        offer = self._offers[0]
        if not self._claim(offer):
            return
        self._loading = offer.path
        self.setEnabled(False)
        self._slot.start(
            load(offer.path),
            returned=partial(self._on_loaded, offer),
            errored=partial(self._on_failed, offer),
        )

    def _on_loaded(self, offer: Offer, corrections: SavedCorrections) -> None:
        self._release()  # for the nuclei to claim it
        if offer in self._offers:  # its image is still there
            self._drop(offer)
            self._restore(offer.image, offer.path, corrections)
            self.message.emit(f"Restored on “{offer.image.name}”: {_made(offer.about)}")

    def _on_failed(self, offer: Offer, error: Exception) -> None:
        self._release()
        self.message.emit(str(error))
        self._drop(offer)

    def _release(self) -> None:
        path, self._loading = self._loading, None
        if path is not None:
            release(path)

    def _on_discard(self) -> None:
        offer = self._offers[0]
        answer = QMessageBox.question(
            self,
            "Discard corrections",
            f"{_describe(offer.about)}.\n\nDelete them for good?",
        )
        if answer != QMessageBox.StandardButton.Yes or offer not in self._offers:
            return
        if self._claim(offer):
            discard(offer.path)
            release(offer.path)
            self._drop(offer)

    def _drop(self, offer: Offer) -> None:
        self._offers = [one for one in self._offers if one is not offer]
        self._show()


def _describe(about: About) -> str:
    """Say what is offered, in one line."""
    when = f"{about.last_edited:%d %b, %H:%M:%S}"
    part = "an area of " if about.shape != about.image_shape else ""
    return f"Unsaved corrections of {part}“{about.image_name}” ({when}): {_made(about)}"


def _made(about: About) -> str:
    made = [f"{about.by_hand:,} by hand"] if about.by_hand else []
    made += [f"{about.erased:,} erased"] if about.erased else []
    made += ["a reviewed area"] if about.reviewed else []
    return ", ".join(made)
