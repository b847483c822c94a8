"""Runs a job for the newest wish only."""

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

from napari_monuseg.jobs import JobSlot, Steps

PATIENCE = 0.25
"""An outdated job that has run for less is let finish, so that a slider held in
motion shows something; one that has run longer is cancelled, s."""


class NewestJob:
    """A job that follows a wish that changes faster than it can be fulfilled.

    Parameters
    ----------
    steps : callable
        Gives the job that fulfils a wish.
    show : callable
        Called with a wish and what came of it.
    """

    def __init__(
        self, steps: Callable[[Any], Steps], show: Callable[[Any, Any], None]
    ) -> None:
        self._steps = steps
        self._show = show
        self._slot = JobSlot()
        self._wishes: list[Any] = []
        self._begun = 0.0

    @property
    def busy(self) -> bool:
        """Whether a wish is still to be fulfilled."""
        return self._slot.busy

    def ask(self, wish: Any) -> None:
        """Wish for something else than before."""
        self._wishes = [wish]
        if not self._slot.busy or monotonic() - self._begun > PATIENCE:
            self._start()

    def ask_again(self, wish: Any) -> None:
        """Wish, from `show`, for the same once more, unless there is a newer wish."""
        self._wishes = self._wishes or [wish]

    def cancel(self) -> None:
        """Wish for nothing."""
        self._wishes = []
        self._slot.cancel()

    def _start(self) -> None:
        if not self._wishes:
            return
        wish = self._wishes.pop()
        self._begun = monotonic()
        self._slot.start(
            self._steps(wish),
            returned=partial(self._show, wish),
            finished=self._start,
        )
