"""Two of them, a stop in any way, a subscriber that does not read, a terminal that closes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.embedded import running_embedded_mux
from support.sidecar import Home, end, eventually, numbered
from wa.protocol import sidecar_wire

NOBODY = ("--socket", "none=/nowhere/sock")
"""A multiplexer that is not there: the sidecar serves all the same."""

FLOOD = """
import sys
n = 0
while True:
    print("row", n)
    n += 1
"""


def test_the_second_sidecar_says_who_holds_the_lock(tmp_path: Path) -> None:
    """Pid and start of the first; the first goes on."""
    home = Home(tmp_path)
    with home.sidecar(*NOBODY) as first:
        for options in ((), ("--detach",)):
            second = home.wa("watch", "--json", *NOBODY, *options)
            error = json.loads(second.stdout)["error"]
            assert (second.returncode, error["code"], error["details"]["pid"]) == (1, "sidecar.running", first.pid)
            assert str(first.pid) in error["message"]
        assert home.ask("status")["sidecar"]["pid"] == first.pid


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_cleanly(tmp_path: Path, number: int) -> None:
    """Exit status 0 within seconds; rows and final screen are in the database, no socket is left."""
    with running_embedded_mux(("sh", "-c", "seq -f 'row %g' 0 99; printf 'last words'; exec sleep 1000")) as mux:
        home = Home(tmp_path)
        process = home.start("--socket", f"m={mux.socket}")
        eventually(lambda: "last words" in home.screen("p1"))
        began = time.monotonic()
        assert end(process, number) == 0
        assert time.monotonic() - began < 5
        assert not home.paths.socket.exists()
        rows = [row["text"] for row in home.json("logs", "p1", "--all")["rows"]]
        assert rows == [*(f"row {n}" for n in range(100)), "last words"]
        pane = home.json("panes")["panes"][0]
        assert (pane["alive"], pane["source"], pane["rows_stored"]) == (True, None, 77)


def test_wa_stop_ends_one_that_is_on_its_own(tmp_path: Path) -> None:
    """`--detach` returns when it serves; the process is nobody's child, has no terminal, and goes on until stopped."""
    with running_embedded_mux() as mux:
        home = Home(tmp_path)
        started = home.json("watch", "--detach", "--socket", f"m={mux.socket}")
        pid = started["pid"]
        try:
            assert started["detached"] is True
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            parent, session, tty = int(stat[1]), int(stat[3]), int(stat[4])
            assert (session, tty) == (pid, 0)
            assert parent != os.getpid()
            eventually(home.panes)
            os.kill(pid, signal.SIGHUP)
            assert home.ask("status")["sidecar"]["pid"] == pid
        finally:
            assert home.wa("stop").returncode == 0
        assert not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
        assert not home.paths.socket.exists()


def test_detaching_reports_what_kept_it_from_starting(tmp_path: Path) -> None:
    """The words of the child, not "it did not start"."""
    home = Home(tmp_path)
    home.paths.data.mkdir(mode=0o700, parents=True)
    home.paths.database.write_bytes(b"this is no database, " * 500)
    home.paths.database.chmod(0o600)

    done = home.wa("watch", "--detach", "--json", *NOBODY)

    error = json.loads(done.stdout)["error"]
    assert done.returncode == 1
    assert error["code"].startswith("store")
    assert str(home.paths.database) in error["message"]


def test_a_subscriber_that_does_not_read_is_cut_off_and_waited_for_by_nobody(tmp_path: Path) -> None:
    """A flood, one who never reads, one who does: the reader and the log miss nothing."""
    with running_embedded_mux((sys.executable, "-c", FLOOD), scrollback=20_000) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}") as process:
            eventually(lambda: home.screen("p1"))
            lazy = socket.socket(socket.AF_UNIX)
            lazy.connect(str(home.paths.socket))
            lazy.sendall(sidecar_wire.request(1, "subscribe", {"kinds": ["rows", "screen"]}))

            def cut_off() -> bool:
                return "client cut off" in home.paths.log_file.read_text()

            eventually(cut_off, 60)
            began = time.monotonic()
            assert home.ask("status")["muxes"][0]["state"] == "connected"
            assert time.monotonic() - began < 5
            rss_kb = int(Path(f"/proc/{process.pid}/status").read_text().partition("VmRSS:")[2].split()[0])
            assert rss_kb < 250_000
            lazy.close()


def test_an_unknown_pane_is_an_error_that_names_those_that_exist(tmp_path: Path) -> None:
    """By every way of asking."""
    with running_embedded_mux() as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(home.panes)
            for words in (("logs", "p99"), ("send", "m/77", "x"), ("forget", "123")):
                done = home.wa(*words, "--json")
                assert done.returncode == 3
                assert "p1  m/0" in json.dumps(json.loads(done.stdout)["error"]["details"])


