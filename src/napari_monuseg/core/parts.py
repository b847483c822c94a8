"""The images of a folder that are meant: all, or parts of a split."""

from pathlib import Path

from napari_monuseg.core.datasets import Sample, find_samples, read_split, select
from napari_monuseg.core.errors import DatasetError


def read_parts(
    split: Path | None, parts: list[str] | None
) -> dict[str, list[str]] | None:
    """Return parts of a split with the stems of their images.

    Parameters
    ----------
    split : Path or None
        As `read_split` takes it.
    parts : list of str or None
        Which parts; all of them when left out.

    Returns
    -------
    dict or None
        None without a split.

    Raises
    ------
    DatasetError
        If the split cannot be read, is not given, has no such part, or names no
        image in any of them.
    """
    if split is None:
        if parts:
            raise DatasetError("A --part needs the --split file it is named in.")
        return None
    named = read_split(split)
    unknown = sorted(set(parts or []) - named.keys())
    if unknown:
        raise DatasetError(
            f"{split.name} has no part {unknown[0]!r}; it has {', '.join(named)}."
        )
    chosen = {part: named[part] for part in parts or named}
    if not any(chosen.values()):
        raise DatasetError(
            f"{split.name} names no image in {', '.join(chosen) or 'any part'}; name "
            "one at least."
        )
    return chosen


def choose_samples(folder: Path, parts: dict[str, list[str]] | None) -> list[Sample]:
    """Return the samples of a folder that parts name; all of them without parts.

    Raises
    ------
    DatasetError
        If the folder cannot be read, or lacks an image.
    """
    samples = find_samples(folder)
    if parts is None:
        return samples
    return select(samples, [stem for stems in parts.values() for stem in stems])
