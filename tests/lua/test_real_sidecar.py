"""All of it together: an agent in a real wezterm-gui, a real sidecar, and the badge on the screen."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.wezterm_screen import MISSING, START_S, Gui, gui
from wa.config.paths import Paths
from wa.provision.lua import write_plugin

pytestmark = [
    pytest.mark.wezterm,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} on PATH"),
]

AGENT = Path(__file__).parents[1] / "support" / "fake_codex.py"
SIDECAR = Path(__file__).parents[2] / "sidecar"
WORKING, IDLE = "#ff01fe", "#01fef0"
CONFIG = """
local wezterm = require("wezterm")
local config = wezterm.config_builder()
config.front_end = "Software"
config.enable_wayland = false
config.use_fancy_tab_bar = false
config.check_for_updates = false
require("wa_plugin").apply_to_config(config, {
  keys = true,
  styles = { working = { glyph = "█", color = "#ff01fe" }, idle = { glyph = "█", color = "#01fef0" } },
})
return config
"""


class Home:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths = Paths.from_env({"WA_HOME": str(root / "wa")})
        self.env = {
            **os.environ,
            "WA_HOME": str(root / "wa"),
            "HOME": str(root),
            "XDG_RUNTIME_DIR": str(root / "rt"),
            "PYTHONPATH": str(SIDECAR),
        }

    def wa(self, *args: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "wa", *args, "--json"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60, cwd=self.root)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def wait(self, wanted: Callable[[], object], what: str, timeout_s: float = START_S) -> None:
        deadline = time.monotonic() + timeout_s
        while not wanted():
            assert time.monotonic() < deadline, what
            time.sleep(0.1)

    @contextmanager
    def sidecar(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.root / "sidecar.out").open("ab") as out:
            command = [sys.executable, "-m", "wa", "watch"]
            process = subprocess.Popen(command, env=self.env, stdout=out, stderr=out, cwd=self.root)
            try:
                self.wait(self.paths.socket.exists, "the sidecar does not start")
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)


@contextmanager
def agent_in_gui(root: Path) -> Iterator[tuple[Home, Gui]]:
    home = Home(root)
    folder = root / "config" / "wezterm"
    os.environ["WA_HOME"] = home.env["WA_HOME"]
    try:
        write_plugin(folder, home.paths)
    finally:
        del os.environ["WA_HOME"]
    (folder / "wezterm.lua").write_text(CONFIG, encoding="utf-8")
    (root / "work").mkdir()
    agent = f"exec -a codex {sys.executable} {AGENT} {root}/work 4"
    with gui(root, [shutil.which("bash") or "bash", "-c", agent]) as shown:
        yield home, shown


def titles(shown: Gui) -> list[str]:
    """Of all tabs; none while the GUI does not listen yet."""
    try:
        return [pane["tab_title"] for pane in json.loads(shown.cli("list", "--format", "json"))]
    except subprocess.CalledProcessError:
        return []


def test_what_an_agent_does_is_seen_in_its_tab(tmp_path: Path) -> None:
    """Idle, then working, then idle; the user's title stays; it is given back when the sidecar stops."""
    with agent_in_gui(tmp_path) as (home, shown):
        home.wait(lambda: titles(shown), "the GUI does not start")
        shown.cli("set-tab-title", "--pane-id", "0", "my build")
        with home.sidecar():
            shown.wait_for(IDLE, timeout_s=START_S)
            assert home.wa("send", "0", "hello")["ok"]
            shown.wait_for(WORKING)
            shown.wait_for(IDLE)
            (title,) = titles(shown)
            assert title.startswith("\u2063wa1:idle=1")
            assert title.endswith("my build")

        assert titles(shown) == ["my build"]
        assert not shown.picture().has(IDLE)


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="needs xdotool on PATH")
def test_a_key_pauses_automation_in_the_pane(tmp_path: Path) -> None:
    """CTRL+SHIFT+ALT+P, pressed in the window, as a person does."""
    with agent_in_gui(tmp_path) as (home, shown), home.sidecar():
        shown.wait_for(IDLE, timeout_s=START_S)
        env = {**os.environ, "DISPLAY": shown.display}
        window = subprocess.check_output(
            ["xdotool", "search", "--onlyvisible", "--class", "wezterm"], env=env, text=True
        )
        subprocess.run(["xdotool", "windowfocus", "--sync", window.split()[0]], env=env, check=True, timeout=20)
        subprocess.run(["xdotool", "key", "ctrl+shift+alt+p"], env=env, check=True, timeout=20)
        home.wait(lambda: any("paused=1" in title for title in titles(shown)), "nothing is paused")
