"""What long work says of itself while it runs."""

from dataclasses import dataclass


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
