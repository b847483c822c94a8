"""The rounds of correcting and retraining that led to a model.

Each model remembers its parent, what taught it and how it was judged, so the rounds
are read off the models themselves, as far back as their files are still there.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from napari_monuseg.core.registry import ModelEntry, list_models

LEVEL = 0.9
"""Corrections that fall by less than a tenth do not fall."""

SMALL_GAIN = 0.01
"""A round that adds less AJI than this adds little."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round: from a parent to a model.

    Parameters
    ----------
    model, parent, date : str
        Names, and when, ISO 8601.
    areas, nuclei : int
        Reviewed areas, and nuclei in them.
    corrections : float or None
        Per 100 nuclei; None where nobody counted.
    judged : int
        Nuclei held out to judge.
    before, after : float or None
        AJI on what was held out; None where nothing was.
    verdict : str
        As `Judgement.verdict` gives it.
    """

    model: str
    parent: str
    date: str
    areas: int
    nuclei: int
    corrections: float | None
    judged: int
    before: float | None
    after: float | None
    verdict: str


def rounds_of(model: ModelEntry) -> list[Round]:
    """Return the rounds that led to a model, the first one first."""
    by_name = {entry.name: entry for entry in list_models()}
    rounds: list[Round] = []
    seen: set[str] = set()
    entry: ModelEntry | None = model
    while entry is not None and entry.name not in seen:
        seen.add(entry.name)
        if "held out" in entry.info.scores:
            with suppress(ArithmeticError, AttributeError, TypeError, ValueError):
                rounds.append(_round(entry))  # or another program has written it
        entry = by_name.get(entry.info.parent)
    return rounds[::-1]


def _round(entry: ModelEntry) -> Round:
    info = entry.info
    judged = info.scores["held out"]
    aji = judged.get("changes", {}).get("aji", {})
    return Round(
        model=entry.name,
        parent=info.parent,
        date=info.date,
        areas=int(info.recipe.get("areas", 0)),
        nuclei=int(info.recipe.get("nuclei", 0)),
        corrections=info.recipe.get("corrections_per_100"),
        judged=int(judged.get("nuclei", 0)),
        before=aji.get("before"),
        after=aji.get("after"),
        verdict=str(judged.get("verdict", "")),
    )


def advise(rounds: Sequence[Round]) -> str:
    """Say whether the effort falls, and whether another round promises much.

    Parameters
    ----------
    rounds : sequence of Round
        As `rounds_of` gives them; empty before the first.
    """
    counted = [one.corrections for one in rounds if one.corrections is not None]
    if len(counted) < 2:
        return ""
    before, now = counted[-2:]
    effort = (
        f"{before:.0f} corrections per 100 new nuclei the round before, now {now:.0f}"
    )
    if now < LEVEL * before:
        return f"The effort falls: {effort}."
    last = rounds[-1]
    gain = (
        None if last.before is None or last.after is None else last.after - last.before
    )
    if gain is not None and gain >= SMALL_GAIN:
        return f"The effort does not fall yet ({effort}), but the model still gains."
    return f"More annotation of this kind is unlikely to help: {effort}."
