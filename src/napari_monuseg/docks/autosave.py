"""Writes corrections to the disk while they are made."""

from collections.abc import Generator
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import WeakSet

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_monuseg.core.autosave import new_path
from napari_monuseg.core.claims import claim, release
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.progress import Progress, finish
from napari_monuseg.docks.edit_watch import EditWatch
from napari_monuseg.docks.layer_watch import LayerWatch
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.reviewed import is_reviewed_layer
from napari_monuseg.docks.saving import Entry, content_of, reviewed_of, saving
from napari_monuseg.jobs import JobSlot
from napari_monuseg.outlines import changes

INTERVAL = 2000
"""So often it is looked whether something changed, ms."""

PATIENCE = 60.0
"""After a failure, for so long no other attempt is made, s."""


class Autosave:
    """Saves the hand work of results every few seconds, if there is any.

    Parameters
    ----------
    parent : QWidget
        While it lives, corrections are saved.
    viewer : napari.Viewer
        Where the nuclei are.
    lifetime : Lifetime
        Of the dock; at its end what is left is saved at once.
    """

    def __init__(self, parent: QWidget, viewer: Any, lifetime: Lifetime) -> None:
        self._entries: dict[Result, Entry] = {}
        self._slot = JobSlot()
        self._saving: Path | None = None
        self._gone: list[Result] = []
        self._not_before = 0.0
        self._waiting: list[Entry] = []
        self._timer = QTimer(parent)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._begin_round)
        self._timer.start()
        lifetime.add(self._end)
        self._layers = viewer.layers
        self._heard: WeakSet[Any] = WeakSet()
        self._watch = LayerWatch(viewer.layers, self._listen)
        lifetime.add(self._watch.stop)
        removing = viewer.layers.events.removing
        removing.connect(self._on_removing)
        lifetime.add(partial(removing.disconnect, self._on_removing))
        self._moment = QTimer(parent)
        self._moment.setSingleShot(True)
        self._moment.timeout.connect(self._on_left)
        self._listen()

    def add(self, result: Result, path: Path | None = None) -> None:
        """Save a result's hand work from now on.

        Parameters
        ----------
        result : Result
            On screen.
        path : Path, optional
            A file there is; one that another window works on is left to it.
        """
        if result.image is not None and result.layer is not None:
            entry = Entry(result=result, path=_claimed(path, result))
            entry.edited = result.restored or entry.edited
            self._begin(entry)

    def entries(self) -> list[Entry]:
        """Give what is known of every result that is saved."""
        return list(self._entries.values())

    def go_on(self, entry: Entry) -> None:
        """Go on saving what an earlier dock had saved."""
        path = _claimed(entry.path, entry.result)
        if path != entry.path:  # another window has the file that it was saved into
            entry.path, entry.saved = path, None
        entry.changed = True
        self._begin(entry)

    def _begin(self, entry: Entry) -> None:
        entry.watch = EditWatch(entry.result.layer, entry.edit)
        self._entries[entry.result] = entry

    def succeed(
        self, earlier: Result, result: Result, labels: int | None = None
    ) -> None:
        """Save into the file of an earlier result, whose hand work `result` has.

        Parameters
        ----------
        earlier, result : Result
            On the same area.
        labels : int, optional
            Fingerprint of the labels of `earlier` whose hand work it is.
        """
        entry = self._entries.get(earlier)
        if entry is None:
            self.add(result)
            return
        path = entry.path
        release(path)
        entry.path, entry.changed = _claimed(None, earlier), labels is None
        entry.saved = None  # what was saved there is the other's from now on
        entry.succeeded = labels
        self.add(result, path)
        if labels is not None and result in self._entries:
            self._entries[result].outdates, entry.outdates = entry.outdates, {}

    def outdate(self, earlier: dict[Result, int | None], result: Result) -> None:
        """Let the files of earlier results go once `result` has one of its own.

        Parameters
        ----------
        earlier : dict
            Of other areas, and the fingerprint of their labels if `result` has all
            that was made by hand in them; else None.
        result : Result
            Whose hand work is saved.
        """
        entry = self._entries.get(result)
        if entry is not None:
            entry.outdates = {
                one: labels
                for one, labels in earlier.items()
                if labels is not None and (result.covers(one) or result.contains(one))
            }

    def follow(self, result: Result) -> None:
        """Watch the layer that a result has now."""
        entry = self._entries.get(result)
        if entry is not None and entry.watch is not None:
            entry.watch.stop()
            entry.watch = EditWatch(result.layer, entry.edit)

    def remove(self, result: Result) -> None:
        """Save a result that goes, for the last time."""
        entry = self._entries.pop(result, None)
        if entry is not None:
            self._finish(entry)
        # What it succeeded is to be saved again, unless that goes in the same moment.
        self._gone.append(result)
        self._moment.start(0)

    def exported(self, result: Result, labels: int) -> None:
        """Delete a result's file, unless it holds what the exported one does not.

        Parameters
        ----------
        result : Result
            What was exported.
        labels : int
            The fingerprint of the labels in the exported file.
        """
        entry = self._entries.get(result)
        if entry is not None:
            reviewed = reviewed_of(result)
            entry.exported = content_of(labels, reviewed, result.pixel_size)
            entry.changed = True
            self.look()

    def look(self) -> None:
        """Save what changed: one after the other, what was edited last first."""
        changed = [one for one in self._entries.values() if one.changed]
        self._waiting = sorted(changed, key=_last_edited, reverse=True)
        self._go_on()

    def _begin_round(self) -> None:
        if not self._slot.busy:  # else some of the round before wait still
            self.look()

    def _go_on(self) -> None:
        """Save the next one, in a thread; each once in a round, however it changes."""
        while self._waiting and not self._slot.busy:
            if monotonic() < self._not_before:
                return
            entry = self._waiting.pop(0)
            if not (entry.changed and entry.result in self._entries):
                continue
            steps = saving(entry)
            entry.changed = False
            if steps is not None:  # else nothing of it can be saved, as it is now
                self._save(entry, steps)

    def _save(self, entry: Entry, steps: Generator[Progress, None, Any]) -> None:
        self._saving = entry.path
        self._slot.start(
            steps,
            returned=partial(self._on_saved, entry, entry.path),
            errored=partial(self._on_failed, entry),
            finished=self._on_finished,
        )

    def _on_finished(self) -> None:
        self._saving = None
        self._go_on()

    def _on_saved(
        self, entry: Entry, path: Path, saved: tuple[Any, ...] | None
    ) -> None:
        if entry.path != path:  # a later result saves into that file by now
            return
        entry.saved = saved
        if saved is None and entry.exported is None:
            return
        for earlier, labels in entry.outdates.items():
            outdated = self._entries.get(earlier)
            if outdated is not None:
                outdated.succeeded = labels
                outdated.touch()
        entry.outdates = {}

    def _on_failed(self, entry: Entry, _error: Exception) -> None:
        entry.changed = True
        self._not_before = monotonic() + PATIENCE

    def _listen(self) -> None:
        """Listen to layers of reviewed areas, which may have become so by their name.

        One that goes is no change: with its image, it goes before the nuclei do.
        """
        for layer in self._layers:
            if is_reviewed_layer(layer) and layer not in self._heard:
                self._heard.add(layer)
                for emitter in changes(layer):
                    emitter.connect(self.touch)
                self.touch()

    def _on_removing(self, event: Any) -> None:
        """Keep what is reviewed while its layers go: the nuclei may go with them."""
        if is_reviewed_layer(self._layers[event.index]):
            for entry in self._entries.values():
                if entry.leaving is None:
                    entry.leaving = reviewed_of(entry.result)
            self._moment.start(0)

    def _on_left(self) -> None:
        gone, self._gone = self._gone, []
        for entry in self._entries.values():
            entry.leaving = None
            here = entry.result
            if any(here.covers(one) or one.contains(here) for one in gone):
                entry.succeeded = None
                entry.touch()

    def touch(self, _event: Any = None) -> None:
        """Remember that what was reviewed may be another by now."""
        for entry in self._entries.values():
            entry.touch()

    def _end(self) -> None:
        # Of what was edited in one moment, the latest result is offered first.
        left = sorted(self._entries.values(), key=lambda entry: entry.number)
        self._entries.clear()
        for entry in left:
            self._finish(entry)

    def _finish(self, entry: Entry) -> None:
        if entry.watch is not None:
            entry.watch.stop()
        if self._saving == entry.path:
            self._slot.cancel()  # it must not come after what is saved now
            self._saving = None
            entry.changed = True
        steps = saving(entry) if entry.changed else None
        if steps is not None:
            with suppress(MonusegError):  # nobody is left to be told
                finish(steps)
        release(entry.path)


def _last_edited(entry: Entry) -> float:
    """Tell when the nuclei of an entry may have been edited last, as a time stamp."""
    return entry.touched.timestamp() if entry.touched else 0.0


def _claimed(path: Path | None, result: Result) -> Path:
    """Claim a file for a result: the one there is, or else a new one."""
    if path is not None and claim(path):
        return path
    path = new_path(result.image_name)
    claim(path)
    return path
