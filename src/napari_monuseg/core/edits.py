"""A change of a few pixels of labels, before it is made."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_monuseg.core.boxes import Window
from napari_monuseg.core.separation import Labels


@dataclass(frozen=True, kw_only=True, eq=False)
class Edit:
    """A few pixels of a labels image and what they become.

    Parameters
    ----------
    rows, columns : (n,) int64
        The pixels that change.
    values : (n,) int32
        Their new labels, each other than the one before.
    done : str
        What was done, for the user.
    """

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    values: npt.NDArray[np.int32]
    done: str

    def apply(self, labels: Labels) -> Labels:
        """Give a copy of labels ``(H, W)`` with the edit made."""
        edited = labels.copy()
        edited[self.rows, self.columns] = self.values
        return edited


def edit_of(labels: Labels, windows: list[tuple[Window, Labels]], done: str) -> Edit:
    """Gather the pixels that differ from what stands in some windows.

    Parameters
    ----------
    labels : (H, W) int32
        Nuclei, left as they are.
    windows : list of (Window, (h, w) int32)
        What is to stand where.
    done : str
        What was done, for the user.
    """
    rows, columns, values = [], [], []
    for window, new in windows:
        row, column = np.nonzero(new != labels[window])
        values.append(new[row, column].astype(np.int32))
        rows.append(row + window[0].start)
        columns.append(column + window[1].start)
    return Edit(
        rows=np.concatenate(rows),
        columns=np.concatenate(columns),
        values=np.concatenate(values),
        done=done,
    )
