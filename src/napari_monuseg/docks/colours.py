"""Colours of nuclei: those that H&E has none of."""

from typing import Any

from napari.utils.colormaps import CyclicLabelColormap

_HUES = (
    "#ffe600",  # yellow
    "#00d5ff",  # cyan
    "#ff8c00",  # orange
    "#7dff00",  # lime
    "#ffffff",
    "#00b36b",  # sea green
    "#ffc46b",  # apricot
    "#00ffc3",  # aquamarine
    "#c8d400",  # olive
    "#9be8ff",  # pale blue
    "#d96400",  # ochre
    "#b6ffb0",  # pale green
)
"""Far from pink and purple, and each far from the next: neighbours have numbers in a
row."""

OPACITY = 0.5
"""The tissue is seen through them."""


def nucleus_colours() -> dict[str, Any]:
    """Give how a labels layer of nuclei looks: colours by their numbers, in turn."""
    colours = CyclicLabelColormap(
        colors=["transparent", *_HUES], background_value=0, name="nuclei"
    )
    return {"colormap": colours, "opacity": OPACITY}
