"""Which images a benchmark runs on, as its command line says."""

import argparse
from pathlib import Path

from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.parts import choose_samples, read_parts
from napari_monuseg.core.pixel_sizes import read_pixel_sizes, tell_pixel_sizes


def parser_of_images(description: str | None) -> argparse.ArgumentParser:
    """Return a parser for a folder of images and, if wanted, parts of a split of it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path, help="images with their true nuclei")
    parser.add_argument("--split", type=Path, help="JSON: stems of images by part")
    parser.add_argument("--part", nargs="+", action="extend", help="of the split")
    return parser


def chosen_samples(options: argparse.Namespace) -> list[Sample]:
    """Return the samples that were asked for, MoNuSeg's with their pixel sizes.

    Raises
    ------
    DatasetError
        If the folder or the split cannot be read, or something in them is missing.
    """
    samples = choose_samples(options.folder, read_parts(options.split, options.part))
    return tell_pixel_sizes(samples, read_pixel_sizes())
