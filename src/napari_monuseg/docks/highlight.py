"""Outlines around what was made by hand, in a layer that is only looked at."""

from typing import Any

from napari.layers import Labels as LabelsLayer
from napari.utils.colormaps import DirectLabelColormap

from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.rims import ERASED, MADE, rims_of
from napari_monuseg.docks.bindings import METADATA, NOBODY
from napari_monuseg.docks.following import follow
from napari_monuseg.layers import placement

COLOURS = {None: "transparent", MADE: "yellow", ERASED: "cyan"}


class Highlight:
    """Shows the hand work of one result at a time.

    Parameters
    ----------
    viewer : napari.Viewer
        Where it is shown.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.layer: LabelsLayer | None = None
        self._around: LabelsLayer | None = None

    def show(self, nuclei: LabelsLayer, hand: HandWork) -> None:
        """Outline the nuclei made by hand, and what was erased, over their layer."""
        if self._around is not nuclei:
            self.remove()
        if self.layer is None:
            self._add(nuclei, hand)
        else:
            self.layer.data = rims_of(hand)
            self.layer.editable = False  # napari lets new pixels be painted

    def remove(self) -> None:
        """Take the outlines away."""
        layer, self.layer, self._around = self.layer, None, None
        if layer is not None and layer in self._viewer.layers:
            active = self._viewer.layers.selection.active
            self._viewer.layers.remove(layer)
            if active in self._viewer.layers:
                self._viewer.layers.selection.active = active

    def _add(self, nuclei: LabelsLayer, hand: HandWork) -> None:
        active = self._viewer.layers.selection.active
        self._around = nuclei
        self.layer = self._viewer.add_labels(
            rims_of(hand),
            name=f"{nuclei.name}, by hand",
            colormap=DirectLabelColormap(color_dict=COLOURS),
            **placement(nuclei),
        )
        self.layer.metadata[METADATA] = NOBODY
        self.layer.editable = False
        follow(self.layer, nuclei)
        self._viewer.layers.selection.active = active  # the brush stays in hand
