"""What a checkpoint says of itself, readable without torch."""

import json
import math
import struct
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from napari_monuseg.core.errors import CheckpointError
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.learned import Learned
from napari_monuseg.core.stains import StainReference

FORMAT = "napari-monuseg model 1"
"""The mark in the header by which our files are known."""

_TEXTS = ("name", "network", "description", "parent", "data", "licence", "date")

_LARGEST_HEADER = 16 * 2**20


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """Everything needed to rebuild and describe a model.

    Parameters
    ----------
    name : str
        Short name, as the user chooses it: ``unet``.
    network : str
        Architecture, as `build_network` takes it.
    network_options : dict
        Its shape, as `build_network` takes it.
    description : str
        One line for people.
    pixel_size : float
        What the network was trained at, µm/px.
    label_shift : tuple of float
        How far down and right of the tissue the labels lie that it was taught, and
        its own with them, px.
    stains : StainReference or None
        What the stain of every image was brought towards before it was learned from,
        and is before it is segmented; None if images were taken as they are.
    instances : InstanceOptions
        The thresholds found best on validation images.
    parameters : int
        How many numbers were learned.
    parent : str
        The model this one was trained from; empty for none.
    data : str
        What it was trained on.
    licence : str
        Under which the weights may be used.
    date : str
        When the training ended, ISO 8601.
    recipe : dict
        Training options, as far as JSON holds them.
    scores : dict
        Figures on images it never saw, by name.
    history : list of dict
        What was measured while it trained.
    learned : tuple of Learned
        Reviewed areas that it was taught with, in all the rounds that led to it.
    """

    name: str
    network: str
    network_options: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    pixel_size: float = 0.25
    label_shift: tuple[float, float] = (0.0, 0.0)
    stains: StainReference | None = None
    instances: InstanceOptions = field(default_factory=InstanceOptions)
    parameters: int = 0
    parent: str = ""
    data: str = ""
    licence: str = ""
    date: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    learned: tuple[Learned, ...] = ()

    def as_metadata(self) -> dict[str, str]:
        """Return the safetensors header: text by name."""
        return {"format": FORMAT, "model": json.dumps(asdict(self), sort_keys=True)}

    def passed_on(self, taught: str) -> dict[str, Any]:
        """Give what a model that learns on from this one has from it.

        Parameters
        ----------
        taught : str
            What it learns from; empty for nothing.

        Returns
        -------
        dict
            ``data``, ``licence`` and ``learned``, as `ModelInfo` takes them.
        """
        news = "" if self.data.endswith(taught) else taught
        return {
            "data": "; ".join(filter(None, (self.data, news))),
            "licence": self.licence,
            "learned": self.learned,
        }

    def _check(self) -> None:
        """Raise `ValueError` or `TypeError` for what a header of ours never says."""
        if not _is_positive(self.pixel_size):
            raise ValueError(f"a pixel size of {self.pixel_size!r}")
        if not all(map(math.isfinite, self.label_shift)):
            raise ValueError(f"a label shift of {self.label_shift}")
        for name in _TEXTS:
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} is no text")
        if not isinstance(self.parameters, int) or not 0 <= self.parameters < 2**63:
            raise ValueError(f"{self.parameters!r} parameters")
        for name in ("network_options", "recipe", "scores"):
            if not isinstance(getattr(self, name), dict):
                raise TypeError(f"{name} of another kind")
        if not isinstance(self.history, list) or not all(map(_is_line, self.history)):
            raise TypeError("a history of another kind")

    @classmethod
    def from_metadata(cls, metadata: dict[str, str], source: str) -> "ModelInfo":
        """Read a safetensors header.

        Raises
        ------
        CheckpointError
            If it is not one of ours, or lacks what rebuilding needs.
        """
        if metadata.get("format") != FORMAT:
            raise CheckpointError(
                f"{source} is not a model of napari-monuseg: its header does not "
                f"say {FORMAT!r}."
            )
        try:
            values = json.loads(metadata["model"])
            instances = InstanceOptions.read(values.pop("instances"))
            down, right = values.pop("label_shift", (0.0, 0.0))
            stains = values.pop("stains", None)
            learned = values.pop("learned", ())
            info = cls(
                instances=instances,
                label_shift=(float(down), float(right)),
                stains=None if stains is None else StainReference.read(stains),
                learned=tuple(map(Learned.read, learned)),
                **values,
            )
            info._check()
        except (
            *(ArithmeticError, AttributeError, LookupError, RecursionError),
            *(TypeError, ValueError),
        ) as error:
            raise CheckpointError(
                f"The header of {source} is damaged ({error}); get the file again."
            ) from error
        return info


def _is_line(line: object) -> bool:
    """Tell whether something is what a history has of one moment: numbers by name."""
    return isinstance(line, dict) and all(
        isinstance(value, int | float) for value in line.values()
    )


def _is_positive(number: object) -> bool:
    return isinstance(number, int | float) and math.isfinite(number) and number > 0


def read_info(path: str | Path) -> ModelInfo:
    """Read what a checkpoint says of itself, from its header alone.

    Raises
    ------
    CheckpointError
        If the file is missing or not a model of ours.
    """
    return ModelInfo.from_metadata(_read_header(Path(path)), Path(path).name)


def _read_header(path: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file: 8 bytes of length, then JSON."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, _LARGEST_HEADER)))
        metadata = header.get("__metadata__", {})
        return {str(key): str(value) for key, value in metadata.items()}
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no model file {path}.") from error
    except OSError as error:
        raise CheckpointError(
            f"The model file {path} cannot be read: {error.strerror}."
        ) from error
    except (struct.error, ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{path.name} is not a model file: models are safetensors files that "
            "napari-monuseg wrote."
        ) from error
