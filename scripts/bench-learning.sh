#!/usr/bin/env bash
# Measure what correcting a quarter of an image is worth on the rest of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
.venv/bin/python benchmarks/learning.py "${MONUSEG:-../shared/monuseg}" "$@"
