"""What was reviewed in a viewer: which nuclei, on which image, where."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from napari.layers import Image
from napari.layers import Labels as LabelsLayer

from napari_monuseg.areas import Mask
from napari_monuseg.core.boxes import bounding_window, placed, window_at
from napari_monuseg.core.counting import cut_off, nuclei_inside
from napari_monuseg.core.errors import CheckpointError
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.learned import Learned, Place, learned_there
from napari_monuseg.docks.bindings import (
    image_of,
    is_anonymous,
    origin_facts,
    within_limits,
)
from napari_monuseg.docks.drawn_on import lies_on
from napari_monuseg.docks.reviewed import is_reviewed_layer, shapes_of
from napari_monuseg.layers import image_shape
from napari_monuseg.outlines import cover, outlines


@dataclass(kw_only=True, eq=False)
class GatheredArea:
    """Nuclei that somebody checked, with their image.

    Parameters
    ----------
    image : Image
        Tissue.
    nuclei : LabelsLayer
        The nuclei on it, or on a part of it.
    reviewed : Mask
        What was checked, on the grid of `nuclei`.
    """

    image: Image
    nuclei: LabelsLayer
    reviewed: Mask

    @cached_property
    def count(self) -> int:
        """How many nuclei lie wholly inside."""
        return self.count_in(self.reviewed)

    def count_in(self, mask: Mask) -> int:
        """Count the nuclei that lie wholly inside a mask on the grid of `nuclei`."""
        if not mask.any():
            return 0
        # A pixel more all around shows which nuclei reach out.
        window = bounding_window(mask, margin=1)
        labels = np.asarray(self.nuclei.data[window])
        return nuclei_inside(labels, mask[window]).inside

    @property
    def corrected(self) -> tuple[int, ...] | None:
        """Where nuclei were corrected since the run, a pixel each; None if unknown."""
        places: tuple[int, ...] | None = origin_facts(self.nuclei).get("corrected")
        return places

    @property
    def is_untouched(self) -> bool:
        """Whether it is known that none of the nuclei was made or changed by hand."""
        hand: HandWork | None = origin_facts(self.nuclei).get("hand")
        if self.corrected != () or hand is None:
            return False
        return not (hand.edited & self.reviewed.ravel()[hand.pixels]).any()

    @property
    def offset(self) -> tuple[int, int]:
        """Row and column of the image where the nuclei's grid begins, px."""
        row, column = origin_facts(self.nuclei).get("offset", (0, 0))
        return row, column

    def known(self, learned: Sequence[Learned]) -> Mask | None:
        """Tell what of it a model has learned from; None for nothing."""
        place = Place(
            image=self.image.name,
            image_shape=image_shape(self.image),
            offset=self.offset,
        )
        try:
            known = learned_there(learned, place, self.reviewed.shape) & self.reviewed
        except CheckpointError:  # the training will say so
            return None
        return known if known.any() else None

    def leave_out_cut_off(self) -> None:
        """Give up the nuclei that may go on where the labels end."""
        labels = np.asarray(self.nuclei.data)
        self.reviewed &= ~cut_off(labels, self.offset, image_shape(self.image))

    def leave_out(self, other: "GatheredArea") -> None:
        """Give up what counts in another area of the image."""
        window = window_at(self.offset, self.reviewed.shape)
        self.reviewed &= ~placed(other.reviewed, other.offset, window)


def find_areas(layers: Any, *, hidden: bool = False) -> list[GatheredArea]:
    """Give the labels on which something is marked as reviewed, with their images.

    Where several have nuclei of one place, the uppermost of those shown counts, and
    any that tells where it comes from before one that does not.

    Parameters
    ----------
    layers : LayerList
        Of a viewer.
    hidden : bool
        Whether to look at the labels that are hidden instead of those shown.
    """
    marks = [layer for layer in layers if is_reviewed_layer(layer)]
    if not marks:
        return []
    found = _nuclei(layers, visible=not hidden)
    shown = _nuclei(layers, visible=True) if hidden else []
    images = {image for _, image in [*found, *shown]}
    areas: list[GatheredArea] = []
    for layer, image in found:
        reviewed = np.zeros(layer.data.shape, bool)
        for shapes in marks:
            drawn = outlines(layer, shapes, shapes_of(shapes, image, images))
            reviewed |= cover(reviewed.shape, drawn)
        area = GatheredArea(
            image=image, nuclei=layer, reviewed=within_limits(layer, reviewed)
        )
        area.leave_out_cut_off()
        for before in areas:
            if before.image is image:
                area.leave_out(before)
        if area.reviewed.any():
            areas.append(area)
    return sorted(areas, key=lambda area: layers.index(area.nuclei))


def unlisted(layers: Any, areas: Sequence[GatheredArea]) -> list[LabelsLayer]:
    """Give the labels shown that something reviewed lies on, and that are no image's.

    Parameters
    ----------
    layers : LayerList
        Of a viewer.
    areas : sequence of GatheredArea
        What is listed: what was reviewed there is not meant for others.
    """
    strays = [
        layer
        for layer in layers
        if layer.visible and may_count(layer) and image_of(layer, layers) is None
    ]
    if not strays:
        return []
    drawn = [
        (shapes, index)
        for shapes in layers
        if is_reviewed_layer(shapes)
        for index in range(shapes.nshapes)
        if not any(lies_on(area.nuclei, shapes, [index]) for area in areas)
    ]
    return [
        layer
        for layer in strays
        if any(lies_on(layer, shapes, [index]) for shapes, index in drawn)
    ]


def _nuclei(layers: Any, *, visible: bool) -> list[tuple[LabelsLayer, Image]]:
    """Give the nuclei that may count, with their images: what goes before first."""
    looked_at = [
        layer
        for layer in reversed(layers)
        if layer.visible == visible and may_count(layer)
    ]
    ordered = sorted(looked_at, key=is_anonymous)
    placed = [(layer, image_of(layer, layers)) for layer in ordered]
    return [(layer, image) for layer, image in placed if image is not None]


def may_count(layer: Any) -> bool:
    """Tell whether a layer can hold nuclei; napari's button makes empty ones."""
    if not isinstance(layer, LabelsLayer) or layer.ndim != 2 or layer.multiscale:
        return False
    return not is_anonymous(layer) or bool(np.asarray(layer.data).any())
