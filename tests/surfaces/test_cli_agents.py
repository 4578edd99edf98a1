"""The commands about agents, as a user runs them: against the embedded multiplexer, with programs that are called like agents."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from support.codex_rows import BANNER, COMPOSER, DIALOG, LIMIT
from surfaces.test_cli_live import conforms

PLAYER = """
import os, sys, time
folder, seen = sys.argv[1], b""
while True:
    try:
        rows = open(os.path.join(folder, "rows"), "rb").read()
    except OSError:
        rows = b""
    if rows != seen:
        seen = rows
        sys.stdout.write("\\x1b[2J\\x1b[H" + rows.decode().replace("\\n", "\\r\\n"))
        sys.stdout.flush()
    time.sleep(0.02)
"""


class Player:
    """A program called codex that shows what it is told."""

    def __init__(self, watched: Any, folder: Path, *rows: str, called: str = "codex") -> None:
        self.watched, self.folder = watched, folder
        folder.mkdir()
        self.show(*rows)
        script = folder / "player.py"
        script.write_text(PLAYER)
        run = f"exec -a {called} {sys.executable} {script} {folder}"
        self.name = watched.spawn("/bin/bash", "-c", run)
        self.uid = watched.pane(self.name)["pane_uid"]

    def show(self, *rows: str) -> None:
        path = self.folder / "new"
        path.write_text("\n".join(rows))
        path.rename(self.folder / "rows")

    def until(self, state: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            pane = self.watched.pane(self.name)
            return pane if pane and pane["state"] == state else None

        return self.watched.until(f"{self.name} is {state}", look)


def test_status_shows_what_each_agent_does(watched: Any, tmp_path: Path) -> None:
    """Agent, version, state, reset, folder, last event: in the table, and in JSON by its schema."""
    player = Player(watched, tmp_path / "a", *BANNER, *LIMIT, *COMPOSER)
    player.until("limited")

    status = conforms("status", watched.ok("status"))
    (pane,) = [pane for pane in status["panes"] if pane["pane_uid"] == player.uid]
    assert (pane["agent"], pane["detail"]["version"], pane["detail"]["limit"]["printed"]) == (
        "codex",
        "0.169.0",
        "6:38 AM",
    )
    text = watched.wa("status").stdout
    row = next(line for line in text.splitlines() if line.startswith(player.uid) and "codex" in line)
    assert re.search(r"codex 0\.169\.0 +limited +\d+ s +6:38 AM +/work +", row), row
    player.show(*BANNER, *DIALOG)
    player.until("waiting.approval")


def test_a_shell_that_shows_an_agents_screen_is_none(watched: Any, tmp_path: Path) -> None:
    """`cat` of a screen, in a shell that nobody called an agent."""
    player = Player(watched, tmp_path / "a", *BANNER, *LIMIT, *COMPOSER, called="less")
    watched.until("its screen", lambda: any("usage limit" in line for line in watched.lines(player.name, "--all")))

    pane = watched.pane(player.name)
    assert (pane["agent"], pane["last_event"]) == (None, None)


def test_explain_says_why_and_what_would_change_it(watched: Any, tmp_path: Path) -> None:
    """By its schema, and in words."""
    player = Player(watched, tmp_path / "a", *BANNER, *DIALOG)
    player.until("waiting.approval")

    why = conforms("explain", watched.ok("explain", player.name))
    assert why["signals"][0]["source"] == "dialog"
    assert any(match["event"] == "waiting.approval" and match["rows"] for match in why["matches"])
    text = watched.wa("explain", player.uid).stdout
    assert text.startswith(f"{player.uid}: codex, waiting.approval since")
    assert "the dialog is answered" in text
    assert not re.search(r"^\s+$", text, re.MULTILINE)


def test_explain_of_a_pane_that_closed_or_never_was(watched: Any, tmp_path: Path) -> None:
    """Not found, with where to look."""
    player = Player(watched, tmp_path / "a", *BANNER, *COMPOSER)
    player.until("idle")
    watched.mux("kill-pane", "--pane-id", player.name.partition("/")[2])
    watched.until("its end", lambda: watched.pane(player.name) is None)

    status, error = watched.fails("explain", player.uid)
    assert (status, error["code"]) == (3, "not_found")
    assert f"wa events --pane {player.uid}" in error["next_step"]
    status, error = watched.fails("explain", "p99999")
    assert (status, error["code"]) == (3, "not_found")


def test_without_a_sidecar_the_next_step_is_to_start_one(house: Any) -> None:
    """explain, record and a watched status need it; a plain status does not."""
    for words in (["explain", "p1"], ["record", "p1"], ["status", "--watch"]):
        status, error = house.fails(*words)
        assert status == 4, words
        assert "wa watch" in error["next_step"]
    assert house.ok("status")["live"] is False


def test_record_writes_a_screen_and_a_test_that_passes(watched: Any, tmp_path: Path) -> None:
    """`wa rules test` of it succeeds, and fails once what is expected is another."""
    player = Player(watched, tmp_path / "a", *BANNER, *LIMIT, *COMPOSER)
    player.until("limited")
    result = conforms("record", watched.ok("record", player.name, "--to", str(tmp_path / "to")))

    assert all(stat.S_IMODE(Path(result[kind]).stat().st_mode) == 0o600 for kind in ("screen", "test"))
    assert watched.wa("rules", "test", result["test"]).returncode == 0
    test = Path(result["test"])
    test.write_text(test.read_text().replace('"state": "limited"', '"state": "idle"'))
    done = watched.wa("rules", "test", result["test"])
    assert done.returncode == 1
    assert "! the state is limited, not idle" in done.stdout
    scan = watched.wa("rules", "scan", "--agent", "codex", "--json", result["screen"])
    assert json.loads(scan.stdout)["state"] == "limited"


def test_scan_prints_bare_lines_and_rules_say_what_is_wrong(inside: Any, tmp_path: Path) -> None:
    """Exit codes: 2 for what cannot be read, 3 for what does not exist, 1 for rules with problems."""
    screen = tmp_path / "screen.txt"
    screen.write_text("\n".join([*BANNER, *COMPOSER]) + "\n")
    done = inside("rules", "scan", "--agent", "codex", "--json", str(screen), str(screen))
    assert [json.loads(line)["state"] for line in done.stdout.splitlines()] == ["idle", "idle"]
    for words, code in (
        (["scan", "--agent", "codex", str(tmp_path / "none")], 2),
        (["scan", "--agent", "nobody", str(screen)], 3),
        (["scan", "--agent", "codex", "--tz", "Nowhere/Else", str(screen)], 2),
        (["scan", str(screen)], 2),
        (["test", str(screen)], 2),
        (["show", "codex.none"], 3),
        (["list", "--agent", "nobody"], 3),
    ):
        done = inside("rules", *words)
        assert (done.returncode, done.stdout) == (code, ""), words
        assert "\nnext: " in done.stderr, words
        assert "Traceback" not in done.stderr
    assert inside("rules", "lint").returncode == 0
    broken = tmp_path / "mine.toml"
    broken.write_text('name = "codex"\n[[rule]]\nid = 5\n')
    done = inside("rules", "lint", str(broken))
    assert done.returncode == 1
    assert "mine.toml:3" in done.stdout
    assert conforms("rules", json.loads(inside("rules", "list", "--json").stdout)["data"])["rules"]
    assert conforms("rules-lint", json.loads(inside("rules", "lint", "--json").stdout)["data"])["problems"] == []
    done = inside("rules", "test", str(screen), "--agent", "codex", "--json")
    assert conforms("rules-test", json.loads(done.stdout)["data"])["state"] == "idle"
    assert inside("rules").stdout.startswith("Usage: wa rules")


def test_a_watched_status_prints_again_on_a_change_and_leaves_cleanly(watched: Any, tmp_path: Path) -> None:
    """One envelope a line; on Ctrl-C nothing but the exit status of an interrupt."""
    player = Player(watched, tmp_path / "a", *BANNER, *COMPOSER)
    player.until("idle")
    argv = [sys.executable, "-m", "wa", "status", "--watch", "--json"]
    with subprocess.Popen(
        argv, env=watched.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as following:
        late = threading.Timer(60, following.kill)
        late.start()
        try:
            assert following.stdout is not None

            def state() -> str:
                status = conforms("status", json.loads(following.stdout.readline())["data"])
                return next(pane["state"] for pane in status["panes"] if pane["pane_uid"] == player.uid)

            assert state() == "idle"
            player.show(*BANNER, *DIALOG)
            while state() != "waiting.approval":
                pass
            following.send_signal(signal.SIGINT)
            _, errors = following.communicate()
        finally:
            late.cancel()
    assert (following.returncode, errors) == (130, "")


def test_a_watched_status_paints_over_itself_on_a_terminal(watched: Any) -> None:
    """Without clearing the terminal's scrollback, and never taller than it is."""
    pid, master = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-m", "wa", "status", "--watch"], watched.env | {"LINES": "6"})
    printed = b""
    give_up = time.monotonic() + 30
    while printed.count(b"\x1b[H") < 3 and time.monotonic() < give_up:
        printed += os.read(master, 1 << 16)
    os.write(master, b"\x03")
    try:
        while data := os.read(master, 1 << 16):
            printed += data
    except OSError:
        pass
    _, status = os.waitpid(pid, 0)
    os.close(master)
    assert os.waitstatus_to_exitcode(status) == 130
    frames = printed.split(b"\x1b[H")[1:]
    assert len(frames) >= 3
    assert b"\x1b[3J" not in printed
    assert all(frame.count(b"\n") <= 6 for frame in frames[:-1])
