"""The multiplexer goes away, comes back, hangs, or is another one than before."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.embedded import RunningMux, clean_env, running_embedded_mux
from support.sidecar import Home, eventually, numbered

PRINTER = """
import os, sys, time
n = 0
while not os.path.exists("enough"):
    for _ in range(int(sys.argv[1])):
        print("row", n)
        n += 1
    sys.stdout.flush()
    time.sleep(0.01)
print("done", flush=True)
time.sleep(100000)
"""


class Relay:
    """A socket between sidecar and mux whose connections can be broken while both live on."""

    def __init__(self, listen: Path, target: Path) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(listen))
        self._server.listen(16)
        self.refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                if self.refusing:
                    near.close()
                    continue
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._target))
                self._open += [near, far]
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        with suppress(OSError, ValueError):
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for sock in ready:
                    data = sock.recv(65536)
                    if not data:
                        raise OSError
                    other[sock].sendall(data)
        near.close()
        far.close()

    def cut(self) -> None:
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        self._server.close()
        self.cut()


@contextmanager
def relay(listen: Path, target: Path) -> Iterator[Relay]:
    made = Relay(listen, target)
    try:
        yield made
    finally:
        made.close()


def last_number(home: Home, uid: str = "p1") -> int:
    return max((found or 0 for found in numbered(home.screen(uid), "row")), default=0)


def printed(mux: RunningMux) -> int:
    """The last number as the mux itself shows it."""
    return max((found or 0 for found in numbered(mux.run("get-text", "--pane-id", "0").split("\n"), "row")), default=0)


def enough(mux: RunningMux, home: Home) -> None:
    """Let the printer end, and wait until that is seen."""
    (mux.folder / "enough").touch()
    eventually(lambda: "done" in home.screen("p1"))


def mux_state(home: Home) -> str:
    return str(home.ask("status")["muxes"][0]["state"])


def test_a_connection_that_breaks_again_and_again_costs_no_row(tmp_path: Path) -> None:
    """Same panes throughout; what was printed while nobody listened is fetched."""
    with (
        running_embedded_mux((sys.executable, "-c", PRINTER, "5"), scrollback=50_000) as mux,
        relay(tmp_path / "relay.sock", mux.socket) as wire,
    ):
        home = Home(tmp_path / "home")
        with home.sidecar("--socket", f"m={tmp_path / 'relay.sock'}"):
            for _ in range(4):
                seen = eventually(lambda: last_number(home))
                wire.refusing = True
                wire.cut()
                eventually(lambda: mux_state(home) == "disconnected")
                pane = home.panes()["p1"]
                assert (pane["alive"], pane["source"]) == (True, None)
                wire.refusing = False
                eventually(lambda seen=seen: last_number(home) > seen + 100)
            enough(mux, home)
            numbers = numbered(home.whole("p1"), "row")
            assert numbers == list(range(len(numbers)))
            assert list(home.panes()) == ["p1"]


def test_what_the_scrollback_lost_meanwhile_is_a_gap_of_the_exact_size(tmp_path: Path) -> None:
    """Rows stored and rows counted as lost add up to the rows printed."""
    with (
        running_embedded_mux((sys.executable, "-c", PRINTER, "50"), scrollback=500) as mux,
        relay(tmp_path / "relay.sock", mux.socket) as wire,
    ):
        home = Home(tmp_path / "home")
        with home.sidecar("--socket", f"m={tmp_path / 'relay.sock'}"):
            seen = eventually(lambda: last_number(home))
            wire.refusing = True
            wire.cut()
            eventually(lambda: mux_state(home) == "disconnected")
            eventually(lambda: printed(mux) > seen + 5_000)
            wire.refusing = False
            eventually(lambda: last_number(home) > seen + 5_000)
            enough(mux, home)
            whole = home.whole("p1")
            numbers = numbered(whole, "row")
            # The log begins with what the scrollback held when the sidecar came, or with what it lost before it was read.
            at, first = next((at, number) for at, number in enumerate(numbers) if number is not None)
            begin = first - at
            for position, number in enumerate(numbers, begin):
                assert number in (position, None)
            lost = whole.count(None)
            assert lost > 1_000
            pane = home.panes()["p1"]
            assert (pane["rows_lost"], pane["gaps"] > 0) == (lost, True)


def start_mux(path: Path, folder: Path, *argv: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "wa.embedded", "--socket", str(path), "--cwd", str(folder), "--", *argv]
    process = subprocess.Popen(command, env=clean_env(folder, path), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("listening")
    return process


def stop_mux(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    process.send_signal(number)
    process.communicate()


def test_another_server_at_the_same_socket_has_other_panes(tmp_path: Path) -> None:
    """Pane 0 of the new server is a new pane; the old one is closed, with what it printed."""
    path = tmp_path / "sock"
    home = Home(tmp_path / "home")
    first = start_mux(path, tmp_path, "sh", "-c", "echo from the first; exec sleep 1000")
    with home.sidecar("--socket", f"m={path}"):
        eventually(lambda: "from the first" in home.screen("p1"))
        stop_mux(first)
        eventually(lambda: not home.panes())
        second = start_mux(path, tmp_path, "sh", "-c", "echo from the second; exec sleep 1000")
        try:
            eventually(lambda: "from the second" in home.screen("p2"))
            assert list(home.panes()) == ["p2"]
            assert [row["text"] for row in home.json("logs", "p1", "--all")["rows"]] == ["from the first"]
        finally:
            stop_mux(second)


def test_a_server_that_hangs_for_a_while_loses_nothing(tmp_path: Path) -> None:
    """Stopped and continued, as by a machine that was asleep."""
    with running_embedded_mux((sys.executable, "-c", PRINTER, "5"), scrollback=50_000) as mux:
        home = Home(tmp_path / "home")
        with home.sidecar("--socket", f"m={mux.socket}"):
            seen = eventually(lambda: last_number(home))
            os.kill(mux.pid, signal.SIGSTOP)
            try:
                assert home.wa("send", "p1", "x", within_s=90).returncode != 0
                assert home.panes()["p1"]["alive"]
            finally:
                os.kill(mux.pid, signal.SIGCONT)
            eventually(lambda: last_number(home) > seen + 100)
            enough(mux, home)
            numbers = numbered(home.whole("p1"), "row")
            assert numbers == list(range(len(numbers)))


def test_a_mux_that_starts_later_is_found_and_one_that_ends_is_let_go(tmp_path: Path) -> None:
    """In WezTerm's runtime folder, without a word to wa: the default server and a GUI."""
    runtime = tmp_path / "run" / "wezterm"
    runtime.mkdir(parents=True)
    home = Home(tmp_path / "home", "wezterm.rescan_interval_s = 1\n")
    home.env |= {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "WA_WEZTERM": "true"}
    with home.sidecar():
        assert home.ask("status")["muxes"] == []
        server = start_mux(runtime / "sock", tmp_path, "sleep", "1000")
        gui = start_mux(runtime / "gui-sock-4711", tmp_path, "sleep", "1000")
        try:
            eventually(lambda: len(home.panes()) == 2)
            assert {mux["name"] for mux in home.ask("status")["muxes"]} == {"local", "gui-4711"}
        finally:
            stop_mux(gui)
            stop_mux(server)
        eventually(lambda: home.ask("status")["muxes"] == [])
        assert home.panes() == {}
        again = start_mux(runtime / "sock", tmp_path, "sleep", "1000")
        try:
            eventually(lambda: list(home.panes()) == ["p3"])
        finally:
            stop_mux(again)


def test_a_socket_where_nobody_ever_listens_is_said_and_tried_again(tmp_path: Path) -> None:
    """The sidecar serves all the same, says what is wrong, and connects once somebody is there."""
    home = Home(tmp_path / "home")
    with home.sidecar("--socket", f"m={tmp_path / 'sock'}"):
        (mux,) = eventually(lambda: [m for m in home.ask("status")["muxes"] if m["state"] == "disconnected"])
        assert "no such socket" in mux["notice"]
        assert any(str(tmp_path / "sock") in finding["what"] for finding in home.ask("doctor")["findings"])
        late = start_mux(tmp_path / "sock", tmp_path, "sleep", "1000")
        try:
            eventually(lambda: list(home.panes()) == ["p1"])
        finally:
            stop_mux(late)
