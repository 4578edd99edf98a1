"""Multiplexers of their own that stand in for hosts, and what a real GUI shows of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.wezterm_screen import START_S, Gui


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


def press(at: Gui, key: str) -> None:
    """In the window that has the focus."""
    env = {**os.environ, "DISPLAY": at.display}
    subprocess.run(["xdotool", "key", key], env=env, check=True, timeout=20)


def focused(at: Gui) -> int | None:
    """The pane that has the GUI's focus."""
    clients = json.loads(at.cli("list-clients", "--format", "json"))
    return next((one["focused_pane_id"] for one in clients if one["focused_pane_id"] is not None), None)
