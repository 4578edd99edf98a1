"""Badges in a real wezterm-mux-server, and in a second one that shows its tabs as a GUI would and writes titles back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.flow_stage import command
from support.gui import Gui, gui, hello, tell
from support.sidecar import Home, eventually
from wa.protocol.badges import marked, own_title, taken_apart

SERVER, WEZTERM = shutil.which("wezterm-mux-server"), shutil.which("wezterm")
pytestmark = pytest.mark.skipif(not (SERVER and WEZTERM), reason="no wezterm-mux-server and wezterm on PATH")
IDLE = {"idle": 1}
GO_ROUND_S = 1.5


class Mux:
    """A server with a home of its own. *shows*: the socket of another, whose tabs it mirrors as a GUI's domain does."""

    def __init__(self, folder: Path, *, shows: Path | None = None) -> None:
        folder.mkdir(mode=0o700)
        self.socket = folder / "sock"
        config = folder / "wezterm.lua"
        domains = [f"{{name='own', socket_path='{self.socket}'}}"]
        attach = ""
        if shows is not None:
            # By the proxy: a server listens at the socket of each domain that it knows.
            words = ["/usr/bin/env", f"WEZTERM_UNIX_SOCKET={shows}", str(WEZTERM), "cli", "--no-auto-start", "proxy"]
            argv = ", ".join(f"'{word}'" for word in words)
            domains.append(f"{{name='other', socket_path='{folder}/unused', proxy_command={{{argv}}}}}")
            attach = "require('wezterm').on('mux-startup', function() require('wezterm').mux.get_domain('other'):attach() end)"
        config.write_text(
            f"{attach}\nreturn {{ default_domain = 'local', unix_domains = {{ {', '.join(domains)} }} }}\n"
        )
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "SHELL": "/bin/sh"}
        self.env = env | {"WEZTERM_UNIX_SOCKET": str(self.socket), "LANG": "C.UTF-8"}
        argv_of_server = [str(SERVER), "--config-file", str(config), "--cwd", str(folder)]
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen(argv_of_server, env=env, stdout=self._log, stderr=self._log)
        eventually(self.socket.exists)

    def cli(self, *words: str) -> str:
        argv = [str(WEZTERM), "cli", "--no-auto-start", *words]
        return subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=30, check=True).stdout

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()


@contextmanager
def mux(folder: Path, *, shows: Path | None = None) -> Iterator[Mux]:
    made = Mux(folder, shows=shows)
    try:
        yield made
    finally:
        made.close()


def agent_tab(server: Mux, tmp_path: Path, seen: Gui) -> int:
    """An agent's pane, in a tab of its own."""
    from wa.protocol import mux as p

    work = tmp_path / "agent"
    work.mkdir()
    pane = int(server.cli("spawn", "--new-window", "--", "/bin/bash", "-c", command(work, 0.3)))
    return next(one.tab_id for one in p.panes_of(seen.call(p.ListPanes())) if one.pane_id == pane)


def at_rest(*seen: Gui, within_s: float = 10.0) -> None:
    """Nobody is told of another title for a while."""

    def quiet() -> bool:
        before = [len(one.told) for one in seen]
        time.sleep(GO_ROUND_S)
        return [len(one.told) for one in seen] == before

    eventually(quiet, within_s)


def test_a_real_mux_shows_states_and_keeps_what_its_user_writes(tmp_path):
    """Renames by the command line in the middle of changing states are all the user's in the end."""
    with mux(tmp_path / "m") as server, gui(server.socket, pid=server.process.pid) as seen:
        tab = agent_tab(server, tmp_path, seen)
        home = Home(tmp_path / "home")
        with home.sidecar("--socket", f"m={server.socket}"):
            uid = eventually(lambda: next((u for u, one in home.panes().items() if one["state"] == "idle"), None))
            tell(home.paths.socket, hello(seen.pid))
            seen.wait_for(tab, marked(IDLE, ""))
            for number in range(6):
                home.ask("send", pane=uid, text=f"go on {number}")
                server.cli("set-tab-title", "--tab-id", str(tab), f"mine {number}")
                eventually(lambda: home.panes()[uid]["state"] == "idle")
                seen.wait_for(tab, marked(IDLE, f"mine {number}"))
            assert {own_title(title) for _, of, title in seen.told if of == tab} <= {
                "",
                *(f"mine {n}" for n in range(6)),
            }
        seen.wait_for(tab, "mine 5", within_s=3)


