"""Which organ an image shows."""

from pathlib import Path

from napari_monuseg.core.datasets import read_json
from napari_monuseg.core.errors import DatasetError
from napari_monuseg.core.registry import SHIPPED_FOLDER

MONUSEG = SHIPPED_FOLDER / "organs.json"
"""The organs of MoNuSeg's 30 training images, as published."""

_FORM = 'it must read {"NAME": "ORGAN", ...}.'


def read_organs(path: str | Path = MONUSEG) -> dict[str, str]:
    """Read the organ of each image.

    Parameters
    ----------
    path : str or Path
        JSON file: ``{"NAME": "ORGAN", ...}``; that of MoNuSeg when left out.

    Returns
    -------
    dict of str to str
        Organs by the stem of the image's file.

    Raises
    ------
    DatasetError
        If the file cannot be read or says something else.
    """
    organs = read_json(path, _FORM)
    if not isinstance(organs, dict) or not all(
        isinstance(organ, str) for organ in organs.values()
    ):
        raise DatasetError(f"{Path(path).name} names no organs; {_FORM}")
    return organs
