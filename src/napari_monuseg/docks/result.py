"""The nuclei of one run, and the labels layer that shows them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from napari.layers import Image
from napari.layers import Labels as LabelsLayer

from napari_monuseg.areas import Area, Labels
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.layers import placement

METADATA = "napari-monuseg"
"""Under this key a labels layer keeps where its nuclei come from."""


@dataclass(kw_only=True, eq=False)
class Result:
    """Nuclei bound to the image they were found on.

    Parameters
    ----------
    image_name, model_name : str
        What was segmented, with what.
    area : Area
        Which part of the image.
    maps : NucleusMaps
        What the network saw there.
    options : InstanceOptions
        How the nuclei were read from the maps.
    place : dict
        What puts a layer onto the area.
    """

    image_name: str
    model_name: str
    area: Area
    maps: NucleusMaps
    options: InstanceOptions
    place: dict[str, Any]
    layer: LabelsLayer | None = None
    count: int = 0
    _largest_id: int = 0
    _written: Labels = field(default_factory=lambda: np.zeros((0, 0), np.int32))

    @classmethod
    def on(cls, image: Image, area: Area, **facts: Any) -> "Result":
        """Bind a result to where its image lies now."""
        place = placement(image, area.offset)
        return cls(image_name=image.name, area=area, place=place, **facts)

    def is_edited(self) -> bool:
        """Whether somebody changed the nuclei since the program wrote them.

        The pixels are compared: undo fires no edit event, so counting would err.
        """
        layer = self.layer
        return layer is not None and not np.array_equal(layer.data, self._written)

    def next_id(self) -> int:
        """Give an id that no nucleus of the layer has, had, or was promised."""
        largest = 0 if self.layer is None else int(self.layer.data.max(initial=0))
        self._largest_id = max(self._largest_id, largest) + 1
        return self._largest_id

    def pixels(self) -> Labels:
        """Give a copy of what the layer holds now, for work that takes a while."""
        return self._written.copy() if self.layer is None else self.layer.data.copy()

    def show(self, viewer: Any, labels: Labels, options: InstanceOptions) -> bool:
        """Show nuclei in the result's layer, or in a new one if that was edited.

        Returns
        -------
        bool
            Whether edits were left alone in the old layer.
        """
        edited = self.is_edited()
        self.options = options
        self.count = int(labels.max(initial=0))
        self._written = labels.copy()  # painting changes the layer's array in place
        if self.layer is None or edited:
            self.layer = self._add_layer(viewer, labels)
        else:
            self._replace(self.layer, labels)
        self.layer.metadata[METADATA] = self._facts()
        self.layer.selected_label = self.count + 1  # so that painting adds a nucleus
        return edited

    def _add_layer(self, viewer: Any, labels: Labels) -> LabelsLayer:
        name = f"{self.image_name} nuclei ({self.model_name})"
        return viewer.add_labels(labels, name=name, opacity=0.5, **self.place)

    def _replace(self, layer: LabelsLayer, labels: Labels) -> None:
        layer.data = labels
        # The undo history holds pixels of nuclei that are gone: it would punch
        # holes into the new ones. A layer forgets it when it is made read-only.
        mode = layer.mode
        layer.editable = False
        layer.editable = True
        layer.mode = mode

    def _facts(self) -> dict[str, Any]:
        return {
            "image": self.image_name,
            "model": self.model_name,
            "pixel_size": self.maps.pixel_size,
            "offset": self.area.offset,
            "options": self.options,
        }
