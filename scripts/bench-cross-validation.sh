#!/usr/bin/env bash
# Score each network on images it never saw, each image once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
.venv/bin/python benchmarks/cross_validation.py "${MONUSEG:-../shared/monuseg}" "$@"
