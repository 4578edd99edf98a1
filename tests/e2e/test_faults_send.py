"""Sends to real programs that do not do what one hopes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.embedded import running_embedded_mux
from support.sidecar import Home, eventually


def send(home: Home, *words: str) -> tuple[int, Any]:
    """Exit status, and the result or the error."""
    done = home.wa("send", "p1", *words, "--json")
    answer = json.loads(done.stdout)
    return done.returncode, answer["data"] if answer["ok"] else answer["error"]


def test_a_shell_runs_what_was_sent(tmp_path: Path) -> None:
    """Short and long lines, also such that end at the margin; each is seen and taken."""
    with running_embedded_mux(("sh",)) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(lambda: home.screen("p1"))
            for size in (1, 60, 70, 71, 72, 73, 74, 200):
                word = "w" * size
                status, result = send(home, f"echo {word}")
                assert (status, result["outcome"]) == (0, "submitted"), size
                eventually(lambda word=word: "".join(home.screen("p1")).count(word) >= 2)


def test_a_program_that_hides_its_input_gets_no_carriage_return(tmp_path: Path) -> None:
    """It still waits for its line afterwards; the person presses Enter or not."""
    script = "stty -echo; printf 'password: '; read x; stty echo; echo \"got $x\"; exec sleep 1000"
    with running_embedded_mux(("sh", "-c", script)) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(lambda: "password:" in home.screen("p1"))
            status, error = send(home, "hunter2")
            assert (status, error["code"], error["details"]["outcome"]) == (6, "timed_out.not_seen", "not_seen")
            assert not any(row.startswith("got") for row in home.screen("p1"))
            mux.run("send-text", "--no-paste", "--pane-id", "0", stdin=b"\r")
            eventually(lambda: any(row.endswith("got hunter2") for row in home.screen("p1")))


def test_lines_are_not_run_one_by_one(tmp_path: Path) -> None:
    """A shell without bracketed paste would: refused, and nothing was typed."""
    with running_embedded_mux(("sh",)) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}"):
            before = eventually(lambda: home.screen("p1"))
            for words in (("echo a\necho b",), ("echo a\n", "--no-submit"), ("a\tb",), ("\x1b[A",), ("\x03",)):
                status, error = send(home, *words)
                assert (status, error["details"]["outcome"]) == (5, "refused")
            assert home.screen("p1") == before


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash, which has bracketed paste")
def test_lines_go_in_one_piece_where_the_person_insists(tmp_path: Path) -> None:
    """With --force, to a program that takes a paste as one piece: nothing runs before the carriage return."""
    with running_embedded_mux(("bash", "--norc", "--noprofile")) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(lambda: home.screen("p1"))
            status, result = send(home, "echo a1\necho b2", "--force", "--no-submit")
            assert (status, result["outcome"]) == (0, "pasted")
            assert "a1" not in home.screen("p1")
            mux.run("send-text", "--no-paste", "--pane-id", "0", stdin=b"\x03")
            status, result = send(home, "echo c3\necho d4", "--force")
            assert (status, result["outcome"]) == (0, "submitted")
            eventually(lambda: {"c3", "d4"} <= set(home.screen("p1")))


def test_a_busy_pane_is_no_echo(tmp_path: Path) -> None:
    """Output all the time, and a program that does not read: no carriage return."""
    with running_embedded_mux(("sh", "-c", "stty -echo; while true; do echo tick; sleep 0.05; done")) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(lambda: "tick" in home.screen("p1"))
            status, error = send(home, "hello there")
            assert (status, error["details"]["outcome"]) == (6, "not_seen")
