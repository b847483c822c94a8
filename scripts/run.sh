#!/usr/bin/env bash
# Open napari with the dock and a sample; without a display, press Run in it and
# leave a picture and the labels in out/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
source scripts/display.sh

if has_display; then
  exec .venv/bin/napari-monuseg
fi
with_display .venv/bin/python scripts/demo.py --output out
