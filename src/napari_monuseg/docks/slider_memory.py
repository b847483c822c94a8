"""Where the sliders were left with each model: its next run begins there."""

from dataclasses import asdict

from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.docks.rereading import Rereading
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.sliders import InstanceSliders


class SliderMemory:
    """Remembers, by the name of a model, sliders that somebody moved.

    Parameters
    ----------
    sliders : InstanceSliders
        Of the dock.
    reading : Rereading
        What moves of theirs ask for.
    """

    def __init__(self, sliders: InstanceSliders, reading: Rereading) -> None:
        self._sliders = sliders
        self._reading = reading
        self._left: dict[str, InstanceOptions] = {}

    def leave(
        self, result: Result, options: InstanceOptions, own: InstanceOptions | None
    ) -> None:
        """Remember where the sliders stand, unless that is the model's own place."""
        if own is not None and self._sliders.stand_at(own):
            self._left.pop(result.model_name, None)
        else:
            self._left[result.model_name] = options

    def options_for(
        self, model: ModelEntry, current: Result | None
    ) -> dict[str, float]:
        """Give where the sliders were left with a model; nothing for its own settings.

        What was taken up says nothing of sliders.

        Parameters
        ----------
        model : ModelEntry
            That is to run.
        current : Result, optional
            The one that the sliders show.
        """
        if current is not None and _says_where(current, model):
            if not (self._reading.busy or self._sliders.held):
                current.follow_undo()
                self._sliders.value = current.options
            own = current.own_options or model.info.instances
            self.leave(current, self._sliders.value, own)
        left = self._left.get(model.name)
        return {} if left is None else asdict(left)


def _says_where(result: Result, model: ModelEntry) -> bool:
    """Tell whether a result is of a model's run, here or before it was restored."""
    of_a_run = result.maps is not None or result.restored is not None
    return of_a_run and result.model_name == model.name
