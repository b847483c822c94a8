"""Segment nuclei in H&E tissue, in napari and from the command line."""

__version__ = "0.1.0"
