"""What all sub-commands share: progress bars, and errors on stderr."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, TypeVar

import typer

from napari_monuseg.core.errors import ExportError, MonusegError
from napari_monuseg.core.progress import Progress, Report

Result = TypeVar("Result")

STOPPED = 130
"""Exit code of what Ctrl-C stopped, as shells have it."""

WAITING = b"\nStopping after this step; Ctrl-C again does not wait.\n"


class StoppedError(Exception):
    """Somebody stopped a job between two steps."""


@contextmanager
def stop_between_steps() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C wait for the end of a step, so that a job can keep what it has.

    Yields what tells whether it was pressed. The first says that it waits, a second
    does not wait, and where it is ignored, as in the background of a shell, it stays
    so.
    """
    pressed = threading.Event()

    def wait_for_step(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        pressed.set()
        with suppress(OSError, ValueError):
            # Past Python's own stream, in which the bar may be writing just now.
            os.write(sys.stderr.fileno(), WAITING)

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, wait_for_step)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def run_with_bar(
    steps: Generator[Progress, None, Result],
    title: str,
    log: "Log | None" = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Result:
    """Run a job to its end with a progress bar on stderr.

    Every `Report` is written to `log`. If the job is `stopped`, it is closed after a
    step and a `StoppedError` raised.
    """
    with typer.progressbar(length=1000, label=title, file=sys.stderr) as bar:
        while True:
            if stopped():
                steps.close()
                raise StoppedError
            try:
                step = next(steps)
            except StopIteration as finished:
                _advance(bar, 1000)
                result: Result = finished.value
                return result
            if isinstance(step, Report):
                if log is not None:
                    log.write(step.message)
            elif step.total:
                bar.label = f"{title}: {step.message}"[:60]
                _advance(bar, round(1000 * step.done / step.total))


class Log:
    """A file of lines; a job does not end because it cannot be written any more.

    Parameters
    ----------
    path : Path
        Where; what it says already may be somebody else's.
    anew : bool
        Whether that goes once there is a first line, or `begin` is called.

    Raises
    ------
    ExportError
        If it cannot be written at all.
    """

    def __init__(self, path: Path, *, anew: bool) -> None:
        try:
            self._file: TextIO | None = path.open("a", encoding="utf-8")
        except OSError as error:
            raise ExportError(
                f"The log {path} cannot be written ({error.strerror}): make sure that "
                "its folder may be written to."
            ) from error
        self._anew = anew

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def begin(self) -> None:
        """Forget what it said before, if it is to begin anew and has not yet."""
        if self._file is not None and self._anew:
            with suppress(OSError):  # a device, say, has nothing to forget
                self._file.truncate(0)
        self._anew = False

    def write(self, line: str) -> None:
        """Add a line."""
        self.begin()
        if self._file is None:
            return
        try:
            self._file.write(f"{line}\n")
            self._file.flush()
        except OSError as error:
            fail(f"The log cannot be written any more ({error.strerror}).")
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # of what could not be written it says so again
                file.close()


def _advance(bar: Any, position: int) -> None:
    bar.pos = min(bar.pos, position)  # A new part of the job: the bar starts again.
    bar.update(position - bar.pos)


def counted(number: int, thing: str) -> str:
    """Say how many things there are."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def say_trained(output: Path, steps: int, minutes: float) -> None:
    """Say what was written, and what it took."""
    typer.echo(f"{output}: {counted(steps, 'step')} in {minutes:.1f} minutes")


def fail(error: MonusegError | str) -> None:
    """Say on stderr, in one sentence, what went wrong."""
    typer.echo(f"napari-monuseg: {error}", err=True)
