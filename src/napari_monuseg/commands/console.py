"""What all sub-commands share: progress bars, and errors on stderr."""

import sys
from collections.abc import Generator
from typing import Any, TextIO, TypeVar

import typer

from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.progress import Progress

Result = TypeVar("Result")


def run_with_bar(
    steps: Generator[Progress, None, Result], title: str, log: TextIO | None = None
) -> Result:
    """Run a job to its end with a progress bar on stderr.

    Reports, which are steps of no known length, are written to `log`. A job does not
    end because its log cannot be written any more.
    """
    with typer.progressbar(length=1000, label=title, file=sys.stderr) as bar:
        while True:
            try:
                step = next(steps)
            except StopIteration as finished:
                _advance(bar, 1000)
                result: Result = finished.value
                return result
            if step.total:
                bar.label = f"{title}: {step.message}"[:60]
                _advance(bar, round(1000 * step.done / step.total))
            elif log is not None and not _written(step.message, log):
                log = None


def _written(line: str, log: TextIO) -> bool:
    try:
        log.write(f"{line}\n")
        log.flush()
    except OSError as error:
        fail(f"The log cannot be written any more ({error.strerror}).")
        return False
    return True


def _advance(bar: Any, position: int) -> None:
    bar.pos = min(bar.pos, position)  # A new part of the job: the bar starts again.
    bar.update(position - bar.pos)


def fail(error: MonusegError | str) -> None:
    """Say on stderr, in one sentence, what went wrong."""
    typer.echo(f"napari-monuseg: {error}", err=True)
