"""``napari-monuseg models``: which models there are."""

import typer

from napari_monuseg.core.registry import ModelEntry, list_models, user_folder


def models() -> None:
    """List the models: those that ship, and your own."""
    entries = list_models()
    for entry in entries:
        typer.echo(_line(entry))
    typer.echo(f"Your own models are kept in {user_folder()}", err=True)


def _line(entry: ModelEntry) -> str:
    info = entry.info
    origin = "shipped" if entry.shipped else "own"
    return (
        f"{entry.name:<20} {origin:<8} {info.parameters / 1e6:5.1f} M  "
        f"{info.date:<11} {info.licence or 'no licence stated'}  {info.description}"
    )
