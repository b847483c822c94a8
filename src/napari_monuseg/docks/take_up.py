"""Offers to correct the labels of a layer that no run of this window has made."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image
from napari.layers import Labels as LabelsLayer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_monuseg.areas import Area, require_moderate
from napari_monuseg.core.errors import CorrectionError, MonusegError
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.numbering import LARGEST_NUMBER, number_pieces
from napari_monuseg.docks.bindings import (
    NOBODY,
    image_of,
    is_anonymous,
    origin_facts,
    wanted_mask,
)
from napari_monuseg.docks.layer_watch import LayerWatch
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.note import Line
from napari_monuseg.docks.pixel_size import stated_pixel_size
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.undo_steps import forget_steps
from napari_monuseg.layers import image_shape, is_tissue


class Found(NamedTuple):
    """Labels that may be corrected, and the image they lie on."""

    nuclei: LabelsLayer
    image: Image


class TakeUp(QWidget):
    """A line and a button, hidden unless the active layer has labels to take up.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers are looked at.
    lifetime : Lifetime
        Of the dock.
    is_known : callable
        Tells whether a labels layer is corrected already.
    take : callable
        Called with the result that the labels become.
    """

    message = Signal(str)
    """Emits a line for the user."""

    def __init__(
        self,
        viewer: Any,
        lifetime: Lifetime,
        is_known: Callable[[LabelsLayer], bool],
        take: Callable[[Result], None],
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._is_known = is_known
        self._take = take
        self._found: Found | None = None
        self.text = Line()
        self.button = QPushButton("Correct these labels")
        self.button.setToolTip(
            "They are put onto the image, can be corrected with the tools below, are "
            "saved while you work, and can be learned from."
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.text, self.button):
            column.addWidget(widget)
        self.button.clicked.connect(self._on_clicked)
        self._watch = LayerWatch(viewer.layers, self.look, visibility=True)
        lifetime.add(self._watch.stop)
        active = viewer.layers.selection.events.active
        active.connect(self._on_active)
        lifetime.add(partial(active.disconnect, self._on_active))
        self.look()

    def look(self) -> None:
        """Look whether the active layer has labels that are not corrected yet."""
        active = self._viewer.layers.selection.active
        self._found, text = None, ""
        if isinstance(active, LabelsLayer) and not self._is_known(active):
            self._found = find_home(active, self._viewer.layers)
            text = (
                _offer(*self._found)
                if self._found is not None
                else why_homeless(active, self._viewer.layers)
            )
        self.text.setText(text)
        self.setVisible(bool(text))
        self.button.setVisible(self._found is not None)

    def _on_active(self, _event: Any) -> None:
        self.look()

    def _on_clicked(self) -> None:
        self.look()  # the layer may have been given other pixels
        if self._found is None:
            return
        try:
            result = taken_up(*self._found)
        except MonusegError as error:
            self.message.emit(str(error))
            return
        self._take(result)
        self.look()


def find_home(nuclei: LabelsLayer, layers: Any) -> Found | None:
    """Find the image that labels lie on; None if they cannot lie on any.

    Parameters
    ----------
    nuclei : LabelsLayer
        In one plane.
    layers : LayerList
        Of a viewer. Of several images of the right size that nothing tells apart,
        the only one that is shown is taken, or else none.
    """
    if not _may_lie(nuclei):
        return None
    image = image_of(nuclei, layers)
    if image is None:
        fitting = _of_that_size(nuclei, layers)
        shown = [one for one in fitting if one.visible]
        image = next((one[0] for one in (fitting, shown) if len(one) == 1), None)
    if image is None or not is_tissue(image) or _area(nuclei, image) is None:
        return None
    return Found(nuclei, image)


def count_homes(nuclei: LabelsLayer, layers: Any) -> int:
    """Count the images that labels may lie on by their size; 0 if on none."""
    if not _may_lie(nuclei):
        return 0
    count = len(_of_that_size(nuclei, layers))
    # napari's button makes empty ones; what is lazy is not read for this.
    known = isinstance(nuclei.data, np.ndarray) and is_anonymous(nuclei)
    return 0 if count and known and not nuclei.data.any() else count


def _offer(nuclei: LabelsLayer, image: Image) -> str:
    """Say of labels that they can be corrected, and on which image."""
    made_of = origin_facts(nuclei).get("image", image.name)
    other = "" if made_of == image.name else f", made of “{made_of}”,"
    return f"“{nuclei.name}”{other} lies on “{image.name}”:"


def why_homeless(nuclei: LabelsLayer, layers: Any) -> str:
    """Say why labels cannot be corrected; nothing where nobody would try.

    Parameters
    ----------
    nuclei : LabelsLayer
        For which `find_home` finds none.
    layers : LayerList
        Of a viewer.
    """
    images = [layer for layer in layers if isinstance(layer, Image)]
    if origin_facts(nuclei) == NOBODY or not any(map(is_tissue, images)):
        return ""
    if nuclei.multiscale or nuclei.ndim != 2:
        kind = "pyramid" if nuclei.multiscale else "stack"
        return f"“{nuclei.name}” is a {kind}; to correct it, open one plane of it alone"
    several = count_homes(nuclei, layers)
    if several > 1:
        return (
            f"To correct “{nuclei.name}”, hide all images but its own: {several} have "
            "its size"
        )
    if isinstance(nuclei.data, np.ndarray) and not nuclei.data.any():
        return ""  # napari's button makes such layers
    return (
        f"“{nuclei.name}” cannot be corrected: it is of no image that is open, pixel "
        "by pixel"
    )


def _may_lie(nuclei: LabelsLayer) -> bool:
    facts = origin_facts(nuclei)
    return nuclei.ndim == 2 and not nuclei.multiscale and facts != NOBODY


def _of_that_size(nuclei: LabelsLayer, layers: Any) -> list[Image]:
    """Give the images of the size that the labels' own image had."""
    wanted = tuple(origin_facts(nuclei).get("image_shape") or nuclei.data.shape)
    images = [layer for layer in layers if isinstance(layer, Image)]
    fitting = [image for image in images if image_shape(image) == wanted]
    return [image for image in fitting if is_tissue(image)]


