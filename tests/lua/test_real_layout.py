"""The layout in a real wezterm-gui: its windows, its colours on the screen, and nothing to complain of in the log."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.wezterm_screen import MISSING, START_S, Gui, gui
from wa.config.paths import Paths
from wa.provision.lua import write_plugin

NEEDED = [*MISSING, *(name for name in ("wezterm-mux-server", "xdotool") if shutil.which(name) is None)]
pytestmark = [
    pytest.mark.wezterm,
    pytest.mark.skipif(bool(NEEDED), reason=f"needs {', '.join(NEEDED)} on PATH"),
]
BADGE = "#ff01fe"
CONFIG = """
local wezterm = require("wezterm")
local config = wezterm.config_builder()
config.front_end = "Software"
config.enable_wayland = false
config.use_fancy_tab_bar = false
config.check_for_updates = false
config.audible_bell = "Disabled"
config.window_close_confirmation = "NeverPrompt"
config.default_prog = { "cat" }
config.color_schemes = { theirs = { background = "#01fef0" }, usual = { background = "#203040" } }
config.color_scheme = "usual"
config.unix_domains = {
  { name = "full", socket_path = "%(root)s/full/rt/wezterm/sock", no_serve_automatically = true },
  { name = "empty", socket_path = "%(root)s/empty/rt/wezterm/sock", no_serve_automatically = true },
  { name = "down", socket_path = "%(root)s/nowhere/sock", no_serve_automatically = true },
}
require("wa_plugin").apply_to_config(config, { layout = {
  startup = { tabs = 2, domains = { "down", "empty", "full" } },
  looks = { full = { scheme = "theirs", color = "%(badge)s", text = "█████" } },
  keys = { domains = { "full", "empty" } },
} })
return config
"""


def until(wanted: Callable[[], Any], timeout_s: float = START_S) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := wanted()):
        assert time.monotonic() < deadline, "it has not come"
        time.sleep(0.05)
    return found


class Host:
    """A wezterm-mux-server of its own, which stands in for one on another machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "rt").mkdir(parents=True, mode=0o700)
        (root / "wezterm.lua").write_text("return { default_prog = { 'cat' } }")
        self.env = {"PATH": os.environ["PATH"], "HOME": str(root), "XDG_RUNTIME_DIR": str(root / "rt")}
        self.env["WEZTERM_CONFIG_FILE"] = str(root / "wezterm.lua")

    def cli(self, *args: str) -> str:
        command = ["wezterm", "cli", "--no-auto-start", "--prefer-mux", *args]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout if done.returncode == 0 else ""

    def panes(self) -> list[dict[str, Any]]:
        return list(json.loads(self.cli("list", "--format", "json") or "[]"))

    @contextmanager
    def running(self) -> Iterator[None]:
        with (self.root / "log").open("wb") as log:
            server = subprocess.Popen(["wezterm-mux-server"], env=self.env, stdout=log, stderr=log, cwd=self.root)
            try:
                until(self.panes)
                yield
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(10)


@contextmanager
def desk(root: Path) -> Iterator[tuple[Gui, Host, Host]]:
    full, empty = Host(root / "full"), Host(root / "empty")
    folder = root / "config" / "wezterm"
    write_plugin(folder, Paths.from_env({"WA_HOME": str(root / "wa")}))
    (folder / "wezterm.lua").write_text(CONFIG % {"root": root, "badge": BADGE})
    with full.running(), empty.running():
        full.cli("spawn", "--pane-id", str(full.panes()[0]["pane_id"]), "--", "cat")
        empty.cli("kill-pane", "--pane-id", str(empty.panes()[0]["pane_id"]))
        until(lambda: not empty.panes())
        with gui(root, None) as shown:
            yield shown, full, empty


def shown_panes(at: Gui) -> list[dict[str, Any]]:
    """Without those of WezTerm's own in which it says why a host cannot be reached."""
    try:
        found = json.loads(at.cli("list", "--format", "json"))
        return [one for one in found if not one["title"].startswith("wezterm: ")]
    except subprocess.SubprocessError:
        return []


def raise_one_with(at: Gui, colour: str) -> None:
    """There is no window manager: each window in turn, until one shows it."""
    env = {**os.environ, "DISPLAY": at.display}

    def tool(*args: str) -> list[str]:
        return subprocess.run(["xdotool", *args], env=env, capture_output=True, text=True, check=True).stdout.split()

    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        for window in tool("search", "--onlyvisible", "--class", "wezterm"):
            tool("windowraise", window, "windowfocus", "--sync", window)
            try:
                at.wait_for(colour, timeout_s=1.5)
            except TimeoutError:
                continue
            return
    raise TimeoutError(f"no window shows {colour}")


def test_a_start_opens_the_windows_and_paints_them(tmp_path: Path) -> None:
    """Two tabs here; what runs on the full host; two new tabs on the empty one; the host that is down stops nothing."""
    with desk(tmp_path) as (at, full, empty):
        until(lambda: len(shown_panes(at)) == 6)
        windows: dict[int, int] = {}
        for pane in shown_panes(at):
            windows[pane["window_id"]] = windows.get(pane["window_id"], 0) + 1

        assert sorted(windows.values()) == [2, 2, 2]
        assert (len(full.panes()), len(empty.panes())) == (2, 2)
        raise_one_with(at, BADGE)
        # Its window has the focus now.
        at.wait_for("#01fef0")
    log = (tmp_path / "gui.log").read_text(errors="replace")
    lines = [line for line in log.splitlines() if "WARN" in line or "ERROR" in line]
    assert [line for line in lines if "the domain down is not attached" in line]
    mine = [line for line in lines if "lua" in line.lower() and "events are kept for later" not in line]
    assert len(mine) == 1, mine
