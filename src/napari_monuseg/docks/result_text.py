"""What the Segment dock says of a result: how many nuclei, and why sliders rest."""

from collections.abc import Iterator

from napari_monuseg.core.counting import how_many
from napari_monuseg.core.handwork import HandCount
from napari_monuseg.docks.result import Result

NO_MAPS = "To move the sliders, run the network here; hand work stays"

NO_HAND_WORK = (
    "To move the sliders, run the network here; it finds all nuclei anew, and of these "
    "only what you change from now on stays"
)


def count_text(result: Result | None) -> str:
    """Say how many nuclei there are, and how much was made by hand."""
    if result is None:
        return "No nuclei yet"
    part = "an area of " if result.is_part else ""
    found = f"{how_many(result.count)} in {part}“{result.image_name}”"
    by_hand = ", ".join(_by_hand(result.hand.count))
    return f"{found}\n{by_hand or 'no corrections yet'}"


def sliders_text(result: Result | None) -> str:
    """Say why the sliders cannot be moved; nothing where they can."""
    if result is None or result.maps is not None:
        return ""
    return NO_MAPS if result.knows_hand_work else NO_HAND_WORK


def _by_hand(count: HandCount) -> Iterator[str]:
    """Say how much was made by hand; nothing of what was not."""
    if count.nuclei:
        yield f"{count.nuclei:,} by hand"
    if count.erased:
        yield f"{count.erased:,} {'place' if count.erased == 1 else 'places'} erased"
