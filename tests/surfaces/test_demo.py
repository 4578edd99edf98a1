"""`wa demo`: it finds everything, measures, and leaves nothing behind, whichever way it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from wa.api.shapes import load


@pytest.fixture
def place(house, tmp_path: Path):
    """A folder for temporary files, so that what the demo leaves there can be seen."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    house.env["TMPDIR"] = str(folder)
    return folder


def running(place: Path) -> list[str]:
    """Command lines of processes that have to do with the demo in *place*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
                env = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(place) in words or f"{place}/wa-demo-" in env:
                found.append(words.replace("\0", " "))
    return found


def test_the_demo_finds_every_step_once(house, place: Path) -> None:
    """Each step of the three programs is found once, nothing is lost, latency is measured, nothing is left."""
    done = house.wa("demo", "--seconds", "4", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    Draft202012Validator(load("demo")).validate(data)

    assert data["steps_printed"] > 40
    assert (data["steps_found"], data["steps_doubled"]) == (data["steps_printed"], 0)
    assert (data["rows_lost"], data["gaps"]) == (0, 0)
    assert data["latency"]["samples"] > 40
    assert 0 < data["latency"]["p50_ms"] <= data["latency"]["p95_ms"] <= data["latency"]["max_ms"]
    assert [hit["kind"] for hit in data["search"]["hits"]]
    assert "FAILED" in data["search"]["hits"][0]["text"]
    assert data["cleaned"] is True
    assert (list(place.iterdir()), running(place), house.home.exists()) == ([], [], False)


def test_the_demo_speaks_to_people(house, place: Path) -> None:
    """In a pipe progress comes as lines, then the table, the hit and the figures; no escape sequence."""
    done = house.wa("demo", "--seconds", "2")

    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert all(
        word in done.stdout for word in ("wa panes", "wa search", "measured", "latency  p50", "left     nothing")
    )
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("when", ["at once", "at work"])
def test_interrupted_it_cleans_up_too(house, place: Path, number: signal.Signals, when: str) -> None:
    """Ctrl-C, SIGTERM and a closed terminal leave no process, file or socket, while starting and while at work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wa", "demo", "--seconds", "60"],
        env=house.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    if when == "at once":
        house.until("its folder", lambda: list(place.iterdir()))
    else:
        for line in process.stdout:
            if b" steps" in line and b" 0 steps" not in line:
                break
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=30)

    assert process.returncode == 128 + number
    assert b"Traceback" not in err
    assert (list(place.iterdir()), running(place)) == ([], [])


def test_a_second_signal_does_not_break_off_the_cleaning(house, place: Path) -> None:
    """Somebody who presses Ctrl-C again and again still finds nothing left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wa", "demo", "--seconds", "60"],
        env=house.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    house.until("its processes", lambda: len(running(place)) > 1)
    while process.poll() is None:
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
        time.sleep(0.05)
    process.communicate(timeout=30)

    assert process.returncode in (130, 143, -signal.SIGINT, -signal.SIGTERM)
    assert (list(place.iterdir()), running(place)) == ([], [])


def test_without_the_embedded_extra_it_says_what_to_install(house, place: Path) -> None:
    """Where libghostty is missing, the demo names the package and leaves by 1."""
    blocker = place / "blocker"
    (blocker / "pyghostty").mkdir(parents=True)
    (blocker / "pyghostty" / "__init__.py").write_text("raise ImportError('no pyghostty here')")
    house.env["PYTHONPATH"] = f"{blocker}{os.pathsep}{house.env['PYTHONPATH']}"
    status, error = house.fails("demo", "--seconds", "2")

    assert status == 1
    assert "wezterm-automata[embedded]" in error["next_step"]
    assert not list(place.glob("wa-demo-*"))
