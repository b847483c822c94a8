#!/usr/bin/env bash
# Run the tests: make test PYTEST_ARGS='tests/core -k "tiff or scores"'
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
source scripts/display.sh

eval "set -- ${PYTEST_ARGS:-} \"\$@\"" # eval, so that quotes in it count
with_display .venv/bin/python -m pytest "$@"
