"""The plugin in a real wezterm-gui: events by the real emitter, and badges on a real screen."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.event_listener import Listener, listening
from support.wezterm_screen import MISSING, START_S, Gui, gui
from wa.config.paths import Paths
from wa.protocol import sidecar_wire as wire
from wa.provision.lua import write_plugin

pytestmark = [
    pytest.mark.wezterm,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} on PATH"),
]

WAITING, IDLE = "#ff01fe", "#01fef0"
MARK = "\u2063"
CONFIG = """
local wezterm = require("wezterm")
local config = wezterm.config_builder()
config.front_end = "Software"
config.enable_wayland = false
config.use_fancy_tab_bar = false
config.check_for_updates = false
config.audible_bell = "Disabled"
config.window_close_confirmation = "NeverPrompt"
%s
require("wa_plugin").apply_to_config(config, {
  window_title = true,
  %s
  styles = { waiting = { glyph = "█", color = "#ff01fe" }, idle = { glyph = "█", color = "#01fef0" } },
})
return config
"""


class Desk:
    """A GUI whose first pane prints what is written to `say`, and a sidecar's socket that hears it."""

    def __init__(self, shown: Gui, listener: Listener, fifo: Path, config: Path) -> None:
        self.gui = shown
        self.listener = listener
        self.config = config
        self._fifo = fifo

    def say(self, data: bytes) -> None:
        with self._fifo.open("wb") as pipe:
            pipe.write(data)

    def set_var(self, name: str, value: bytes) -> None:
        self.say(b"\x1b]1337;SetUserVar=" + name.encode() + b"=" + base64.b64encode(value) + b"\x07")

    def told(self) -> list[dict[str, Any]]:
        """What came by the socket, and what was spooled because a busy machine took longer than the emitter may wait."""
        spool = self.gui.root / "wa" / "state" / "spool"
        return [*self.listener.messages, *(wire.FrameReader().feed(spool.read_bytes()) if spool.exists() else ())]

    def wait(self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not any(map(wanted, self.told())):
            assert time.monotonic() < deadline, self.told()[-3:]
            time.sleep(0.002)

    def values(self) -> list[str]:
        return list(dict.fromkeys(str(m["value"]) for m in self.told() if m["name"] == "var"))

    def drawing(self) -> None:
        self.wait(lambda m: m["name"] == "hello" and m["badges"] is True, START_S)


@contextmanager
def desk(root: Path, before: str = "", opts: str = "") -> Iterator[Desk]:
    paths = Paths.from_env({"WA_HOME": str(root / "wa")})
    folder = root / "config" / "wezterm"
    write_plugin(folder, paths)
    (folder / "wezterm.lua").write_text(CONFIG % (before, opts), encoding="utf-8")
    fifo = root / "fifo"
    os.mkfifo(fifo)
    # Held open at both ends, so that `cat` never sees an end.
    command = ["/bin/sh", "-c", f"exec cat <>'{fifo}'"]
    with listening(paths.socket) as listener, gui(root, command) as shown:
        at = Desk(shown, listener, fifo, folder / "wezterm.lua")
        at.wait(lambda m: bool(m.get("opened")), START_S)
        yield at


def complaints(root: Path) -> list[str]:
    """What WezTerm logged of Lua and of events, the one line of ours aside."""
    lines = (root / "gui.log").read_text(errors="replace").splitlines()
    words = ("lua", "event", "format-", "Lua")
    return [
        line for line in lines if any(word in line for word in words) and "wa: events are kept for later" not in line
    ]


def keep(picture_of: Gui, name: str, tmp_path: Path) -> Path:
    folder = Path(os.environ.get("WA_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    picture_of.picture().save(folder / name)
    return folder / name


def test_what_a_pane_says_is_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Start, panes and announcement; then variables, at once; and a flood of bells that keeps none of them waiting."""
    with desk(tmp_path) as at:
        at.drawing()
        hello = [m for m in at.told() if m["name"] == "hello"][-1]
        assert (hello["gui"], hello["server"]) == (at.gui.pid, False)

        took = []
        for n in range(30):
            began = time.time()
            at.set_var("WA_CMD", f"t=0123456789abcdef;n={n};c=x".encode())
            at.wait(lambda m, n=n: f";n={n};" in str(m.get("value")))  # type: ignore[misc]
            took += [
                (came - began) * 1000
                for m, came in zip(list(at.listener.messages), list(at.listener.came), strict=False)
                if f";n={n};" in str(m.get("value"))
            ]
            time.sleep(0.15)  # As far apart as a person's commands: faster ones are told in batches.
        took.sort()
        with capsys.disabled():
            middle, most = took[len(took) // 2], took[int(len(took) * 0.95)]
            print(
                f"\nOSC 1337 in a pane → frame at the socket, {len(took)} of 30: p50 {middle:.1f} ms, p95 {most:.1f} ms"
            )

        at.set_var("WA_CMD", b"x" * 1_000_000)
        at.set_var("OTHER", b"secret")
        at.say(b"\x07" * 10_000)
        at.set_var("WA_DONE", b"end")
        at.wait(lambda m: m.get("value") == "end")
        assert "secret" not in at.values()
        assert 8192 < max(map(len, at.values())) <= 8196
        assert 1 <= sum(m["name"] == "bell" for m in at.told()) < 100
    assert complaints(tmp_path) == []


def test_a_marker_is_drawn_and_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In its colour, before the user's title; another one when it changes; none when it goes; also after reloads."""
    with desk(tmp_path) as at:
        at.drawing()
        assert not at.gui.picture().has(WAITING)
        at.gui.cli("set-tab-title", "--pane-id", "0", f"{MARK}wa1:waiting=2{MARK}my build")
        at.gui.wait_for(WAITING)
        kept = keep(at.gui, "badge.png", tmp_path)
        with capsys.disabled():
            print(f"\nscreenshot: {kept}")

        for round_ in range(3):
            at.config.write_text(at.config.read_text() + f"\n-- {round_}\n")
            at.gui.cli("set-tab-title", "--pane-id", "0", f"{MARK}wa1:idle=1{MARK}my build")
            at.gui.wait_for(IDLE)
            at.gui.cli("set-tab-title", "--pane-id", "0", f"{MARK}wa1:waiting=1{MARK}my build")
            at.gui.wait_for(WAITING)
        at.gui.cli("set-tab-title", "--pane-id", "0", "my build")
        at.gui.wait_for(WAITING, shown=False)
        at.set_var("WA_DONE", b"after the reloads")
        at.wait(lambda m: m.get("value") == "after the reloads")

        assert len({m["key"] for m in at.told() if m.get("value") == "after the reloads"}) == 1
        opened = {m["key"]: m["opened"] for m in at.told() if "opened" in m}
        assert [place["pane_id"] for places in opened.values() for place in places] == [0]
    assert complaints(tmp_path) == []


def test_a_marker_of_a_panes_title_is_not_drawn(tmp_path: Path) -> None:
    """A program writes the titles of its pane."""
    with desk(tmp_path) as at:
        at.drawing()
        at.say(f"\x1b]2;{MARK}wa1:waiting=9{MARK}hello\x07".encode())
        at.set_var("WA_DONE", b"end")
        at.wait(lambda m: m.get("value") == "end")

        assert not at.gui.picture().has(WAITING)


def test_a_handler_of_the_users_before_ours_is_noticed(tmp_path: Path) -> None:
    """WezTerm asks only the first: then the plugin says that it does not draw."""
    with desk(tmp_path, "wezterm.on('format-tab-title', function(tab) return tab.tab_title end)") as at:
        at.wait(lambda m: m["name"] == "hello", START_S)

        assert {m["badges"] for m in at.told() if m["name"] == "hello"} == {False}


def test_without_a_sidecar_the_gui_is_not_held_up(tmp_path: Path) -> None:
    """Nobody listens: titles are drawn, a flood of bells and variables passes, and the log has one line."""
    with desk(tmp_path) as at:
        at.drawing()
        at.listener.close()
        (tmp_path / "wa" / "run" / "sidecar.sock").unlink()
        flood = threading.Thread(target=at.say, args=(b"\x07" * 2000,))
        flood.start()
        for n in range(50):
            at.set_var("WA_CMD", f"n={n}".encode())
        flood.join(20)
        at.gui.cli("set-tab-title", "--pane-id", "0", f"{MARK}wa1:waiting=1{MARK}x")
        at.gui.wait_for(WAITING)

        assert at.gui.process.poll() is None
        assert (tmp_path / "gui.log").read_text(errors="replace").count("wa: events are kept") <= 1


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="needs xdotool on PATH")
def test_a_key_jumps_to_the_tab_that_waits(tmp_path: Path) -> None:
    """From the last of three tabs to the first; the window's title counts who waits."""
    with desk(tmp_path, opts="keys = true, palette = true,") as at:
        at.drawing()
        for _ in range(2):
            at.gui.cli("spawn", "--pane-id", "0", "--", "cat")
        at.gui.cli("set-tab-title", "--pane-id", "0", f"{MARK}wa1:waiting=1{MARK}first")
        at.gui.wait_for(WAITING)
        env = {**os.environ, "DISPLAY": at.gui.display}

        def press(*args: str) -> str:
            return subprocess.run(
                ["xdotool", *args], env=env, capture_output=True, text=True, check=True, timeout=20
            ).stdout

        def focused() -> int | None:
            clients = json.loads(at.gui.cli("list-clients", "--format", "json"))
            return next((one["focused_pane_id"] for one in clients if one["focused_pane_id"] is not None), None)

        window = press("search", "--onlyvisible", "--class", "wezterm").split()[0]
        press("windowfocus", "--sync", window)
        at.wait(lambda m: m["name"] == "focus" and m["focused"])
        deadline = time.monotonic() + 20
        while not press("getwindowname", window).startswith("█1  [3/3] cat"):
            assert time.monotonic() < deadline, press("getwindowname", window)
            time.sleep(0.05)
        press("key", "ctrl+shift+alt+j")
        deadline = time.monotonic() + 20
        while focused() != 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert complaints(tmp_path) == []
