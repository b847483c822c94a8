"""Files: written whole or not at all, and read or refused in one sentence."""

from __future__ import annotations

import os
import secrets
import stat
import struct
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_monuseg.core.errors import ExportError, ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

# What decoders have been seen to raise on damaged files.
_DECODER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


@contextmanager
def write_beside(path: str | Path) -> Iterator[Path]:
    """Write a file under another name in its folder, then rename it.

    Whoever reads `path` finds the old file or the new one, never half of it. A
    link is followed: its target is replaced, with the rights that it has. Folders are
    not created.

    Parameters
    ----------
    path : str or Path
        File to write or replace.

    Yields
    ------
    Path
        The temporary name, with the same ending; removed if anything fails.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    # A letter has up to four bytes, and 255 bytes is what most disks allow.
    beside = target.with_name(
        f".{target.stem[:50]}-{secrets.token_hex(4)}{target.suffix}"
    )
    try:
        yield beside
        _flush(beside)
        if os.name == "posix":
            with suppress(OSError):  # there is none yet, or the disk knows no rights
                beside.chmod(stat.S_IMODE(target.stat().st_mode))
        beside.replace(target)
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written ({error.strerror or error}): make sure that its "
            "folder exists, can be written to and has space left."
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Wait until a file is on the disk: a rename must not overtake its content."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn whatever a decoder raises on a bad file into a sentence.

    Raises
    ------
    ImageError
        If the file is missing, cannot be opened, or is damaged.
    """
    name = Path(path).name
    try:
        yield
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {path}; check its name.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{path} is a folder; choose an image file in it.") from error
    except PermissionError as error:
        raise ImageError(
            f"{name} may not be read; ask for the right to, or copy it."
        ) from error
    except MemoryError as error:
        raise ImageError(
            f"{name} does not fit into memory: it is damaged, or one of its parts is "
            "too large; export it as a tiled TIFF."
        ) from error
    except Exception as error:
        if not isinstance(error, _decoder_errors()):
            raise
        raise ImageError(
            f"{name} cannot be read ({_reason(error)}): it is damaged, cut short or of "
            "an unknown kind; get the file again, or save it anew as TIFF."
        ) from error


def _decoder_errors() -> tuple[type[Exception], ...]:
    from tifffile import TiffFileError  # not needed until something is wrong

    # Until 2026 it was no ValueError.
    return OSError, *_DECODER_ERRORS, TiffFileError


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:120] or type(error).__name__
