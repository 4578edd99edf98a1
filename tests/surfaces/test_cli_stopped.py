"""Starting and ending the sidecar by the command line, and reading without one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest


def serving(house) -> subprocess.Popen[bytes]:
    """`wa watch --json` in the foreground, once it has said that it serves."""
    argv = [sys.executable, "-m", "wa", "watch", "--json", "--socket", f"demo={house.mux_socket}"]
    process = house.start(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    envelope = json.loads(process.stdout.readline())
    assert (envelope["ok"], envelope["data"]["pid"]) == (True, process.pid)
    return process


def printed(house, text: str) -> str:
    """A pane that printed *text* and sixty numbers, all seen."""
    name = house.spawn("/bin/sh", "-c", f"echo {text}; seq 60; exec sleep 1000")
    house.until("the last number", lambda: "60" in house.lines(name, "--all"))
    return name


@pytest.fixture
def ready(house):
    (house.home / "config").mkdir(parents=True)
    (house.home / "config" / "config.toml").write_text("[wezterm]\ndiscover = false\n")
    house.start_mux()
    return house


def test_what_was_stored_is_read_without_a_sidecar(ready) -> None:
    """After `wa stop` panes, logs and search answer from the database, as whole as before, and say how old they are."""
    process = serving(ready)
    name = printed(ready, "persistent-quince")
    before = ready.lines(name, "--all")
    stopped = ready.ok("stop")

    assert stopped == {"stopped": True, "pid": process.pid}
    assert process.wait(timeout=30) == 0
    assert not (ready.home / "run" / "sidecar.sock").exists()
    logs = ready.ok("logs", name, "--all")
    assert [row["text"] for row in logs["rows"]] == before
    assert (logs["live"], logs["as_of"] is not None) == (False, True)
    assert ready.ok("panes")["live"] is False
    assert [hit["text"] for hit in ready.ok("search", "quince")["hits"]] == ["persistent-quince"]
    plain = ready.wa("logs", name, "--tail", "1")
    assert (plain.stdout, "No sidecar runs" in plain.stderr) == ("60\n", True)
    assert ready.fails("stop")[0] == 4
    said = {one["what"]: one["level"] for one in ready.ok("doctor")["findings"]}
    assert [level for what, level in said.items() if "checked and sound" in what] == ["ok"]
    assert [level for what, level in said.items() if "no sidecar runs" in what] == ["note"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_sidecar_in_order(ready, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM store what was heard, remove the socket, and leave by 0."""
    process = serving(ready)
    name = printed(ready, "signalled")
    before = ready.lines(name, "--all")
    os.kill(process.pid, number)

    assert process.wait(timeout=30) == 0
    assert not (ready.home / "run" / "sidecar.sock").exists()
    assert ready.lines(name, "--all") == before


def test_a_detached_sidecar_outlives_its_starter(ready) -> None:
    """`wa watch --detach` returns when it serves; a new one goes on where the last one stopped, nothing twice."""
    first = ready.ok("watch", "--detach", "--socket", f"demo={ready.mux_socket}")
    assert (first["detached"], ready.ok("status")["sidecar"]["pid"]) == (True, first["pid"])
    name = printed(ready, "across")
    uid = ready.pane(name)["pane_uid"]
    before = ready.lines(name, "--all")
    ready.ok("stop")
    ready.ok("watch", "--detach", "--socket", f"demo={ready.mux_socket}")
    ready.until("the pane again", lambda: (found := ready.pane(uid)) and found["source"])

    assert ready.lines(uid, "--all") == before
    ready.ok("stop")


def test_a_killed_sidecar_leaves_its_log_readable(ready) -> None:
    """After kill -9 the stale socket does not matter: readers use the database, a new sidecar starts."""
    process = serving(ready)
    name = printed(ready, "killed")
    process.kill()
    process.wait()

    assert ready.ok("logs", name, "--all")["live"] is False
    assert ready.ok("panes")["live"] is False
    serving(ready)
    ready.until("the pane again", lambda: (found := ready.pane(name)) and found["source"])
    assert [line for line in ready.lines(name, "--all") if line == "killed"] == ["killed"]


def test_a_damaged_database_is_told_and_left_alone(house) -> None:
    """Reading says that it is damaged and leaves by 1; the doctor finds it; the file is not touched."""
    (house.home / "data").mkdir(parents=True, mode=0o700)
    path = house.home / "data" / "wa.db"
    path.write_bytes(b"this is no database at all" * 100)
    path.chmod(0o600)

    for words in (["panes"], ["search", "x"], ["status"], ["export", "--output", str(house.root / "x")]):
        status, error = house.fails(*words)
        assert (status, error["code"].split(".")[0]) == (1, "store")
    assert house.ok("doctor")["worst"] == "error"
    assert path.read_bytes() == b"this is no database at all" * 100
