#!/usr/bin/env bash
# Install the Debian packages that Qt, OpenGL and a virtual display need.
# Systems without apt bring their own, and are left alone.
set -euo pipefail

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || exit 0

packages=(
  make git python3-venv
  xvfb xauth xdotool
  libglib2.0-0 libfontconfig1 libdbus-1-3
  libegl1 libgl1 libopengl0 libgl1-mesa-dri
  libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
  libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0
)

# Debian 13 renamed some libraries: libglib2.0-0 is libglib2.0-0t64 there.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' \
  "${packages[@]}" "${packages[@]/%/t64}" 2>/dev/null |
  sed -n 's/\(t64\)\{0,1\} installed$//p' || true)

missing=()
for package in "${packages[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  echo "These Debian packages are missing, and installing them needs root:" \
    "run 'sudo apt-get install ${missing[*]}' and try again." >&2
  exit 1
fi

echo "Installing Debian packages: ${missing[*]}" >&2
apt_get() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" >&2; }
apt_get update -q
apt_get install -y -q --no-install-recommends "${missing[@]}"
