"""Run a program that measures something in a process of its own."""

import json
import subprocess
import sys
from typing import Any


class MeasurementError(Exception):
    """Something could not be measured."""


def report_of(program: str, *arguments: object) -> dict[str, Any]:
    """Run a program and give the JSON it prints last.

    Raises
    ------
    MeasurementError
        If it fails; what it has to say is on stderr already.
    """
    command = [sys.executable, program, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise MeasurementError(f"{' '.join(command)} ended with {done.returncode}.")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report
