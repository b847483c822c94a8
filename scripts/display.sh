# Sourced: with_display COMMAND... runs it on a screen, a virtual one if need be.

has_display() {
  [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]
}

with_display() {
  if has_display; then
    "$@"
  else
    # Qt's offscreen platform, often preset where there is no screen, has no OpenGL.
    QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1600x1000x24" "$@"
  fi
}
