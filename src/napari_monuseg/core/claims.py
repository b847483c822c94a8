"""Files that one process works on and others are to leave alone.

A claim is a lock of the operating system on a file beside the one that is claimed, so
that it ends with the process, however that ends.
"""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

ENDING = ".lock"

PATIENCE = 0.2
"""Others hold a lock for a moment when they look whether it is held, s."""

GLANCE = 0.02
"""The same, where nothing depends on the answer but what is offered, s."""

_NO_LOCKS = (OSError, NotImplementedError)
"""Some network disks have none, and some folders may not be written to."""

_claims: dict[Path, FileLock] = {}
"""Those of this process."""


def claim(path: Path) -> bool:
    """Claim a file, which need not exist; False if it is claimed already.

    Where nothing can be locked, the claim holds in this process only.
    """
    if path in _claims:
        return False
    lock = _lock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        return False
    except _NO_LOCKS:
        with suppress(*_NO_LOCKS):
            _lock_file(path).unlink(missing_ok=True)
    _claims[path] = lock
    return True


def release(path: Path) -> None:
    """Give up a claim, if there is one."""
    lock = _claims.pop(path, None)
    if lock is not None and lock.is_locked:
        with suppress(*_NO_LOCKS):
            _lock_file(path).unlink(missing_ok=True)
        lock.release()


def is_claimed(path: Path) -> bool:
    """Tell whether this process or another one has claimed a file.

    A window waits for the answer, for each file that another one works on.
    """
    if path in _claims:
        return True
    if not _lock_file(path).exists():
        return False
    lock = _lock(path)
    try:
        lock.acquire(timeout=GLANCE, poll_interval=GLANCE / 2)
    except Timeout:
        return True
    except _NO_LOCKS:
        return False
    with suppress(*_NO_LOCKS):
        _lock_file(path).unlink(missing_ok=True)  # a crash has left it
    lock.release()
    return False


def sweep(folder: Path) -> None:
    """Delete what claims a crash has left in a folder."""
    for left in folder.glob(f"*{ENDING}"):
        is_claimed(left.with_name(left.name.removesuffix(ENDING)))


def _lock_file(path: Path) -> Path:
    return path.with_name(path.name + ENDING)


def _lock(path: Path) -> FileLock:
    return FileLock(_lock_file(path), timeout=PATIENCE)
