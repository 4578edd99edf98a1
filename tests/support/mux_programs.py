"""`wezterm-mux-server` and `wezterm` in a folder of their own: the real ones where they are on PATH, else the embedded mux."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "sidecar"
REAL = shutil.which("wezterm-mux-server"), shutil.which("wezterm")
IS_REAL = None not in REAL

_SERVER = """#!/bin/sh
# Stands in for wezterm-mux-server: in the foreground, or with --daemonize on its own; refuses what that refuses.
run="$XDG_RUNTIME_DIR"; [ -n "$run" ] || run="$HOME/.local/share"
mkdir -p "$run/wezterm" && chmod 700 "$run/wezterm"
export PYTHONPATH={sources}
daemonize=
for word; do
    case $word in
        --daemonize) daemonize=1 ;;
        *) echo "error: unexpected argument '$word' found" >&2; exit 2 ;;
    esac
done
rm -f "$run/wezterm/sock"
set -- {python} -m wa.embedded --socket "$run/wezterm/sock" --no-pane
[ -n "$daemonize" ] || exec "$@"
setsid "$@" </dev/null >>"$run/wezterm/log" 2>&1 &
echo $! >"$run/wezterm/pid"
"""

_CLI = """#!/bin/sh
if [ "$1" = --version ]; then echo "wezterm 20240203-110809-5046fc22"; exit 0; fi
run="$XDG_RUNTIME_DIR"; [ -n "$run" ] || run="$HOME/.local/share"
export PYTHONPATH={sources} WEZTERM_UNIX_SOCKET="${{WEZTERM_UNIX_SOCKET:-$run/wezterm/sock}}"
for word; do last=$word; done
[ "$last" != proxy ] || exec {python} {relay} "$WEZTERM_UNIX_SOCKET"
exec {python} -m wa.embedded.cli "$@"
"""


def install_mux(folder: Path) -> None:
    """Put both programs into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    if IS_REAL:
        for program in REAL:
            assert program is not None
            (folder / Path(program).name).symlink_to(program)
        return
    relay = Path(__file__).parents[1] / "wezterm" / "relay.py"
    for name, script in (("wezterm-mux-server", _SERVER), ("wezterm", _CLI)):
        path = folder / name
        path.write_text(script.format(sources=SOURCES, python=sys.executable, relay=relay))
        path.chmod(0o755)


def clean_env(home: Path, run: Path, programs: Path) -> dict[str, str]:
    """What a user's manager gives its services."""
    return {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(run),
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "SHELL": "/bin/sh",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }
