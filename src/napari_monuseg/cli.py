"""The command line: everything `core` does, without a window."""

import sys

import typer

from napari_monuseg.commands.console import fail
from napari_monuseg.commands.train import train
from napari_monuseg.core.errors import MonusegError

app = typer.Typer(
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=__doc__,
)
app.command()(train)


@app.callback(invoke_without_command=True)
def _open(context: typer.Context) -> None:
    """Open napari with the dock and a sample, unless there is something else to do."""


def main() -> None:
    """Run the command line; exit code 1 and one sentence where the user can act."""
    try:
        app()
    except MonusegError as error:
        fail(error)
        sys.exit(1)
