"""The pixel size of the image: as it is known, as it is typed, or a guess."""

from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Image
from napari.layers import Labels as LabelsLayer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QVBoxLayout, QWidget

from napari_monuseg.core.instances import ASSUMED_PIXEL_SIZE
from napari_monuseg.docks.bindings import origin_facts
from napari_monuseg.docks.note import Note
from napari_monuseg.docks.wheel import ignore_wheel
from napari_monuseg.layers import calibration

_typed: WeakKeyDictionary[Image, float] = WeakKeyDictionary()
"""The pixel sizes that somebody typed, in whichever dock, µm/px."""

_guessed: WeakKeyDictionary[Image, float | None] = WeakKeyDictionary()
"""What runs guessed, µm/px; None where nuclei were too few."""


def stated_pixel_size(nuclei: LabelsLayer, image: Image) -> float | None:
    """Give the pixel size of nuclei and their image, µm/px; None if nothing states it.

    What somebody typed for the image goes before what the nuclei say of their origin,
    and that before what the image or its file says.
    """
    return (
        _typed.get(image)
        or origin_facts(nuclei).get("pixel_size")
        or calibration(image).pixel_size
    )


class PixelSize(QWidget):
    """A field for µm/px that says where its number comes from."""

    typed = Signal(object, float)
    """Emits an image, and the pixel size that somebody typed for it, µm/px."""

    def __init__(self) -> None:
        super().__init__()
        self.field = QDoubleSpinBox()
        self.field.setDecimals(4)
        self.field.setRange(0.01, 20)
        self.field.setSingleStep(0.05)
        self.field.setSuffix(" µm/px")
        ignore_wheel(self.field)
        self.field.setToolTip(
            "Width of a pixel in the tissue: about 0.25 µm at 40x, 0.5 µm at 20x."
        )
        self.note = Note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.field)
        column.addWidget(self.note)
        self.value: float | None = None
        self._image: Image | None = None
        self.field.valueChanged.connect(self._on_typed)

    def show_image(self, image: Image | None) -> None:
        """Fill in what is known of an image, and what was typed for it before."""
        self._watch(image)
        self.setEnabled(image is not None)
        if image is None:
            self._show(None, "")
        elif image in _typed:
            self._show(_typed[image], "Typed in")
        else:
            known = calibration(image)
            self._show(known.pixel_size, f"From {known.source}")

    def _watch(self, image: Image | None) -> None:
        """Follow the scale of an image, which somebody may set after it is opened."""
        for layer, change in ((self._image, "disconnect"), (image, "connect")):
            if layer is not None:
                for emitter in (layer.events.scale, layer.events.units):
                    getattr(emitter, change)(self._on_scaled)
        self._image = image

    def _on_scaled(self, _event: Any = None) -> None:
        self.show_image(self._image)

    @property
    def guess(self) -> float | None:
        """What a run guessed for the image, µm/px; None if none did."""
        return None if self._image is None else _guessed.get(self._image)

    def remember(self, image: Image, guess: float | None) -> None:
        """Go on with what a run guessed for an image, until somebody knows better.

        None stands for a run that guessed nothing; an earlier guess holds.
        """
        _guessed[image] = guess or _guessed.get(image)
        if image is self._image:
            self.show_image(image)

    def take_up(self, image: Image, pixel_size: float) -> None:
        """Go on with what was known of an image before, if nothing states it now."""
        if calibration(image).pixel_size is None:
            _typed.setdefault(image, pixel_size)
            if image is self._image:
                self.show_image(image)

    def _show(self, pixel_size: float | None, source: str) -> None:
        blocked = self.field.blockSignals(True)
        self.field.setValue(pixel_size or self.guess or ASSUMED_PIXEL_SIZE)
        self.field.blockSignals(blocked)
        self.value = pixel_size
        self.note.setText(source if pixel_size else self._describe_guess())

    def _describe_guess(self) -> str:
        if self._image is None:
            return ""
        if self.guess is None and self._image in _guessed:
            return "Nothing states it, and nuclei were too few to guess from"
        if self.guess is None:
            return "Nothing states it; Run guesses"
        times = round(10 / self.guess)
        return f"A guess ({times}×) from the nuclei"

    def _on_typed(self, pixel_size: float) -> None:
        if self._image is not None:
            # The field stays as it is: to write into it would end the typing.
            _typed[self._image] = self.value = pixel_size
            self.note.setText("Typed in")
            self.typed.emit(self._image, pixel_size)
