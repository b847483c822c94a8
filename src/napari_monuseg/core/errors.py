"""Errors the user can act on, each one full sentence with its remedy.

::

    MonusegError
    ├── ImageError        an image cannot be read or is not tissue
    ├── AnnotationError   truth labels or polygons cannot be read
    ├── DatasetError      a folder holds no images with truth
    ├── CheckpointError   a model file is missing, foreign or broken
    ├── DeviceError       a device is missing or its memory is too small
    ├── TrainingError     training cannot start or go on
    ├── CorrectionError   a nucleus cannot be corrected as asked
    ├── AutosaveError     saved corrections cannot be read
    └── ExportError       a file cannot be written

Anything else that is raised is a bug. None of these subclasses `RuntimeError`,
which napari's generator workers drop in silence.
"""


class MonusegError(Exception):
    """Something the user can put right; the message says how."""


class ImageError(MonusegError):
    """An image cannot be read or is not RGB tissue."""


class AnnotationError(MonusegError):
    """Truth labels or polygons cannot be read."""


class DatasetError(MonusegError):
    """A folder holds no images with truth."""


class CheckpointError(MonusegError):
    """A model file is missing, foreign or broken."""


class DeviceError(MonusegError):
    """A device is missing or its memory is too small."""


class TrainingError(MonusegError):
    """Training cannot start or go on."""


class CorrectionError(MonusegError):
    """A nucleus cannot be corrected as asked."""


class AutosaveError(MonusegError):
    """Saved corrections cannot be read."""


class ExportError(MonusegError):
    """A file cannot be written."""
