"""The device to run on; another process looks which there are, as torch is slow."""

import json
import sys

from qtpy.QtCore import QProcess

from napari_monuseg.docks.choice import Choice
from napari_monuseg.docks.lifetime import Lifetime

PROGRAM = (sys.executable, "-m", "napari_monuseg.core.devices")

_found: list[tuple[str, str]] = []
"""Name and description of the devices, once they are known."""


class DeviceChoice(Choice):
    """The devices of this machine, and ``auto`` for the fastest.

    Parameters
    ----------
    lifetime : Lifetime
        Of the dock.
    """

    def __init__(self, lifetime: Lifetime) -> None:
        super().__init__()
        self._process = QProcess()
        lifetime.add(self._stop)
        if _found:
            self._offer(_found)
            return
        self.offer([("Auto (looking…)", "auto")])
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_finished)
        self._process.start(PROGRAM[0], list(PROGRAM[1:]))

    def _on_finished(self, *_: object) -> None:
        try:
            lines = self._process.readAllStandardOutput().data().splitlines()
        except RuntimeError:  # Qt deletes it, as Python ends
            return
        try:
            answer = json.loads(lines[-1]) if lines else []  # torch may say things
        except ValueError:
            answer = []
        _found[:] = [(device["name"], device["description"]) for device in answer]
        self._offer(_found)

    def _offer(self, devices: list[tuple[str, str]]) -> None:
        # If none was named, the run itself will say what is wrong with torch.
        best = f"Auto: {devices[0][1]}" if devices else "Auto"
        self.offer([(best, "auto")] + [(words, name) for name, words in devices])

    def _stop(self) -> None:
        self._process.blockSignals(True)
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.kill()
            self._process.waitForFinished(1000)
