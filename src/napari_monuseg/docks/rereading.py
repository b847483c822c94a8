"""Nuclei read again from what the network saw, while a slider moves."""

from typing import Any, NamedTuple

from qtpy.QtCore import QObject, Signal

from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.newest import NewestJob
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.segment_steps import Reading, read_again
from napari_monuseg.jobs import Steps


class Wish(NamedTuple):
    """Nuclei to be read otherwise, and the movement of a slider that asked for it."""

    result: Result
    maps: NucleusMaps
    options: InstanceOptions
    movement: int


class Rereading(QObject):
    """Shows the nuclei as the sliders stand; the newest wish goes before.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the nuclei are shown.
    lifetime : Lifetime
        Of the dock.
    """

    shown = Signal(object)
    """Emits the `Result` whose nuclei were read again."""

    brought_back = Signal(object)
    """Emits a `Result` whose layer had been given other pixels to hold."""

    def __init__(self, viewer: Any, lifetime: Lifetime) -> None:
        super().__init__()
        self._viewer = viewer
        self._newest = NewestJob(self._read, self._show)
        lifetime.add(self.cancel)

    @property
    def busy(self) -> bool:
        """Whether nuclei are still to be read."""
        return self._newest.busy

    def cancel(self) -> None:
        """Leave the nuclei as they are."""
        self._newest.cancel()

    def ask(self, result: Result, options: InstanceOptions, movement: int) -> None:
        """Read a result's nuclei, if it has maps, for a movement of a slider."""
        if result.maps is not None:
            self._newest.ask(Wish(result, result.maps, options, movement))

    def _read(self, wish: Wish) -> Steps:
        result = wish.result
        snapshot = result.snapshot()
        if snapshot is None:
            snapshot = result.show_again(self._viewer)
            self.brought_back.emit(result)
        return read_again(wish.maps, result.area, wish.options, snapshot)

    def _show(self, wish: Wish, reading: Reading) -> None:
        result = wish.result
        if result.show_reading(reading, wish.options, wish.movement):
            self.shown.emit(result)
        else:
            self._newest.ask_again(wish)  # it was edited meanwhile
