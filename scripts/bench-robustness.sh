#!/usr/bin/env bash
# Measure what other stains, blur, compression and 20× cost.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
.venv/bin/python benchmarks/robustness.py "${MONUSEG:-../shared/monuseg}" "$@"
