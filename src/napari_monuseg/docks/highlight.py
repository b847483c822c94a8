"""Outlines around what was made by hand, in a layer that is only looked at."""

from typing import Any

import numpy as np
from napari.layers import Labels as LabelsLayer
from napari.utils.colormaps import DirectLabelColormap

from napari_monuseg.core.handwork import HandWork
from napari_monuseg.docks.bindings import METADATA, NOBODY

ERASED = -1
"""Stands for what was erased: no nucleus has this number."""


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
        outlined = _outlined(hand)
        if self.layer is None:
            self._add(nuclei, outlined)
        else:
            self.layer.data = outlined

    def remove(self) -> None:
        """Take the outlines away."""
        layer, self.layer, self._around = self.layer, None, None
        if layer is not None and layer in self._viewer.layers:
            active = self._viewer.layers.selection.active
            self._viewer.layers.remove(layer)
            if active in self._viewer.layers:
                self._viewer.layers.selection.active = active

    def _add(self, nuclei: LabelsLayer, outlined: np.ndarray) -> None:
        active = self._viewer.layers.selection.active
        colours = {None: "yellow", 0: "transparent", ERASED: "cyan"}
        place = ("scale", "translate", "rotate", "shear", "affine", "units")
        self._around = nuclei
        self.layer = self._viewer.add_labels(
            outlined,
            name=f"{nuclei.name}, by hand",
            colormap=DirectLabelColormap(color_dict=colours),
            **{name: getattr(nuclei, name) for name in place},
        )
        self.layer.metadata[METADATA] = NOBODY
        self.layer.contour = 2
        self.layer.editable = False
        self._viewer.layers.selection.active = active  # the brush stays in hand


def _outlined(hand: HandWork) -> np.ndarray:
    """Give the edited nuclei as labels ``(H, W)`` int32, and what was erased."""
    labels = np.zeros(hand.shape, np.int32)
    edited = hand.labels[hand.edited]
    labels.ravel()[hand.pixels[hand.edited]] = np.where(edited == 0, ERASED, edited)
    return labels
