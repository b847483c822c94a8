"""``python -m napari_monuseg`` is ``napari-monuseg``."""

from napari_monuseg.cli import main

main()
