"""The program in a pane does what it is told and says what it did."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import pane_program


class Running:
    def __init__(self, folder: Path) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "c"))
            listener.listen(1)
            argv = [sys.executable, "-I", "-S", pane_program.__file__, str(folder / "c"), "n7"]
            self.process = subprocess.Popen(argv, stdout=subprocess.PIPE)
            self.control, _ = listener.accept()
        self.control.settimeout(20)
        self.answers = self.control.makefile("r")
        assert self.process.stdout is not None
        self.output = self.process.stdout

    def order(self, do: str, **arguments: object) -> None:
        self.control.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")

    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.answers.readline())
        return found

    def hang_up(self) -> int:
        self.answers.close()
        self.control.close()
        return self.process.wait(20)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.process.kill()
    found.process.wait()
    found.output.close()
    found.answers.close()
    found.control.close()


def test_it_counts_without_a_hole(running: Running) -> None:
    """Every number once, in order, each on a line with its tag."""
    assert running.answer() == {"name": "n7", "ready": True, "pid": running.process.pid}

    running.order("count_to", tag="t", count=500)
    lines = [running.output.readline().split()[:3] for _ in range(500)]

    assert lines == [[b"line", b"t", b"%06d" % number] for number in range(500)]
    assert running.answer()["done"] == "count_to"


def test_marks_carry_the_instants_it_answers(running: Running) -> None:
    """What stands in the rows is what the harness gets: the clock is the program's own."""
    running.answer()
    running.order("marks", tag="m", per_s=500, seconds=0.1)
    stamps = running.answer()["stamps"]

    assert [running.output.readline().split() for _ in stamps] == [
        [b"mark", b"m", b"%d" % number, b"%d" % stamp] for number, stamp in enumerate(stamps)
    ]
    assert stamps == sorted(stamps)


def test_an_order_ends_what_runs(running: Running) -> None:
    """A spinner has no end of its own; the next order is one."""
    running.answer()
    running.order("spin", per_s=200)
    assert running.output.read(1) == b"\r"
    running.order("wait")

    assert running.answer()["done"] == "spin"
    assert running.answer()["done"] == "wait"


def test_it_ends_with_the_harness(running: Running) -> None:
    """No program outlives the run that started it, even in the middle of its work."""
    running.answer()
    running.order("spin", per_s=200)
    assert running.output.read(1) == b"\r"

    assert running.hang_up() == 0
