#!/usr/bin/env bash
# Measure speed, memory and the window's responsiveness.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
source scripts/display.sh

with_display .venv/bin/python benchmarks/speed.py "$@"
