#!/usr/bin/env bash
# Run the tests: make test PYTEST_ARGS='tests/core -k "tiff or scores"'
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh

# A process per core, each with a screen of its own (pytest-xvfb) and one thread:
# torch's threads would wait for each other. Four at most: each loads torch.
export OMP_NUM_THREADS=1
if [ "$(uname)" = Linux ]; then
  # Qt's offscreen platform, often preset where there is no screen, has no OpenGL.
  export QT_QPA_PLATFORM=xcb
fi

eval "set -- ${PYTEST_ARGS:-} \"\$@\"" # eval, so that quotes in it count
.venv/bin/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile "$@"
