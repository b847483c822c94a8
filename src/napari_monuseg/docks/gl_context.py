"""Keeps napari from deleting OpenGL programs in another window's context.

When a layer is removed, napari has what is no longer drawn deleted at once, in
whichever OpenGL context is current then (napari 0.9, `_vispy/canvas.py`,
`_clean_and_update_scenegraph`). Mostly that is not the canvas's own, and Mesa's
software drivers crash the process when the canvas is drawn next: always after an
image under a labels layer was removed and put back, and after a layer of nuclei on
which a stroke was drawn was removed.
"""

from functools import partial
from typing import Any

from napari_monuseg.docks.lifetime import Lifetime


def keep_context(viewer: Any, lifetime: Lifetime) -> None:
    """Make the canvas's context current whenever a layer is about to be removed.

    Parameters
    ----------
    viewer : napari.Viewer
        With a window, or without one.
    lifetime : Lifetime
        Of a dock.
    """
    window = getattr(viewer, "window", None)
    if window is None:
        return
    canvas = window._qt_viewer.canvas._scene_canvas  # napari has no public name for it

    def make_current(_event: Any) -> None:
        canvas.set_current()

    removing = viewer.layers.events.removing
    removing.connect(make_current)
    lifetime.add(partial(removing.disconnect, make_current))
