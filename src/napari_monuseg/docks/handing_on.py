"""Hands hand work on from result to result: what has whose, files, what is lost."""

from collections.abc import Collection, Mapping

from napari_monuseg.core.carrying import Carried, holds
from napari_monuseg.docks.autosave import Autosave
from napari_monuseg.docks.placing import HandedOn
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.reviewed import reviewed_outlines

COVERED = (
    "Hand work of “{name}” lies where other hand work does; what has no room beside "
    "that is in its own layer alone, hidden now."
)


def is_brought_by(result: Result, others: Collection[Result]) -> bool:
    """Tell whether all that a result had from others has these for a source, too."""
    parents = [parent() for parent in result.parents]
    return bool(parents) and all(
        one is not None and (one in others or not one.has_hand_work())
        for one in parents
    )


def has_hand_work_of(result: Result, other: Result) -> bool:
    """Tell whether all that was made by hand in another result is in one as well."""
    if not other.has_hand_work():
        return True
    snapshot = other.snapshot()
    hand = other.hand if snapshot is None else snapshot.gather()
    part = Carried(hand=hand, offset=other.area.offset)
    return holds(result.hand, part, result.area.offset)


def hand_on_files(
    autosave: Autosave, result: Result, carried: Mapping[Result, HandedOn]
) -> None:
    """Save a new result, and let files of earlier ones go as far as it has all in them.

    Parameters
    ----------
    autosave : Autosave
        Of the dock.
    result : Result
        The new one, shown.
    carried : mapping of Result to HandedOn
        What became of the hand work of earlier ones.
    """
    held = {
        one: handed_on.labels if handed_on.held else None
        for one, handed_on in carried.items()
    }
    if len(held) == 1 and (one := next(iter(held))).covers(result):
        autosave.succeed(one, result, held[one])
        return
    # Of several, what one has may have covered what another has; and what was
    # reviewed on another's nuclei is not what stands there now.
    autosave.add(result)
    kept = {
        one: labels
        for one, labels in held.items()
        if carried[one].same or not reviewed_outlines(one)
    }
    autosave.outdate(kept, result)


def covered_work(
    carried: Mapping[Result, HandedOn], hidden: Collection[Result]
) -> list[str]:
    """Say of earlier results that are hidden now what had no room in the new one.

    Parameters
    ----------
    carried : mapping of Result to HandedOn
        What became of the hand work of earlier ones; each remembers it.
    hidden : collection of Result
        Those that the new one hides.
    """
    remarks = []
    for one, handed_on in carried.items():
        # What it was told of before, the user knows or wants.
        news = handed_on.labels is None or handed_on.labels != one.handed_on
        if handed_on.covered and news and one in hidden:
            name = one.image_name if one.layer is None else one.layer.name
            remarks.append(COVERED.format(name=name))
        one.handed_on = handed_on.labels
    return remarks
