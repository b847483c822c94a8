"""The model to segment with, and a line that describes it."""

from collections.abc import Callable
from weakref import WeakMethod

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_monuseg.core import registry
from napari_monuseg.core.model_info import ModelInfo
from napari_monuseg.docks.choice import Choice
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.note import Note

NETWORKS = {"unet": "UNet", "segnet": "SegNet", "deeplabv3plus": "DeepLabV3+"}


class ModelChoice(QWidget):
    """The models there are; new ones appear at once.

    Parameters
    ----------
    lifetime : Lifetime
        Of the dock.
    """

    changed = Signal()

    def __init__(self, lifetime: Lifetime) -> None:
        super().__init__()
        self.choice = Choice("No model is installed")
        self.note = Note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.choice)
        column.addWidget(self.note)
        self.choice.currentIndexChanged.connect(self._on_chosen)
        lifetime.add(registry.subscribe(_weakly(self._refresh)))
        self._refresh()

    @property
    def value(self) -> registry.ModelEntry | None:
        """The chosen model; None if none is installed."""
        path = self.choice.value
        return next((entry for entry in self._models if entry.path == path), None)

    def choose(self, name: str) -> None:
        """Choose a model by its name, if it is there."""
        named = (entry.path for entry in self._models if entry.name == name)
        self.choice.value = next(named, None)

    def _refresh(self) -> None:
        # By path: an entry read again is not the entry that was chosen.
        self._models = registry.list_models()
        if self.choice.value is not None:
            self.choice.follow(registry.renamed(self.choice.value))
        self.choice.offer((entry.name, entry.path) for entry in self._models)
        self._on_chosen()

    def _on_chosen(self) -> None:
        model = self.value
        remedy = f"Put a model (.safetensors) into {registry.user_folder()}"
        self.note.setText(describe(model.info) if model else remedy)
        self.changed.emit()


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """Let the registry not keep a dock alive that nobody else holds."""
    reference = WeakMethod(method)

    def call() -> None:
        alive = reference()
        if alive is not None:
            alive()

    return call


def describe(info: ModelInfo) -> str:
    """Say in two lines what a model is."""
    headline = info.description or NETWORKS.get(info.network, info.network)
    facts = [f"{info.pixel_size:g} µm/px"]
    if info.parameters:
        facts.append(f"{info.parameters / 1e6:.1f} M parameters")
    return f"{headline}\n{' · '.join(facts)}"
