"""Measure speed, memory and the window's responsiveness: ``make bench``.

Every row compares two things of one run, or something with what it must not
exceed. The models that ship are measured, or those that are named.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from apart import MeasurementError
from import_time import LIMIT_MS, import_time_ms
from memory import can_measure, memory_row
from network import tiling_row, time_model
from table import Row, as_text
from window import window_rows

from napari_monuseg.core.devices import pick_device
from napari_monuseg.core.errors import CheckpointError, MonusegError
from napari_monuseg.core.registry import ModelEntry, find_model, list_models


def main() -> int:
    """Print the table; 0 unless there is nothing to measure."""
    options = _options()
    try:
        models = [find_model(name) for name in options.model] or shipped_models()
    except MonusegError as error:
        print(error, file=sys.stderr)
        return 1
    rows = []
    for row in measure(models, options):
        print(f"{row.model} {row.what}: {row.cells()[2]}", file=sys.stderr, flush=True)
        rows.append(row)
    print(f"\n{pick_device('auto').description}\n")
    print(as_text(rows))
    if options.json:
        report = [row.as_dict() for row in rows]
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", nargs="+", default=[], metavar="NAME", help="instead of all shipped"
    )
    parser.add_argument("--rounds", type=int, default=7, help="of each timing")
    parser.add_argument(
        "--skip-large", action="store_true", help="no 10,000 × 10,000 px"
    )
    parser.add_argument(
        "--skip-window", action="store_true", help="nothing that needs a screen"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the rows there"
    )
    return parser.parse_args()


def shipped_models() -> list[ModelEntry]:
    """Give the models that ship.

    Raises
    ------
    CheckpointError
        If none does.
    """
    models = list_models()
    shipped = [model for model in models if model.shipped]
    if not shipped:
        own = ", ".join(model.name for model in models) or "there is none yet"
        raise CheckpointError(
            "No model lies in weights/; name one of your own with --model NAME "
            f"({own})."
        )
    return shipped


def measure(models: list[ModelEntry], options: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows as they are measured; what cannot be measured is left out."""
    timings = [time_model(model, options.rounds) for model in models]
    for timing in timings:
        yield from timing.rows()
    for model in models:
        yield tiling_row(model)
    fastest = models[min(range(len(models)), key=lambda one: timings[one].ours)]
    if not options.skip_large and can_measure():
        yield from apart(lambda: [memory_row(fastest)])
    if not options.skip_window:  # the same with every model but for the network's time
        yield from apart(partial(window_rows, models[0]))
    yield Row(
        what="start of napari, added by the plugin",
        value=import_time_ms(),
        unit=" ms",
        aim=LIMIT_MS,
    )


def apart(rows: Callable[[], list[Row]]) -> list[Row]:
    """Give the rows of a process of its own; none if it fails, and say so."""
    try:
        return rows()
    except MeasurementError as error:
        print(error, file=sys.stderr)
        return []


if __name__ == "__main__":
    sys.exit(main())
