"""Which part of the image to segment."""

from enum import Enum
from typing import Any

from napari.layers import Image, Shapes
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_monuseg.areas import (
    LARGEST_SIDE,
    Area,
    in_view,
    inside,
    line_width,
    whole,
)
from napari_monuseg.docks.choice import Choice
from napari_monuseg.docks.following import follow
from napari_monuseg.docks.layer_watch import LayerWatch
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.note import Note
from napari_monuseg.layers import image_shape, placement


class Part(Enum):
    """Areas that need no shapes layer."""

    WHOLE = "Whole image"
    VIEW = "What is in view"


class AreaChoice(QWidget):
    """All of the image, what is in view, or what a shapes layer covers.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose view and shapes layers are meant.
    lifetime : Lifetime
        Of the dock.
    """

    def __init__(self, viewer: Any, lifetime: Lifetime) -> None:
        super().__init__()
        self._viewer = viewer
        self._image: Image | None = None
        self.choice = Choice()
        self.note = Note()
        self.draw_button = QPushButton("Draw")
        self.draw_button.setToolTip("Adds a layer of shapes, ready for a rectangle.")
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.choice, 1)
        row.addWidget(self.draw_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.note)
        self._watch = LayerWatch(viewer.layers, self._refresh)
        lifetime.add(self._watch.stop)
        self.choice.currentIndexChanged.connect(self._describe)
        self.draw_button.clicked.connect(self._on_draw)
        self._refresh()
        self._describe()

    def show_image(self, image: Image | None) -> None:
        """Offer the areas of an image."""
        self._image = image
        self._describe()

    def area(self, image: Image) -> Area:
        """Give the chosen area of an image.

        Raises
        ------
        ImageError
            If nothing of the image is in view, or no shape lies on it.
        """
        if isinstance(self.choice.value, Shapes):
            return inside(image, self.choice.value)
        if self.choice.value is Part.VIEW:
            return in_view(image, self._viewer)
        return whole(image)

    def _refresh(self) -> None:
        shapes = [layer for layer in self._viewer.layers if isinstance(layer, Shapes)]
        self.choice.offer(
            [(part.value, part) for part in (Part.WHOLE, Part.VIEW)]
            + [(f"Inside “{layer.name}”", layer) for layer in reversed(shapes)]
        )

    def _on_draw(self) -> None:
        if self._image is not None:
            self.choice.value = self._add_shapes(self._image)

    def _add_shapes(self, image: Image) -> Shapes:
        """Add a layer to draw on, ready to draw a rectangle."""
        layer = self._viewer.add_shapes(
            name=f"{image.name} area",
            ndim=2,
            edge_color="yellow",
            face_color="transparent",
            edge_width=line_width(image, self._viewer),
            **placement(image),
        )
        follow(layer, image)
        layer.mode = "add_rectangle"
        return layer

    def _describe(self) -> None:
        self.draw_button.setEnabled(self._image is not None)
        too_large = self._image is not None and max(image_shape(self._image)) > (
            LARGEST_SIDE
        )
        hint = f"Too large to do at once (over {LARGEST_SIDE:,} px): choose an area"
        alone = self.choice.value is Part.WHOLE and too_large
        self.note.setText(hint if alone else "")
