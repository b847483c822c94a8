"""Which files of a folder are tissue images, and which their true nuclei.

A folder may be laid out in any of these ways::

    MoNuSeg as distributed      Tissue Images/NAME.tif + Annotations/NAME.xml
    side by side                NAME.tif + NAME.xml
    labels                      images/NAME.tif + labels/NAME.tif
    annotations                 images/NAME.tif + annotations/NAME.xml

Where an image has both labels and an annotation, the labels are the truth. A truth
without an image of its name, ``NAME_nuclei`` as labels are exported, is that of NAME
where NAME has no other, an annotation neither. Upper and lower case make no
difference in folder names and endings.
"""

from pathlib import Path

from napari_monuseg.core.errors import DatasetError
from napari_monuseg.core.tiff import NAMED_BY, is_labels_file

IMAGE_ENDINGS = frozenset(
    {".tif", ".tiff", ".svs", ".ndpi", ".png", ".jpg", ".jpeg", ".jp2", ".bmp", ".webp"}
)
LABEL_ENDINGS = frozenset({".tif", ".tiff"})
ANNOTATION_ENDINGS = frozenset({".xml"})


def image_beside(folder: Path, stem: str) -> Path | None:
    """Find the image of a name in a folder, TIFF before others; None for none."""
    try:
        named = sorted(path for path in folder.iterdir() if path.stem == stem)
    except OSError:  # no such folder, or a closed one
        return None
    images = [
        path
        for path in named
        if path.suffix.lower() in IMAGE_ENDINGS and path.is_file()
    ]
    images.sort(key=lambda path: path.suffix.lower() not in {".tif", ".tiff"})
    return images[0] if images else None


def find_images(folder: Path) -> list[Path]:
    """Find the tissue images of a folder, sorted by name, as `find_files` does.

    Raises
    ------
    DatasetError
        As there, or if there is none.
    """
    images, _ = find_files(folder)
    if not images:
        raise DatasetError(
            f"{folder} has no tissue image; name one of its folders, or the images."
        )
    return list(images.values())


def find_beside(folder: Path) -> list[Path]:
    """Find the images that lie beside a folder of images, which goes before them.

    Parameters
    ----------
    folder : Path
        Laid out as the module says; with none of its own for images, there are none.

    Returns
    -------
    list of Path
        Sorted by name; without what may not be looked into.
    """
    try:
        room = _image_room(folder)
        return [] if room == folder else list(_images_in(folder).values())
    except (OSError, DatasetError):
        return []


def find_files(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Find the images and the truths of a folder.

    Parameters
    ----------
    folder : Path
        Laid out as the module says.

    Returns
    -------
    images, truths : dict of str to Path
        By the name of the image, the stem of its file, sorted.

    Raises
    ------
    DatasetError
        If there is no such folder, it may not be read, or two images have one name.
    """
    try:
        return _look_into(folder)
    except OSError as error:
        raise DatasetError(
            f"{error.filename or folder} cannot be looked into ({error.strerror}); "
            "ask for the right to, or copy it."
        ) from error


def _look_into(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}; check the path.")
    rooms = _rooms(folder)
    image_folder = _image_room(folder)
    truths = _by_name(image_folder, ANNOTATION_ENDINGS)
    if "annotations" in rooms:
        truths |= _by_name(rooms["annotations"], ANNOTATION_ENDINGS)
    if "labels" in rooms:
        truths |= _by_name(rooms["labels"], LABEL_ENDINGS)
    images = _images_in(image_folder)
    return images, _as_images_are_named(truths, images)


def _rooms(folder: Path) -> dict[str, Path]:
    return {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}


def _image_room(folder: Path) -> Path:
    rooms = _rooms(folder)
    return rooms.get("tissue images", rooms.get("images", folder))


def _images_in(folder: Path) -> dict[str, Path]:
    return _by_name(folder, IMAGE_ENDINGS, _written_here(folder))


def _as_images_are_named(
    truths: dict[str, Path], images: dict[str, Path]
) -> dict[str, Path]:
    """Let labels named as they are exported count for their image."""
    named = {}
    for stem, path in truths.items():
        name = stem.removesuffix(NAMED_BY)
        exported = stem not in images and name in images and name not in truths
        named[name if exported else stem] = path
    return dict(sorted(named.items()))


def _written_here(folder: Path) -> frozenset[str]:
    """Tell the stems of what `segment` wrote into a folder of images: no tissue."""
    named = folder.glob(f"*{NAMED_BY}.*")
    written = (path for path in named if path.suffix.lower() in LABEL_ENDINGS)
    return frozenset(path.stem for path in written if is_labels_file(path))


def _by_name(
    folder: Path, endings: frozenset[str], ours: frozenset[str] = frozenset()
) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        # macOS leaves a hidden ._NAME.tif beside each file on foreign disks.
        if path.suffix.lower() not in endings or path.name.startswith("."):
            continue
        if path.stem in ours:
            continue
        if path.stem in found:
            raise DatasetError(
                f"{folder} has both {found[path.stem].name} and {path.name}; "
                "keep one file of each name."
            )
        found[path.stem] = path
    return dict(sorted(found.items()))
