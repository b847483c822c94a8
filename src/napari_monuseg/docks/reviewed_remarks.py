"""What there is to say of reviewed areas before a training learns from them."""

from collections.abc import Iterator, Sequence
from typing import Any

from napari.layers import Labels as LabelsLayer

from napari_monuseg.core.holding_out import FEWEST_TO_JUDGE
from napari_monuseg.docks.bindings import image_of
from napari_monuseg.docks.reviewed import BUTTON, is_reviewed_layer
from napari_monuseg.docks.reviewed_areas import (
    GatheredArea,
    find_areas,
    may_count,
    unlisted,
)
from napari_monuseg.docks.take_up import count_homes

REMEDY = (
    "Nothing is marked as reviewed yet: in the Segment dock, correct the nuclei in "
    f"view and press “{BUTTON}”."
)

NONE_TICKED = "Every area is left out: tick at least one to learn from it."

HIDDEN = (
    "What is marked as reviewed lies on nuclei that are hidden: show their layer to "
    "learn from them."
)

NO_NUCLEI = (
    "What is marked as reviewed has no nuclei under it: press “Run” in the Segment "
    "dock, or open your own."
)

STRAY = (
    "Nothing tells which image the nuclei of “{name}” are of: open it, or press "
    "“Correct these labels” in the Segment dock."
)

SEVERAL = (
    "Nothing tells which of {count} images of their size the nuclei of “{name}” are "
    "of: hide the others, and press “Correct these labels” in the Segment dock."
)

NOT_ON_THEM = (
    "What is marked as reviewed lies beside all nuclei, or on several images at once: "
    "hide all images but its own."
)

NOTHING_JUDGES = (
    "Nothing is held out to judge: the model has learned from all of it in an earlier "
    "round."
)

NO_JUDGE = "Nothing is held out to judge, so it will not be known what training brings."

FEW_JUDGE = (
    "Nuclei held out to judge what training brings: {count}. With fewer than {needed} "
    "that is mostly luck."
)

UNCORRECTED = (
    "None of these nuclei was changed by hand: if all were right, there is little to "
    "learn, and if not, the model would learn its own mistakes."
)


def remarks_on(
    layers: Any,
    areas: Sequence[GatheredArea],
    included: Sequence[GatheredArea],
    judging: int,
) -> Iterator[str]:
    """Yield what is wrong with what is to be learned from.

    Parameters
    ----------
    layers : LayerList
        Of the viewer.
    areas, included : sequence of GatheredArea
        What was reviewed, and what of it is ticked.
    judging : int
        Nuclei that are held out to judge.
    """
    if not included:
        yield NONE_TICKED if areas else remedy(layers)
        return
    for layer in unlisted(layers, areas):
        yield _stray(layer, layers)
    if all(area.is_untouched for area in included):
        yield UNCORRECTED
    if not judging:
        yield NO_JUDGE
    elif judging < FEWEST_TO_JUDGE:
        yield FEW_JUDGE.format(count=judging, needed=FEWEST_TO_JUDGE)


def _stray(nuclei: LabelsLayer, layers: Any) -> str:
    """Say what to do about nuclei that are no image's."""
    count = count_homes(nuclei, layers)
    text = SEVERAL if count > 1 else STRAY
    return text.format(name=nuclei.name, count=count)


def remedy(layers: Any) -> str:
    """Say what to do where there is nothing to learn from."""
    if not any(is_reviewed_layer(one) and len(one.data) for one in layers):
        return REMEDY
    if find_areas(layers, hidden=True):
        return HIDDEN
    nuclei = [one for one in layers if may_count(one)]
    strays = [one for one in nuclei if image_of(one, layers) is None]
    if strays:
        return _stray((unlisted(layers, ()) or strays)[-1], layers)
    return NOT_ON_THEM if nuclei else NO_NUCLEI
