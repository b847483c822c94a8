#!/usr/bin/env bash
# Bring .venv to what pyproject.toml asks for; nothing to do, nothing done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/packages.sh

stamp=.venv/monuseg-installed
# An editable install points at this folder and at the Python that made it.
wanted="$(cksum <pyproject.toml) $PWD"
if [ -f "$stamp" ] && [ "$(<"$stamp")" = "$wanted" ] && .venv/bin/python -c "" 2>/dev/null; then
  exit 0
fi

python=${PYTHON:-python3}
if ! "$python" -c "import sys; sys.exit(sys.version_info < (3, 10))"; then
  echo "napari-monuseg needs Python 3.10 or newer: install it, or name it with" \
    "PYTHON=/path/to/python3 make run." >&2
  exit 1
fi

echo "Setting up .venv (once; several minutes and about 6 GB with PyTorch)." >&2
.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
rm -f "$stamp"
pip=(.venv/bin/python -m pip --no-input)
"${pip[@]}" install --upgrade "pip>=25.1" >&2 # older ones know no --group
"${pip[@]}" install --editable ".[all]" --group dev >&2
printf '%s\n' "$wanted" >"$stamp"
