"""What `wa setup local` writes runs in a real wezterm-gui and wezterm-mux-server: windows, badges, events, and no complaint."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.event_listener import listening
from support.ssh_hosts import SSHD, ssh_hosts
from support.wezterm_hosts import Host, raise_one_with, shown_panes, until
from support.wezterm_screen import MISSING, START_S, gui
from wa.config.paths import Paths

NEEDED = [*MISSING, *(name for name in ("wezterm-mux-server", "xdotool") if shutil.which(name) is None)]
pytestmark = [
    pytest.mark.wezterm,
    pytest.mark.skipif(bool(NEEDED), reason=f"needs {', '.join(NEEDED)} on PATH"),
]
MARK = "\u2063"
LIME = "#01fe02"
"""Of the triangle of an agent that works: no emoji, which have colours of their own."""
THEIRS = "#1a1b26"
"""The background of Tokyo Night, which the first domain gets."""
USERS = """-- mine
local wezterm = require("wezterm")
local c = wezterm.config_builder()
c.front_end = "Software"
c.enable_wayland = false
c.use_fancy_tab_bar = false
c.check_for_updates = false
c.audible_bell = "Disabled"
c.window_close_confirmation = "NeverPrompt"
c.default_prog = {{ "cat" }}
c.colors = {{ brights = {{ "#808080", "#ff0000", "{lime}", "#ffff00", "#0000ff", "#ff00ff", "#00ffff", "#ffffff" }} }}
c.unix_domains = {{ {{ name = "host", socket_path = "{root}/host/rt/wezterm/sock", no_serve_automatically = true }} }}
return c
"""


def environment(root: Path) -> dict[str, str]:
    """That of the GUI in support/wezterm_screen.py."""
    (root / "rt").mkdir(mode=0o700, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(root),
        "XDG_RUNTIME_DIR": str(root / "rt"),
        "XDG_CONFIG_HOME": str(root / "config"),
        "XDG_DATA_HOME": str(root / "data"),
        "XDG_CACHE_HOME": str(root / "cache"),
    }


def set_up(root: Path, *words: str) -> None:
    command = [sys.executable, "-P", "-m", "wa", "setup", "local", "--yes", "--no-shell", "--no-service", *words]
    done = subprocess.run(command, env=environment(root), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_generated_configuration_works_in_a_real_gui(tmp_path: Path) -> None:
    """A window of this machine and one of the host at the start; a badge is drawn; what panes say arrives."""
    folder = tmp_path / "config" / "wezterm"
    folder.mkdir(parents=True)
    (folder / "wezterm.lua").write_text(USERS.format(root=tmp_path, lime=LIME))
    set_up(tmp_path, "--tabs", "2", "--colours")
    paths = Paths.from_env(environment(tmp_path))
    paths.ensure()
    host = Host(tmp_path / "host")
    with host.running(), listening(paths.socket) as listener, gui(tmp_path, None) as at:
        until(lambda: len(shown_panes(at)) == 3)
        until(lambda: any(one["name"] == "hello" and one["badges"] for one in listener.messages))
        local = next(one for one in shown_panes(at) if one["pane_id"] == 0)
        at.cli("set-tab-title", "--pane-id", str(local["pane_id"]), f"{MARK}wa1:working=1{MARK}mine")
        raise_one_with(at, LIME)
        raise_one_with(at, THEIRS)
        until(lambda: {"focus", "topology"} <= {one["name"] for one in listener.messages})
        until(
            lambda: "host" in {place["domain"] for one in listener.named("topology") for place in one.get("opened", ())}
        )
    log = (tmp_path / "gui.log").read_text(errors="replace")
    words = ("lua", "event", "wa:")
    lines = [line for line in log.splitlines() if any(word in line for word in words)]
    # A busy machine may take longer than the emitter waits.
    assert [line for line in lines if "events are kept for later" not in line] == []


def test_the_generated_configuration_works_in_a_real_server(tmp_path: Path) -> None:
    """Which has no window system: the layout asks for none of it."""
    folder = tmp_path / "config" / "wezterm"
    folder.mkdir(parents=True)
    (folder / "wezterm.lua").write_text(USERS.format(root=tmp_path, lime=LIME))
    set_up(tmp_path, "--colours", "--startup", "--keys")
    paths = Paths.from_env(environment(tmp_path))
    paths.ensure()
    log = tmp_path / "log"
    with listening(paths.socket) as listener, log.open("wb") as file:
        server = subprocess.Popen(
            ["wezterm-mux-server"], env=environment(tmp_path), stdout=file, stderr=file, cwd=tmp_path
        )
        try:
            deadline = time.monotonic() + START_S
            while not listener.named("hello"):
                assert time.monotonic() < deadline
                assert server.poll() is None
                time.sleep(0.02)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(10)
    assert [line for line in log.read_text().splitlines() if "ERROR" in line or "lua" in line] == []


@pytest.mark.ssh
@pytest.mark.skipif(SSHD is None, reason="needs sshd")
def test_a_domain_that_it_made_reaches_a_host_over_ssh(tmp_path: Path) -> None:
    """Address, port, user and key are right: at the start a window shows what runs there, in its colours."""
    folder = tmp_path / "config" / "wezterm"
    folder.mkdir(parents=True)
    (folder / "wezterm.lua").write_text(USERS.format(root=tmp_path, lime=LIME).replace("c.unix_domains", "local _"))
    with ssh_hosts() as (hosts, add):
        host = add("trj")
        for name in ("wezterm", "wezterm-mux-server"):
            (host.bin / name).symlink_to(str(shutil.which(name)))
        (tmp_path / ".ssh").mkdir(mode=0o700)
        (tmp_path / ".ssh" / "config").write_text(hosts.config.read_text())
        log = (tmp_path / "host.log").open("wb")
        with log, subprocess.Popen(["wezterm-mux-server"], env=host.env(), stdout=log, stderr=log) as server:
            try:
                until(lambda: host.list_panes().returncode == 0)
                set_up(tmp_path, "--domains", "trj", "--tabs", "1", "--colours")
                text = (folder / "wezterm.lua").read_text()
                assert f'remote_address = "127.0.0.1:{host.port}"' in text
                assert "identityfile" in text
                with gui(tmp_path, None) as at:
                    until(lambda: len(shown_panes(at)) == 2)
                    raise_one_with(at, THEIRS)
                assert host.list_panes().stdout.count(b"\n") == 2
            finally:
                server.terminate()
    complaints = (tmp_path / "gui.log").read_text(errors="replace")
    assert "is not attached" not in complaints
