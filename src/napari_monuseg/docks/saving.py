"""What of a result is written to the disk, whether it is there, and how it is back."""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from napari.layers import Image

from napari_monuseg.areas import Area, Outline
from napari_monuseg.core.autosave import (
    About,
    SavedCorrections,
    discard,
    fingerprint,
    save,
)
from napari_monuseg.core.progress import Progress
from napari_monuseg.docks.edit_watch import EditWatch
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.reviewed import reviewed_outlines
from napari_monuseg.docks.snapshot import Snapshot


@dataclass(eq=False)
class Entry:
    """One result, and what is known of its file.

    Parameters
    ----------
    result : Result
        Whose hand work is saved.
    path : Path
        Where.
    """

    result: Result
    path: Path
    changed: bool = True
    saved: tuple[Any, ...] | None = None
    """What the file holds, as `content_of` describes it."""
    exported: tuple[Any, ...] | None = None
    """What was exported last, described in the same way."""
    succeeded: int | None = None
    """Fingerprint of the labels whose hand work a later result has as well."""
    outdates: dict[Result, int] = field(default_factory=dict, repr=False)
    """Earlier results, and their labels in the same way, that this one will succeed."""
    leaving: list[Outline] | None = None
    """What was reviewed, while its layers go."""
    watch: EditWatch | None = field(default=None, repr=False)
    number: int = field(default_factory=count().__next__)
    """Rises from entry to entry."""

    edited: datetime = field(default_factory=lambda: datetime.now().astimezone())
    """When the nuclei changed last, as far as that was looked at."""
    touched: datetime | None = None
    """When they may have changed last: napari tells of more than of that."""
    seen: int | None = None
    """Fingerprint of the labels when they were looked at last."""

    def touch(self) -> None:
        """Remember that there may be something to save."""
        self.changed = True

    def edit(self) -> None:
        """Remember that somebody may have changed the nuclei just now."""
        self.touched = datetime.now().astimezone()
        self.touch()

    def look_at(self, labels: int) -> None:
        """Take note of whether the labels of a fingerprint are others than before."""
        if labels != self.seen:
            self.edited = self.touched or self.edited
        self.seen = labels


def saving(entry: Entry) -> Generator[Progress, None, Any] | None:
    """Copy what is to be saved, and give the job that saves it; None without any."""
    snapshot = entry.result.snapshot()
    if snapshot is None:
        return None
    reviewed = reviewed_of(entry.result) if entry.leaving is None else entry.leaving
    return keep(entry, entry.path, snapshot, reviewed)


def reviewed_of(result: Result) -> list[Outline]:
    """Give what was reviewed, in the image's pixels."""
    return [outline + result.area.offset for outline in reviewed_outlines(result)]


def content_of(
    labels: int, reviewed: list[Outline], pixel_size: float | None
) -> tuple[Any, ...]:
    """Give what tells the content of a file from that of another.

    Parameters
    ----------
    labels : int
        Their fingerprint.
    reviewed : list of ndarray
        Outlines.
    pixel_size : float or None
        µm/px.
    """
    return (labels, pixel_size, *(outline.tobytes() for outline in reviewed))


def keep(
    entry: Entry, path: Path, snapshot: Snapshot, reviewed: list[Outline]
) -> Generator[Progress, None, tuple[Any, ...] | None]:
    """Save hand work if there is any that was not exported, else delete its file.

    Returns
    -------
    tuple or None
        What the file holds now; None if there is none.
    """
    yield Progress(message="Looking for corrections")
    labels = fingerprint(snapshot.labels)
    if entry.seen is None:
        entry.seen = fingerprint(snapshot.base.written)
    entry.look_at(labels)
    content = content_of(labels, reviewed, entry.result.pixel_size)
    # What was reviewed is in no exported file.
    elsewhere = content == entry.exported and not reviewed
    elsewhere |= labels == entry.succeeded
    if content == entry.saved and not elsewhere:
        return content
    hand = snapshot.gather()
    if elsewhere or not (hand.edited.any() or reviewed):
        discard(path)
        return None
    corrections = SavedCorrections(
        about=_about(entry, reviewed, *hand.count),
        labels=snapshot.labels,
        hand=hand,
        mask=snapshot.base.complete,
    )
    yield from save(path, corrections)
    return content


def _about(entry: Entry, reviewed: list[Outline], by_hand: int, erased: int) -> About:
    result = entry.result
    return About(
        image_name=result.first_name,  # which it has when it is opened again
        image_path=result.image_path,
        image_shape=result.image_shape or result.area.shape,
        model_name=result.model_name,
        options=result.options,
        offset=result.area.offset,
        shape=result.area.shape,
        pixel_size=result.pixel_size,
        assumed_pixel_size=result.assumed_pixel_size,
        reviewed=tuple(tuple(map(tuple, outline.tolist())) for outline in reviewed),
        by_hand=by_hand,
        erased=erased,
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        edited=entry.edited.isoformat(),
    )


def restored(image: Image, corrections: SavedCorrections) -> Result:
    """Give the result that saved corrections are of, on its image, not shown yet."""
    about = corrections.about
    rows, columns = (
        slice(start, start + side)
        for start, side in zip(about.offset, about.shape, strict=True)
    )
    result = Result.on(
        image,
        Area(rows, columns, corrections.mask),
        model_name=about.model_name,
        maps=None,
        options=about.options,
        pixel_size=about.pixel_size,
        assumed_pixel_size=about.assumed_pixel_size,
    )
    result.restored = about.last_edited
    return result
