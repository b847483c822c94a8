"""What a training holds out of the reviewed areas, as shapes that can be changed."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from napari.layers import Labels as LabelsLayer
from napari.layers import Shapes
from scipy import ndimage

from napari_monuseg.areas import Mask
from napari_monuseg.core.boxes import bounding_window
from napari_monuseg.core.holding_out import FEWEST_TO_STOP, HeldOut, propose
from napari_monuseg.core.learned import Learned
from napari_monuseg.docks.at_work import selection_kept
from napari_monuseg.docks.bindings import METADATA
from napari_monuseg.docks.reviewed_areas import GatheredArea
from napari_monuseg.outlines import covered

HELD_OUT = {"judge": "Held out to judge", "stop": "Held out to stop"}
"""Names of the shapes layers that show what is held out."""

COLOURS = {"judge": "#4b6bd6", "stop": "#f7a35c"}

Boxes = dict[str, list[Any]]
"""By role, outlines in world coordinates."""


class HeldOutLayers:
    """Two layers of shapes: to judge by, and to stop by.

    While nobody changes them, they follow what is proposed; from then on they say
    what is held out.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they are shown.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.seed = 0
        """Even or odd: at which end the strip to judge by lies."""
        self.learned: tuple[Learned, ...] = ()
        """What the model to start from has learned from: it does not judge."""

    def show(self, areas: Sequence[GatheredArea]) -> bool:
        """Draw what is held out of areas; tell whether any of it judges.

        What the user has changed is shown as it is, and whatever is in hand stays so.
        """
        with selection_kept(self._viewer.layers):
            return self._show(areas)

    def _show(self, areas: Sequence[GatheredArea]) -> bool:
        layers = self._layers()
        if self.is_changed:
            for layer in filter(None, layers.values()):
                layer.visible = True
            return layers["judge"] is not None and bool(layers["judge"].nshapes)
        for layer in filter(None, layers.values()):
            self._viewer.layers.remove(layer)
        boxes = self._proposed(areas)
        for role, name in HELD_OUT.items():
            if boxes[role]:
                self._viewer.add_shapes(
                    boxes[role],
                    shape_type="polygon",
                    name=name,
                    edge_color=COLOURS[role],
                    face_color=f"{COLOURS[role]}30",
                    edge_width=_edge_width(boxes[role]),
                    units=areas[0].nuclei.units,
                    # With the layer, so that it is known to a dock that opens later.
                    metadata={METADATA: {"proposed": boxes}},
                )
        return bool(boxes["judge"])

    @property
    def is_changed(self) -> bool:
        """Whether somebody has changed what was proposed, and it is still there."""
        return any(self._layers().values()) and not self._untouched()

    def follow(self, areas: Sequence[GatheredArea]) -> None:
        """Draw it again if something else is proposed by now, unless it was changed."""
        drawn = self._drawn()
        if drawn is None or not self._untouched():
            return
        if areas and not _equal(self._proposed(areas), drawn):
            self.show(areas)

    def chosen(self, area: GatheredArea) -> HeldOut | None:
        """Give what the user holds out of an area; None if that is left to us."""
        if not self.is_changed:
            return None
        layers = self._layers()
        masks = {
            role: covered(area.nuclei, layer) & area.reviewed
            if layer is not None
            else np.zeros_like(area.reviewed)
            for role, layer in layers.items()
        }
        return HeldOut(**masks)

    def judging(self, areas: Sequence[GatheredArea]) -> int:
        """Count the nuclei that are to judge, of all areas that are learned from."""
        enough = self._enough(areas)
        count = 0
        for area in areas:
            held_out = self.chosen(area) or self._propose(area, stop=enough)
            count += area.count_in(held_out.judge & area.reviewed)
        return count

    def _proposed(self, areas: Sequence[GatheredArea]) -> Boxes:
        enough = self._enough(areas)
        boxes: Boxes = {role: [] for role in HELD_OUT}
        for area in areas:
            known = area.known(self.learned)
            proposed = self._propose(area, stop=enough)
            for role, mask in (("judge", proposed.judge), ("stop", proposed.stop)):
                # Between what lies apart there may be what was learned from.
                parts = [mask] if known is None else _pieces(mask)
                boxes[role] += [_box(area.nuclei, part) for part in parts if part.any()]
        return boxes

    def _propose(self, area: GatheredArea, *, stop: bool) -> HeldOut:
        learned = area.known(self.learned)
        return propose(area.reviewed, stop=stop, seed=self.seed, learned=learned)

    @staticmethod
    def _enough(areas: Sequence[GatheredArea]) -> bool:
        """Tell whether there are nuclei enough to spare some to stop by."""
        return sum(area.count for area in areas) >= FEWEST_TO_STOP

    def _drawn(self) -> Boxes | None:
        """Give what was proposed when the layers were drawn; None if they are gone."""
        for layer in self._layers().values():
            facts = {} if layer is None else layer.metadata.get(METADATA, {})
            if "proposed" in facts:
                drawn: Boxes = facts["proposed"]
                return drawn
        return None

    def _untouched(self) -> bool:
        """Tell whether the layers still show what was proposed."""
        drawn, layers = self._drawn(), self._layers()
        shown = {role: _seen(layer) if layer else [] for role, layer in layers.items()}
        return drawn is not None and _equal(shown, drawn)

    def _layers(self) -> dict[str, Shapes | None]:
        return {role: self._layer(name) for role, name in HELD_OUT.items()}

    def _layer(self, name: str) -> Shapes | None:
        named = [layer for layer in self._viewer.layers if layer.name == name]
        return named[0] if named and isinstance(named[0], Shapes) else None


def _seen(layer: Shapes) -> list[Any]:
    """Give the outlines of a layer where they are seen, wherever it was moved."""
    return [_in_world(layer, outline) for outline in layer.data]


def _equal(ones: Boxes, others: Boxes) -> bool:
    return all(
        len(ones[role]) == len(others[role])
        and all(
            np.shape(one) == np.shape(other) and np.allclose(one, other)
            for one, other in zip(ones[role], others[role], strict=True)
        )
        for role in HELD_OUT
    )


def _pieces(mask: Mask) -> list[Mask]:
    numbers, count = ndimage.label(mask, np.ones((3, 3)))
    return [numbers == number for number in range(1, count + 1)]


def _edge_width(boxes: list[Any]) -> float:
    return max(float(np.ptp(box, axis=0).max()) for box in boxes) / 100


def _box(layer: LabelsLayer, mask: Mask) -> Any:
    """Give the corners of a mask's bounding box in world coordinates."""
    rows, columns = bounding_window(mask)
    # A pixel's centre has the integer coordinates, its edges lie half a pixel off.
    top, bottom = rows.start - 0.5, rows.stop - 0.5
    left, right = columns.start - 0.5, columns.stop - 0.5
    corners = [(top, left), (top, right), (bottom, right), (bottom, left)]
    return _in_world(layer, corners)


def _in_world(layer: LabelsLayer | Shapes, corners: Iterable[Any]) -> Any:
    return np.array([layer.data_to_world(corner) for corner in corners])