def test_forgotten_output_does_not_come_back(tmp_path: Path) -> None:
    """Not by the pane's scrollback, not by a restart; what is printed afterwards is stored."""
    script = "seq -f 'secret %g' 1 200; read x; seq -f 'row %g' 0 99; exec sleep 1000"
    with running_embedded_mux(("sh", "-c", script)) as mux:
        home = Home(tmp_path)
        target = ("--socket", f"m={mux.socket}")
        with home.sidecar(*target):
            eventually(lambda: home.panes().get("p1", {}).get("rows_stored") == 177)
            assert home.json("forget", "p1")["rows_deleted"] == 177
            assert home.panes()["p1"]["rows_stored"] == 0
        with home.sidecar(*target):
            eventually(lambda: home.screen("p1"))
            mux.run("send-text", "--pane-id", "0", "--no-paste", stdin=b"\r")
            eventually(lambda: "row 99" in home.screen("p1"))
            home.ask("flush")
        with sqlite3.connect(home.paths.database) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        texts = [row["text"] for row in home.json("logs", "p1", "--all")["rows"]]
        assert "secret 1" not in texts
        assert "secret 150" not in texts
        assert numbered(texts, "row") == list(range(100))


def test_nothing_of_a_forbidden_pane_reaches_the_disk(tmp_path: Path) -> None:
    """By title and by command; not in the database, not in the log file, not on the socket."""
    canary = "canary-4af1c9"
    never = '[capture.never]\ntitle = ["vault*"]\ncommand = ["*/hiding"]\n'
    home = Home(tmp_path / "home", f"[wezterm]\ndiscover = false\n{never}")
    hiding = tmp_path / "hiding"
    hiding.write_text(f"#!/bin/sh\nwhile true; do echo {canary}-command; sleep 0.05; done\n")
    hiding.chmod(0o755)
    title = f"printf '\\033]2;vault of mine\\007'; while true; do echo {canary}-title; sleep 0.05; done"
    with running_embedded_mux(("sh", "-c", title)) as mux:
        mux.run("spawn", "--new-window", "--", str(hiding))
        with home.sidecar("--socket", f"m={mux.socket}", "--log-level", "debug"):
            eventually(lambda: [pane["excluded"] for pane in home.panes().values()] == [True, True])
            assert home.ask("screens")["screens"] == []
            time.sleep(1)
        for file in home.folder.rglob("*"):
            if file.is_file():
                assert canary.encode() not in file.read_bytes(), file


def test_a_full_queue_of_connections_is_survived(tmp_path: Path) -> None:
    """Two hundred at once: some are told that it is too many, and it serves on."""
    home = Home(tmp_path)
    with home.sidecar(*NOBODY):
        crowd = []
        for _ in range(200):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(str(home.paths.socket))
            crowd.append(sock)
        for sock in crowd:
            sock.close()
        assert eventually(lambda: home.wa("status", "--json").returncode == 0)


def test_what_is_not_text_reaches_nobody_broken(tmp_path: Path) -> None:
    """Bytes out of UTF-8, wide and combining characters, tabs, NUL, a long line: stored, served, printed as JSON."""
    odd = r"printf 'a\377b\tc\000d \346\227\245\346\234\254 e\314\201\n'"
    script = f"{odd}; head -c 100000 /dev/zero | tr '\\0' x; echo; exec sleep 1000"
    with running_embedded_mux(("sh", "-c", script), scrollback=5000) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(lambda: home.panes().get("p1", {}).get("rows_stored", 0) > 1000)
            rows = home.json("logs", "p1", "--all")["rows"]
            assert re.fullmatch("a\ufffd?b +cd 日本 e\u0301 *", rows[0]["text"])
            assert "日本 e\u0301" in rows[0]["text"]
            assert rows[1]["text"].rstrip() == "x" * 100_000


def test_the_process_of_a_subscriber_hears_what_is_printed(tmp_path: Path) -> None:
    """Across processes: screens as they change, rows as they leave."""
    with running_embedded_mux(("cat",)) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(lambda: home.screen("p1"))
            listener = subprocess.Popen(
                [sys.executable, "-m", "wa", "logs", "p1", "--follow", "--json"],
                env=home.env,
                stdout=subprocess.PIPE,
                text=True,
            )
            try:
                for word in ("first", "second"):
                    mux.run("send-text", "--pane-id", "0", "--no-paste", stdin=f"{word} word\r".encode())
                    assert listener.stdout is not None
                    while f"{word} word" not in listener.stdout.readline():
                        assert listener.poll() is None
            finally:
                listener.terminate()
                listener.communicate()
