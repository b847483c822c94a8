"""Counts the nuclei of results again, one after the other, after every change."""

from collections.abc import Callable

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_monuseg.docks.known_results import KnownResults
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.newest import NewestJob
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.segment_steps import Counted, count
from napari_monuseg.jobs import Steps

PAUSE = 300
"""Nuclei are counted when nothing was edited for so long, ms."""


class Recount:
    """Owes every changed result a count, and begins with the one that is looked at.

    Parameters
    ----------
    parent : QWidget
        With which the timer goes.
    lifetime : Lifetime
        Of the dock; nothing is counted after it.
    results : KnownResults
        All that the dock has.
    counted : callable
        Called with a result and its `Counted`, which the result knows by then.
    """

    def __init__(
        self,
        parent: QWidget,
        lifetime: Lifetime,
        results: KnownResults,
        counted: Callable[[Result, Counted], object],
    ) -> None:
        self._results = results
        self._counted = counted
        self._owed: list[Result] = []
        self._at: Result | None = None
        self._first: Result | None = None
        self._job = NewestJob(self._count, self._on_counted)
        self._pause = QTimer(parent)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._on_pause)
        lifetime.add(self._end)
        lifetime.add(self._forget_effort)  # nobody counts from then on

    def follow(self, result: Result | None) -> None:
        """Count a result, and from now on before all others; None to prefer none.

        What is being counted meanwhile is counted later.
        """
        self._owe_unfinished()
        self._at = None
        self._job.cancel()
        self._pause.stop()
        self._first = result
        if result is not None:
            self._owe(result)
        if self._owed:
            self._pause.start()

    def edited(self, result: Result) -> None:
        """Count a result whose nuclei were edited."""
        result.note_effort(None)
        self._owe(result)
        self._pause.start()

    def ask(self) -> None:
        """Count all results: what is reviewed may be another by now."""
        self._forget_effort()
        self._owe(*self._results)
        self._pause.start()

    def _end(self) -> None:
        """Count no more, whatever is asked for while the dock goes."""
        self._owed = []
        self._job.cancel()
        self._pause.timeout.disconnect(self._on_pause)
        self._pause.stop()

    def _forget_effort(self) -> None:
        """Let nobody take for right what is still to be counted."""
        for result in self._results:
            result.note_effort(None)

    def _owe(self, *results: Result) -> None:
        """Remember what is to be counted."""
        self._owed += [one for one in results if one not in self._owed]
        # What has no layer any more is not to be kept alive.
        self._owed = [one for one in self._owed if one in self._results]

    def _owe_unfinished(self) -> None:
        """Remember what is being counted: what is wished for next may end that."""
        self._owe(*([] if self._at is None else [self._at]))

    def _on_pause(self) -> None:
        self._owe_unfinished()
        if self._owed:
            self._job.ask(self._next())

    def _next(self) -> Result:
        """Give what is looked at, if it is owed a count, else what waits longest."""
        return self._first if self._first in self._owed else self._owed[0]

    def _count(self, result: Result) -> Steps:
        # From now on, an edit asks for another count.
        self._owed = [one for one in self._owed if one is not result]
        self._at = result
        return count(result.snapshot())

    def _on_counted(self, result: Result, counted: Counted | None) -> None:
        self._at = None
        if counted is not None and result not in self._owed:
            result.count = counted.nuclei
            result.learn(counted.hand)
            result.note_effort(counted.corrected)
            self._counted(result, counted)
        if self._owed:
            self._job.ask_again(self._next())
