"""The results of a viewer: which there are, and which a closed dock left."""

from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Image
from napari.layers import Labels as LabelsLayer

from napari_monuseg.docks.autosave import Autosave
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.reviewed import move_reviewed, reviewed_mask
from napari_monuseg.docks.saving import Entry

_left: WeakKeyDictionary[Any, list[tuple[Result, Entry | None]]] = WeakKeyDictionary()
"""By viewer, what a dock that was closed there had, for the next to go on with."""


class KnownResults:
    """Results in the order in which they came."""

    def __init__(self) -> None:
        self._all: list[Result] = []

    def __iter__(self) -> Iterator[Result]:
        return iter(self._all)

    def __contains__(self, result: object) -> bool:
        return result in self._all

    @property
    def last(self) -> Result | None:
        """The one that came last; None without any."""
        return self._all[-1] if self._all else None

    def add(self, result: Result, below: Sequence[Result] = ()) -> None:
        """Know one more, which came before some others if those are named."""
        places = (self._all.index(one) for one in below)
        self._all.insert(min(places, default=len(self._all)), result)

    def edited_after(self, result: Result, autosave: Autosave) -> list[Result]:
        """Give those restored and shown where another is that were edited after it."""
        edited = {entry.result: entry.edited for entry in autosave.entries()}
        when = result.restored
        return [
            one
            for one in self._all
            if one.restored is not None and one.overlaps(result)
            if one.is_shown
            if when is not None and edited.get(one, one.restored) > when
        ]

    def remove(self, result: Result) -> None:
        """Know one no longer."""
        self._all.remove(result)

    def of_layer(self, layer: LabelsLayer | None) -> Result | None:
        """Give the one that a layer shows; None for layers of others."""
        known = () if layer is None else self._all  # some have no layer yet
        return next((one for one in known if one.layer is layer), None)

    def predecessor(self, result: Result, current: Result | None) -> Result | None:
        """Give the result on the same area whose hand work goes on in another.

        The one at work if it has any, or is reviewed, else the last shown that has any,
        else the last hidden one that has, else the last.
        """
        earlier = [one for one in self._all if one.covers(result)][::-1]
        earlier.sort(key=lambda one: (one is not current, not one.is_shown))
        if current in earlier and reviewed_mask(current) is not None:
            return current
        corrected = (one for one in earlier if one.has_hand_work())
        return next(corrected, None) or next(iter(earlier), None)

    def sources(self, result: Result, current: Result | None) -> list[Result]:
        """Give the results whose hand work goes on in another, what counts most last.

        The predecessor on the same area, and of all others that lie under the new one,
        those that are shown and have hand work.
        """
        same = self.predecessor(result, current)
        others = [
            one
            for one in self._all
            if one.overlaps(result) and one is not same
            if one.is_shown and one.has_hand_work()
        ]
        chosen = [one for one in self._all if one is same or one in others]
        return sorted(chosen, key=lambda one: one is current)

    def find_again(self, image: Image, layers: Any) -> bool:
        """Put those onto an image whose own was removed, if it is the same again."""
        found = False
        for one in [one for one in self._all if one.image not in layers]:
            before = one.image_reference
            if one.find_again(image):
                found = True
                move_reviewed(before, image)
        return found

    def leave(self, viewer: Any, autosave: Autosave) -> None:
        """Leave results, and what is known of their files, to the next dock."""
        saved = {entry.result: entry for entry in autosave.entries()}
        _left[viewer] = [(one, saved.get(one)) for one in self._all]

    def go_on(self, viewer: Any, autosave: Autosave) -> None:
        """Go on with what an earlier dock of the viewer left, if its layer stayed."""
        for result, entry in _left.pop(viewer, []):
            if result.layer in viewer.layers:
                self._all.append(result)
                if entry is not None:
                    autosave.go_on(entry)
