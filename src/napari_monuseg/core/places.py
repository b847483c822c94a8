"""Few pixels of a large image, as positions in it flattened."""

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.separation import connected_components

Places = npt.NDArray[np.int64]


def close_up(
    pixels: Places, shape: tuple[int, int]
) -> tuple[tuple[Places, Places], tuple[int, int]]:
    """Give where pixels lie in the smallest window that has them all, and its shape.

    Parameters
    ----------
    pixels : (n,) int64
        As positions in a flattened image; one at least.
    shape : tuple of int
        Height and width of that, px.

    Returns
    -------
    places : tuple of (n,) int64
        Rows and columns.
    shape : tuple of int
        Height and width of the window, px.
    """
    rows, columns = np.unravel_index(pixels, shape)
    rows, columns = rows - rows.min(), columns - columns.min()
    return (rows, columns), (int(rows.max()) + 1, int(columns.max()) + 1)


def regions(pixels: Places, shape: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Give the 4-connected region that each of some pixels lies in.

    Parameters
    ----------
    pixels : (n,) int64
        As positions in a flattened image.
    shape : tuple of int
        Height and width of that, px.

    Returns
    -------
    (n,) int32
        The regions' numbers, from 1.
    """
    if not pixels.size:
        return np.zeros(0, np.int32)
    places, window = close_up(pixels, shape)
    mask = np.zeros(window, bool)
    mask[places] = True
    numbers: npt.NDArray[np.int32] = connected_components(mask)[places]
    return numbers
