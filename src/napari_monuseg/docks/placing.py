"""Puts the nuclei of a run under the hand work of earlier runs."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from napari_monuseg.areas import Area, Labels, Mask
from napari_monuseg.core.autosave import fingerprint
from napari_monuseg.core.carrying import Carried, combined, holds
from napari_monuseg.core.counting import count_nuclei
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.progress import Progress
from napari_monuseg.docks.segment_steps import Found
from napari_monuseg.docks.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True, eq=False)
class HandedOn:
    """What became of an earlier result's hand work in a new one.

    Parameters
    ----------
    labels : int or None
        Fingerprint of the labels in which it was found; None where there was no layer.
    held : bool
        Whether all of it is in the new one.
    covered : bool
        Whether some of it lacks there since other hand work lies in its place.
    same : bool
        Whether the new one goes on from it.
    """

    labels: int | None
    held: bool
    covered: bool
    same: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """The nuclei of a run, under hand work of earlier runs.

    Parameters
    ----------
    labels : ndarray
        Nuclei, ``(h, w)`` int32, hand work in them.
    count : int
        How many.
    complete : ndarray, optional
        ``(h, w)`` bool, as `Inside` has it.
    hand : HandWork, optional
        What of them was made by hand; None where nothing came before.
    carried : tuple of HandedOn
        What became of the hand work of each source.
    """

    labels: Labels
    count: int
    complete: Mask | None = None
    hand: HandWork | None = None
    carried: tuple[HandedOn, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """What an earlier run's layer holds, whose hand work goes on in a new one.

    Parameters
    ----------
    known : Snapshot or HandWork
        What the layer holds, or the hand work that is known of it where there is no
        layer to look at.
    offset : tuple of int
        Row and column of the image where it begins, px.
    same : bool
        Whether it is the one on the same area that the new one goes on from.
    brought_by_another : bool
        Whether what came from elsewhere when it was made has a source of its own.
    """

    known: "Snapshot | HandWork"
    offset: tuple[int, int]
    same: bool
    brought_by_another: bool

    def gather(self) -> Carried:
        """Find the hand work, each nucleus of it under a number of its own."""
        known = self.known
        if isinstance(known, HandWork):
            return Carried(hand=known.apart(), offset=self.offset)
        brought = known.brought if self.brought_by_another else None
        return Carried(hand=known.gather().apart(), offset=self.offset, brought=brought)

    def handed_on(
        self, work: Carried, laid: HandWork, hand: HandWork, offset: tuple[int, int]
    ) -> HandedOn:
        """Tell what became of it, by what was gathered, what was laid, and all."""
        known = self.known
        return HandedOn(
            labels=None if isinstance(known, HandWork) else fingerprint(known.labels),
            held=holds(hand, work, offset),
            covered=not holds(hand, Carried(hand=laid, offset=offset), offset),
            same=self.same,
        )


def place(
    found: Found, area: Area, sources: Sequence[Source]
) -> Generator[Progress, None, Placed]:
    """Put the nuclei of a run under hand work of earlier runs.

    Parameters
    ----------
    found : Found
        Of the run.
    area : Area
        Where.
    sources : sequence of Source
        What counts most last.
    """
    yield Progress(message="Keeping what was made by hand")
    shape = found.labels.shape
    gathered = [one.gather() for one in sources]
    laid = [
        work.hand if one.same else work.onto(area.offset, shape, area.mask)
        for one, work in zip(sources, gathered, strict=True)
    ]
    if len(laid) > 1:  # what is only reviewed covers nothing that was made by hand
        reviewed = [one.only(~one.edited) for one in laid]
        hand = combined([*reviewed, *(one.only(one.edited) for one in laid)], shape)
    else:
        hand = combined(laid, shape)
    hand.count  # noqa: B018 - found here, not when it is shown
    labels = hand.merge(found.labels)
    unchanged = labels is found.labels
    return Placed(
        labels=labels,
        count=found.count if unchanged else count_nuclei(labels),
        complete=found.complete,
        hand=hand,
        carried=tuple(
            source.handed_on(work, own, hand, area.offset)
            for source, work, own in zip(sources, gathered, laid, strict=True)
        ),
    )