def test_titles_do_not_go_round_between_a_mux_and_who_shows_it(tmp_path):
    """States change and titles are written while the one that shows them hangs: when it goes on, each title comes to rest."""
    with (
        mux(tmp_path / "m") as server,
        mux(tmp_path / "g", shows=server.socket) as shower,
        gui(server.socket, registers=False) as seen,
        gui(shower.socket, pid=shower.process.pid) as mirror,
    ):
        tab = agent_tab(server, tmp_path, seen)
        home = Home(tmp_path / "home")
        with home.sidecar("--socket", f"m={server.socket}", "--socket", f"g={shower.socket}"):
            uid = eventually(lambda: next((u for u, one in home.panes().items() if one["state"] == "idle"), None))
            tell(home.paths.socket, hello(shower.process.pid))
            seen.wait_for(tab, marked(IDLE, ""))
            eventually(lambda: marked(IDLE, "") in mirror.titles.values())
            at_rest(seen, mirror)  # a rename that crosses a title on its way begins a ring by itself
            seen.rename(tab, "mine")
            seen.wait_for(tab, marked(IDLE, "mine"))
            eventually(lambda: marked(IDLE, "mine") in mirror.titles.values())
            at_rest(seen, mirror)
            os.kill(shower.process.pid, signal.SIGSTOP)
            try:
                for number in range(3):
                    home.ask("send", pane=uid, text=f"go on {number}")
                    eventually(lambda: home.panes()[uid]["state"] == "working")
                    eventually(lambda: home.panes()[uid]["state"] == "idle")
            finally:
                os.kill(shower.process.pid, signal.SIGCONT)
            at_rest(seen, mirror)
            assert seen.titles[tab] == marked(IDLE, "mine")
            assert marked(IDLE, "mine") in mirror.titles.values()
            mirrored = next(of for of, title in mirror.titles.items() if title == marked(IDLE, "mine"))
            mirror.rename(mirrored, "renamed there")
            seen.wait_for(tab, marked(IDLE, "renamed there"))
            at_rest(seen, mirror)
        eventually(lambda: seen.titles[tab] == "renamed there" == mirror.titles[mirrored])
        at_rest(seen, mirror)
        assert not any(taken_apart(title).marker for title in seen.titles.values())


def test_titles_that_go_round_without_wa_are_named_and_left_alone(tmp_path):
    """Two renames at once while the one that shows the tab hangs: WezTerm never gets over that by itself."""
    with (
        mux(tmp_path / "m") as server,
        mux(tmp_path / "g", shows=server.socket) as shower,
        gui(server.socket, registers=False) as seen,
    ):
        tab = agent_tab(server, tmp_path, seen)
        home = Home(tmp_path / "home")
        with home.sidecar("--socket", f"m={server.socket}", "--socket", f"g={shower.socket}"):
            eventually(lambda: any(one["state"] == "idle" for one in home.panes().values()))
            tell(home.paths.socket, hello(shower.process.pid))
            seen.wait_for(tab, marked(IDLE, ""))
            at_rest(seen)
            os.kill(shower.process.pid, signal.SIGSTOP)
            seen.rename(tab, "one")
            seen.rename(tab, "two")
            os.kill(shower.process.pid, signal.SIGCONT)
            eventually(lambda: "round and round" in str(home.json("doctor")["findings"]), 20)
            mine = sum(bool(taken_apart(title).marker) for _, _, title in seen.told)
            time.sleep(GO_ROUND_S)
            assert sum(bool(taken_apart(title).marker) for _, _, title in seen.told) == mine
            shower.process.kill()
            seen.wait_for(tab, begins="")
            at_rest(seen)


def test_a_title_that_another_tab_has_too_does_not_pass_for_seen(tmp_path):
    """The one that shows the tabs hangs, and shows another of that name: wa waits until it goes on."""
    with (
        mux(tmp_path / "m") as server,
        mux(tmp_path / "g", shows=server.socket) as shower,
        gui(server.socket, registers=False) as seen,
    ):
        tab = agent_tab(server, tmp_path, seen)
        other = next(of for of in seen.titles if of != tab)
        home = Home(tmp_path / "home")
        with home.sidecar("--socket", f"m={server.socket}", "--socket", f"g={shower.socket}"):
            eventually(lambda: any(one["state"] == "idle" for one in home.panes().values()))
            seen.rename(other, "same")
            tell(home.paths.socket, hello(shower.process.pid))
            seen.wait_for(tab, marked(IDLE, ""))
            at_rest(seen)
            os.kill(shower.process.pid, signal.SIGSTOP)
            try:
                seen.rename(tab, "same")
                time.sleep(2 * GO_ROUND_S)
                assert seen.titles[tab] == "same"
            finally:
                os.kill(shower.process.pid, signal.SIGCONT)
            seen.wait_for(tab, marked(IDLE, "same"))
            at_rest(seen)
            assert seen.titles[tab] == marked(IDLE, "same")
