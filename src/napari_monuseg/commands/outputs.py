"""What a command writes after long work, and what appeared there meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from napari_monuseg.core.claims import claim, is_claimed, release
from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.folders import is_there


@contextmanager
def claimed(path: Path, making: Path) -> Iterator[None]:
    """Keep other runs away from a file.

    Parameters
    ----------
    path : Path
        Of the file, which need not be there.
    making : Path
        What it is needed for.

    Raises
    ------
    ExportError
        If another run has claimed it.
    """
    path = path.resolve()
    if not claim(path):
        raise _claimed_by_another(making)
    try:
        yield
    finally:
        release(path)


def refuse_claimed(path: Path, making: Path) -> None:
    """Refuse, before any work, what `claimed` would refuse.

    Raises
    ------
    ExportError
        If another run has claimed the file.
    """
    if is_claimed(path.resolve()):
        raise _claimed_by_another(making)


def _claimed_by_another(making: Path) -> ExportError:
    return ExportError(
        f"Another run is making {making}; wait for it, or give another name."
    )


def save_model(output: Path, save: Callable[[Path], None], *, overwrite: bool) -> str:
    """Save a model, but not over one that somebody put there while it was made.

    Parameters
    ----------
    output : Path
        Where it is to be.
    save : callable
        Writes it to the path that it is given.
    overwrite : bool
        Whether what is there may be replaced.

    Returns
    -------
    str
        A sentence, if it was saved under another name; else nothing.
    """
    if overwrite or not is_there(output):
        save(output)
        return ""
    others = (output.with_stem(f"{output.stem}-{number}") for number in count(2))
    path = next(other for other in others if not is_there(other))
    save(path)
    return (
        f"{output} appeared while this ran and stays as it is; the new model is {path}."
    )
