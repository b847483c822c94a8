#!/usr/bin/env bash
# Measure the networks of the project this one grew from, under our protocol.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
.venv/bin/python benchmarks/baselines.py "${MONUSEG:-../shared/monuseg}" "$@"
