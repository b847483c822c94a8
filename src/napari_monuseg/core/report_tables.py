"""The scores of a report as tables: by image, by organ, by part, and in the mean."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

COLUMNS = {
    "loss": "loss",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "dice": "F1",
    "aji": "AJI",
    "aji_plus": "AJI+",
    "pq": "PQ",
    "dq": "DQ",
    "sq": "SQ",
    "true_nuclei": "true nuclei",
    "predicted_nuclei": "found nuclei",
    "legacy_dice": "legacy_dice",
}
"""Heading of each score, by its name in `Scores` and `MapScores`."""

_MARKUP = re.compile(r"[\\`*_~&#\[\]<|]")
"""What Markdown would not show as it stands."""

_COUNTS = ("true_nuclei", "predicted_nuclei")


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Images that belong together, by the name of the image.

    Parameters
    ----------
    organs : mapping of str to str
        Organ of an image; images without one are in no organ's mean.
    parts : mapping of str to sequence of str
        Names of the images of each part of a split.
    """

    organs: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """The scores of an image, or the mean over some, each counting the same.

    Parameters
    ----------
    level : str
        ``image``, ``organ``, ``part`` or ``mean``.
    name : str
        Of the image, organ or part; ``all`` for the mean over all images.
    images : int
        How many images there are in it.
    scores : mapping of str to float
        By the names in `COLUMNS`.
    """

    level: str
    name: str
    images: int
    scores: Mapping[str, float]


def table_rows(scores: Mapping[str, Mapping[str, float]], groups: Groups) -> list[Row]:
    """Return the rows of a model's table: images, organs, parts, then the mean.

    Parameters
    ----------
    scores : mapping of str to mapping
        Scores of each image, by the image's name and the names in `COLUMNS`.
    groups : Groups
        Organs and parts; those without an image that was scored are left out.
    """
    organs: dict[str, list[str]] = {}
    for name in scores:
        if name in groups.organs:
            organs.setdefault(groups.organs[name], []).append(name)
    means = [("organ", organ, organs[organ]) for organ in sorted(organs)]
    means += [("part", part, list(names)) for part, names in groups.parts.items()]
    means += [("mean", "all", list(scores))]
    rows = [
        Row(level="image", name=name, images=1, scores=one)
        for name, one in scores.items()
    ]
    for level, name, names in means:
        chosen = [scores[image] for image in dict.fromkeys(names) if image in scores]
        if chosen:
            mean = {
                key: float(np.mean([one[key] for one in chosen])) for key in COLUMNS
            }
            rows.append(Row(level=level, name=name, images=len(chosen), scores=mean))
    return rows


def as_csv(tables: Mapping[str, Sequence[Row]]) -> str:
    """Return the tables of all models, by name, as one CSV with full digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", "level", "name", "images", *COLUMNS.values()])
    for model, rows in tables.items():
        for row in rows:
            scores = [row.scores[key] for key in COLUMNS]
            writer.writerow([model, row.level, row.name, row.images, *scores])
    return text.getvalue()


def as_records(rows: Sequence[Row], groups: Groups) -> dict[str, Any]:
    """Return a model's table in what JSON knows: a list for each level, and the mean.

    Parameters
    ----------
    rows : sequence of Row
        Of `table_rows`.
    groups : Groups
        Organs, which are told with the images.
    """
    images = [
        {"name": row.name, "organ": groups.organs.get(row.name), **_ordered(row)}
        for row in _of(rows, "image")
    ]
    means = {
        f"{level}s": [
            {"name": row.name, "images": row.images, **_ordered(row)}
            for row in _of(rows, level)
        ]
        for level in ("organ", "part")
    }
    mean = next((_ordered(row) for row in _of(rows, "mean")), None)
    return {"images": images, **means, "mean": mean}


def as_markdown(rows: Iterable[tuple[str, Row]], heading: str) -> str:
    """Return rows as a Markdown table, with the number of images where it is a mean.

    Parameters
    ----------
    rows : iterable of (str, Row)
        What stands in the first column, and the row.
    heading : str
        Of the first column.
    """
    lines = [[heading, *COLUMNS.values()], ["---", *["---:"] * len(COLUMNS)]]
    for name, row in rows:
        counted = name if row.level == "image" else f"{name} ({row.images})"
        lines.append([escaped(counted), *(_cell(row, key) for key in COLUMNS)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _of(rows: Iterable[Row], level: str) -> list[Row]:
    return [row for row in rows if row.level == level]


def _ordered(row: Row) -> dict[str, float]:
    return {key: row.scores[key] for key in COLUMNS}


def _cell(row: Row, key: str) -> str:
    if key not in _COUNTS:
        return f"{row.scores[key]:.3f}"
    return f"{row.scores[key]:.{0 if row.level == 'image' else 1}f}"


def escaped(name: str) -> str:
    """Return a name as it may stand in Markdown, in a table and a link as well."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(name.splitlines()))