def _area(nuclei: LabelsLayer, image: Image) -> Area | None:
    """Give the part of an image that labels cover; None if they reach beyond it."""
    row, column = map(round, origin_facts(nuclei).get("offset", (0, 0)))
    height, width = nuclei.data.shape
    within = row + height <= image_shape(image)[0]
    within &= column + width <= image_shape(image)[1]
    if not within or min(row, column) < 0:
        return None
    rows, columns = slice(row, row + height), slice(column, column + width)
    return Area(rows, columns, wanted_mask(nuclei))


def taken_up(nuclei: LabelsLayer, image: Image) -> Result:
    """Make labels what the tools correct, where they lie on their image.

    Parameters
    ----------
    nuclei : LabelsLayer
        As `find_home` found them; moved to their place, and made int32. Nuclei from
        elsewhere that have one number, as those of a mask have, get one each.
    image : Image
        Theirs.

    Raises
    ------
    CorrectionError
        If they hold numbers that no nucleus can have.
    ImageError
        If they are too large to be corrected.
    """
    area = _area(nuclei, image)
    if area is None:
        raise CorrectionError(
            f"“{nuclei.name}” reaches beyond “{image.name}”; open the image that the "
            "labels belong to."
        )
    require_moderate(area)
    _make_correctable(nuclei)
    facts = origin_facts(nuclei)
    result = Result.on(
        image,
        area,
        model_name=str(facts.get("model") or nuclei.name),
        maps=None,
        options=facts.get("options") or InstanceOptions(),
        pixel_size=stated_pixel_size(nuclei, image),
        assumed_pixel_size=facts.get("assumed_pixel_size"),
    )
    result.take(nuclei)
    return result


def _make_correctable(nuclei: LabelsLayer) -> None:
    """Give a layer an array that can be painted, of the type that all else has.

    Of nuclei with one number, a correction of one would be one of all.
    """
    labels = np.asarray(nuclei.data)
    if labels.min(initial=0) < 0 or labels.max(initial=0) > LARGEST_NUMBER:
        raise CorrectionError(
            f"“{nuclei.name}” has numbers below 0 or above {LARGEST_NUMBER:,}; number "
            "its nuclei from 1."
        )
    paintable = labels is nuclei.data and labels.flags.writeable
    wanted = labels.astype(np.int32, copy=not paintable)
    numbered = number_pieces(wanted) if is_anonymous(nuclei) else wanted
    if numbered is not nuclei.data:
        nuclei.data = numbered
    if numbered is not wanted:
        forget_steps(nuclei)
