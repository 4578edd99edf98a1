"""A mux has markers only while each GUI that is attached to it has said that it draws them."""

import json
import os
import socket
from pathlib import Path

import pytest

from wa.engine.announced import Announced
from wa.engine.badge_gate import AGAIN_S, Attached, Gate
from wa.model.identity import Client

HERE = socket.gethostname()
NOW_MS = 1_800_000_000_000
BOOTED_S = NOW_MS // 1000 - 5_000


def client(pid, host=HERE):
    return Client(host, "me", pid, None, None, 10.0, 10.0)


def hello(pid, *, host=HERE, badges=True, at_ms=NOW_MS, **more):
    return {"gui": pid, "host": host, "plugin": "0.1.0", "wezterm": "2025", "badges": badges, "at_ms": at_ms, **more}


@pytest.fixture
def proc(tmp_path) -> Path:
    """Processes 10 (a GUI), 11 (a command) and 12 (of neither name); started a second before now."""
    folder = tmp_path / "proc"
    folder.mkdir()
    (folder / "stat").write_text(f"cpu 1\nbtime {BOOTED_S}\n")
    for pid, name in ((10, "wezterm-gui"), (11, "wezterm"), (12, "AppRun")):
        ticks = 4_999 * os.sysconf("SC_CLK_TCK")
        (folder / str(pid)).mkdir()
        (folder / str(pid) / "comm").write_text(f"{name}\n")
        (folder / str(pid) / "stat").write_text(
            f"{pid} ({name}) S 1 {' '.join('0' * 17)} {ticks} 0 0\n".replace("  ", " ")
        )
    return folder


def known(tmp_path, proc, *said):
    announced = Announced(tmp_path / "announced.json", proc=proc)
    assert all(announced.add(one) for one in said)
    return announced


def gate(announced, proc, *clients, later_s=0.0):
    attached = Attached(announced, proc=proc)
    attached.told(clients, 100.0)
    return attached.gate(100.0 + later_s)


def test_each_attached_gui_must_have_announced_itself(tmp_path, proc):
    """Nobody attached is closed too, and nobody asked is not known."""
    announced = known(tmp_path, proc, hello(10))
    assert Attached(announced).gate(0.0) is Gate.UNKNOWN
    assert gate(announced, proc) is Gate.CLOSED
    assert gate(announced, proc, client(10)) is Gate.OPEN
    assert gate(announced, proc, client(10), client(7, "elsewhere"), later_s=1) is Gate.CLOSED
    assert gate(announced, proc, client(10, "elsewhere"), later_s=1) is Gate.CLOSED
    assert gate(announced, proc, client(10, f"{HERE} (via proxy pid 99)")) is Gate.OPEN


def test_a_command_that_asks_in_passing_takes_no_badges_away(tmp_path, proc):
    """`wezterm cli` shows no titles; who is not known to be a GUI counts once it was there twice."""
    announced = known(tmp_path, proc, hello(10))
    assert gate(announced, proc, client(10), client(11)) is Gate.OPEN
    assert gate(announced, proc, client(10), client(os.getpid())) is Gate.OPEN
    attached = Attached(announced, proc=proc)
    attached.told([client(10), client(13)], 100.0)
    assert attached.gate(100.1) is Gate.UNKNOWN
    attached.told([client(10), client(13)], 100.0 + AGAIN_S)
    assert attached.gate(100.0 + AGAIN_S) is Gate.CLOSED
    attached.told([client(10)], 101.0)
    assert attached.gate(101.0) is Gate.OPEN


def test_a_gui_that_is_known_to_be_one_counts_at_once(tmp_path, proc):
    """Its tabs would show the text."""
    assert gate(known(tmp_path, proc), proc, client(10)) is Gate.CLOSED


def test_the_newest_word_of_a_gui_counts(tmp_path, proc):
    """A user's own handler, or a plugin without badges, draws none; what comes late from the spool changes nothing."""
    announced = known(tmp_path, proc, hello(10), hello(10, badges=False, at_ms=NOW_MS + 5))
    assert gate(announced, proc, client(10)) is Gate.CLOSED
    assert announced.add(hello(10, at_ms=NOW_MS + 1))
    assert gate(announced, proc, client(10)) is Gate.CLOSED
    assert announced.add(hello(10, at_ms=NOW_MS + 9))
    assert gate(announced, proc, client(10)) is Gate.OPEN


def test_announcements_outlive_the_sidecar_and_not_the_gui(tmp_path, proc):
    """A pid that was given to another process since says nothing of that one."""
    known(tmp_path, proc, hello(10), hello(12, at_ms=NOW_MS - 60_000))
    later = Announced(tmp_path / "announced.json", proc=proc)
    later.load()
    assert later.draws(client(10))
    assert not later.draws(client(12))
    assert (tmp_path / "announced.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "said",
    [
        hello("10"),
        hello(-1),
        hello(True),
        hello(10, host=""),
        hello(10, host="x" * 300),
        hello(10, badges="yes"),
        hello(10) | {"plugin": None},
        {},
    ],
)
def test_what_is_no_announcement_is_refused(tmp_path, proc, said):
    """Any program of this user can send one."""
    announced = Announced(tmp_path / "announced.json", proc=proc)
    assert not announced.add(said)
    assert len(announced) == 0


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"guis": [{"gui": "x"}]}', json.dumps({"guis": [None]})])
def test_a_broken_file_is_no_announcement(tmp_path, proc, content):
    """It is written anew with the next one."""
    (tmp_path / "announced.json").write_text(content)
    announced = Announced(tmp_path / "announced.json", proc=proc)
    announced.load()
    assert not announced.draws(client(10))
    assert announced.add(hello(10))
