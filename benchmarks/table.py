"""The rows of the table, and how they are printed."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

HEADINGS = ("model", "what", "measured", "aim", "met", "how")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing measured.

    Parameters
    ----------
    what : str
        In words.
    value : float
        What was measured.
    unit : str
        Of `value`, `aim` and `must`.
    aim : float
        What it should be.
    must : float or None
        What it has to be, where that is less than the aim.
    at_least : bool
        Whether more is better.
    how : str
        What it consists of.
    model : str
        What it was measured with; empty where that does not matter.
    """

    what: str
    value: float
    unit: str
    aim: float
    must: float | None = None
    at_least: bool = False
    how: str = ""
    model: str = ""

    @property
    def met(self) -> str:
        """Say whether the aim was met."""
        if self._reaches(self.aim):
            return "yes"
        return "nearly" if self.must and self._reaches(self.must) else "NO"

    def _reaches(self, bound: float) -> bool:
        return self.value >= bound if self.at_least else self.value <= bound

    def as_dict(self) -> dict[str, Any]:
        """Give the row as JSON takes it."""
        return {**asdict(self), "met": self.met}

    def cells(self) -> tuple[str, ...]:
        """Give the row as text, cell by cell."""
        sign = "≥" if self.at_least else "≤"
        aim = f"{sign} {self.aim:g}{self.unit}"
        if self.must is not None:
            aim += f" (must {self.must:g})"
        measured = f"{self.value:.4g}{self.unit}"
        return self.model, self.what, measured, aim, self.met, self.how


def as_text(rows: Iterable[Row]) -> str:
    """Lay out a table of plain text."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )
