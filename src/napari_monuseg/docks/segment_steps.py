"""The jobs of the Segment dock: generators, run in a worker thread."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

from napari_monuseg.areas import Area, Labels, Mask, keep_inside
from napari_monuseg.core.autosave import fingerprint
from napari_monuseg.core.counting import InsideCount, count_nuclei
from napari_monuseg.core.effort import corrected_since
from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.folders import is_same_file
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.numbering import keep_numbers, number_pieces
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.core.tiff_writing import write_labels

if TYPE_CHECKING:
    from napari_monuseg.core.segment import Segmentation
    from napari_monuseg.docks.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """The nuclei of an area, and what they were read from.

    Parameters
    ----------
    segmentation : Segmentation
        Maps and labels of the area's window.
    labels : ndarray
        Nuclei, ``(h, w)`` int32, without those outside the area.
    count : int
        How many.
    complete : ndarray, optional
        ``(h, w)`` bool, as `Inside` has it.
    """

    segmentation: "Segmentation"
    labels: Labels
    count: int
    complete: Mask | None

    @classmethod
    def inside(cls, area: Area, segmentation: "Segmentation") -> "Found":
        """Take what lies inside an area of what was found in its window."""
        inside = keep_inside(segmentation.labels, area.mask)
        return cls(
            segmentation=segmentation,
            labels=inside.labels,
            count=count_nuclei(inside.labels),
            complete=inside.complete,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Counted:
    """How many nuclei a result has.

    Parameters
    ----------
    nuclei : int
        All of them.
    hand : HandWork
        What was made by hand.
    reviewed : InsideCount, optional
        Those in the reviewed area; None if nothing was reviewed.
    corrected : tuple of int, optional
        Where some were corrected in there since the run, as `corrected_since` tells
        it; None where nobody knows.
    """

    nuclei: int
    hand: HandWork
    reviewed: InsideCount | None
    corrected: tuple[int, ...] | None


def segment_area(
    image: TissueImage,
    area: Area,
    model: ModelEntry,
    device: str,
    *,
    thorough: bool = False,
    instances: dict[str, float] | None = None,
) -> Generator[Progress, None, Found]:
    """Find the nuclei of an area.

    Parameters
    ----------
    image : TissueImage
        All of the image, with its pixel size if that is known.
    area : Area
        Which part of it.
    model : ModelEntry
        What to find them with.
    device : str
        ``auto``, ``cpu``, …
    thorough : bool
        Whether the mean of eight views is taken.
    instances : dict of str to float, optional
        By what nuclei are read from the maps, as `SegmentOptions` takes it; the
        model's own when left out.
    """
    yield Progress(message="Loading PyTorch…")
    from napari_monuseg.core.segment import SegmentOptions, segment

    tissue = image.crop(area.rows, area.columns)
    options = SegmentOptions(device=device, augment=thorough, instances=instances or {})
    segmentation = yield from segment(tissue, model, options)
    return Found.inside(area, segmentation)


def wait_for_hand() -> Generator[Progress, None, None]:
    """Leave the user a moment to finish what is being drawn."""
    yield Progress(message="Ready as soon as you have finished drawing")
    sleep(0.1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """The nuclei of an area, read by other options, under what was made by hand.

    Parameters
    ----------
    snapshot : Snapshot
        What the layer held when the reading began.
    hand : HandWork
        What of it was made by hand.
    labels : ndarray
        Nuclei, ``(h, w)`` int32, hand work in them.
    count : int
        How many.
    complete : ndarray, optional
        ``(h, w)`` bool, as `Inside` has it.
    """

    snapshot: "Snapshot"
    hand: HandWork
    labels: Labels
    count: int
    complete: Mask | None


def read_again(
    maps: NucleusMaps, area: Area, options: InstanceOptions, snapshot: "Snapshot"
) -> Generator[Progress, None, Reading]:
    """Read the nuclei of an area from its maps by other options.

    They keep the numbers, and with them the colours, that they had.
    """
    found = yield from find_nuclei(maps, options)
    inside = keep_inside(found, area.mask)
    numbered = keep_numbers(inside.labels, snapshot.base.written)
    yield Progress(message="Keeping what was made by hand")
    hand = snapshot.gather()
    labels = hand.merge(numbered)
    return Reading(
        snapshot=snapshot,
        hand=hand,
        labels=labels,
        count=count_nuclei(labels),
        complete=inside.complete,
    )


def count(
    snapshot: "Snapshot | None",
) -> Generator[Progress, None, Counted | None]:
    """Count the nuclei, those made by hand and those reviewed among them."""
    yield Progress(message="Counting nuclei")
    if snapshot is None:
        return None
    hand = snapshot.gather()
    hand.count  # noqa: B018 - found here, not when it is shown
    reviewed, brought = snapshot.reviewed, snapshot.brought
    labels = number_pieces(snapshot.labels)  # as they are exported and learned from
    return Counted(
        nuclei=count_nuclei(labels),
        hand=hand,
        reviewed=snapshot.count_reviewed(labels),
        corrected=None
        if reviewed is None or brought is None
        else corrected_since(brought, hand, reviewed),
    )


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file of labels, and what tells its labels from others."""

    path: Path
    fingerprint: int


def export(
    path: Path,
    labels: Labels,
    *,
    pixel_size: float | None,
    offset: tuple[int, int],
    origin: Origin | None,
    image_path: str = "",
    snapshot: "Snapshot | None" = None,
) -> Generator[Progress, None, Exported]:
    """Write labels as TIFF; `offset` is the area's place in its image, px.

    Several nuclei that were painted in one number get one each. The image's own file
    is not replaced. With a snapshot of the labels the file says what is hand work.
    """
    yield Progress(message=f"Writing {path.name}")
    if is_same_file(path, image_path):
        raise ExportError(
            f"{path.name} is the image itself and is not replaced by its labels; "
            "choose another name."
        )
    if origin is not None and snapshot is not None:
        origin = replace(origin, hand=snapshot.gather().held_by_edits)
    row, column = offset
    write_labels(
        path,
        number_pieces(labels),
        pixel_size=pixel_size,
        offset=(float(row), float(column)),
        origin=origin,
    )
    return Exported(path=path, fingerprint=fingerprint(labels))
