"""The command line: everything `core` does, without a window."""

import errno
import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from napari_monuseg import __version__
from napari_monuseg.commands.console import fail
from napari_monuseg.commands.evaluate import evaluate
from napari_monuseg.commands.finetune import finetune
from napari_monuseg.commands.models import models
from napari_monuseg.commands.segment import segment
from napari_monuseg.commands.train import train
from napari_monuseg.core.devices import is_out_of_memory
from napari_monuseg.core.errors import MonusegError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Segment nuclei in H&E tissue. Without a command, napari opens.",
)
for command in (segment, evaluate, train, finetune, models):
    app.command()(command)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"napari-monuseg {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _open(
    context: typer.Context,
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Tell the version."
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        from napari_monuseg.commands.window import open_window

        open_window()


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
"""What the system says where a disk takes no more."""


def _explain(error: MemoryError | OSError | RuntimeError) -> str:
    """Say what the system refused; nothing of what is a mistake of the program."""
    if isinstance(error, RuntimeError):
        lacking = is_out_of_memory(error)
    else:
        lacking = isinstance(error, MemoryError) or error.errno == errno.ENOMEM
    if lacking:
        return (
            "There is not enough memory; close other programs, or take smaller images, "
            "crops or batches."
        )
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return (
            f"{error.filename or 'What was to be said'} cannot be written "
            f"({error.strerror})."
        )
    return ""


def _drop_output() -> None:
    """Forget what could not be said, or Python would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the command line; exit code 1 and one sentence where the user can act."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # not every encoding has every letter
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except MonusegError as error:
        fail(error)
    except PermissionError as error:
        fail(f"{error.filename} may not be read or written; ask for the right to.")
    except (MemoryError, OSError, RuntimeError) as error:
        sentence = _explain(error)
        if not sentence:
            raise
        fail(sentence)
        _drop_output()
    else:
        return
    sys.exit(1)
