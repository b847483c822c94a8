"""What long work says of itself while it runs."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One step of a long job.

    Parameters
    ----------
    message : str
        What is being done, in the user's words.
    done, total : int
        Steps done and steps in all; `total` 0 when unknown.
    """

    message: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class Report(Progress):
    """A line of what a training measured, for its log."""


def finish(steps: Generator[Progress, None, Result]) -> Result:
    """Run a long job to its end and return its result."""
    try:
        while True:
            next(steps)
    except StopIteration as finished:
        result: Result = finished.value
        return result
