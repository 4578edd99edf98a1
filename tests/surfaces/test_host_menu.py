"""The menu of hosts, by itself and on a real terminal."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sidecar import SOURCES
from wa.model.errors import UsageError
from wa.model.host import FoundHost
from wa.surfaces.host_menu import HOW, choose, pick, render_hosts
from wa.surfaces.output import Terminal

HOSTS = [
    FoundHost("trj", "trj", ("ssh config",), "ubuntu", "10.0.0.3", 2222, also=("big",)),
    FoundHost("csd", "csd", ("ssh config", "wezterm.lua"), "ubuntu", "10.0.0.4", 22, jump="gate"),
    FoundHost("3", "3", ("known_hosts",), "me", "3", 22),
    FoundHost("ssh://me@10.0.0.9:22", "nine", ("alias nine of ~/.zshrc",), "me", "10.0.0.9", 22),
    FoundHost("a b", "a b", ("ssh config",), trouble="its name is odd"),
]
PLAIN = Terminal(None, False)


@pytest.mark.parametrize(
    ("answer", "picked"),
    [
        ("1", ["trj"]),
        ("1 4", ["trj", "ssh://me@10.0.0.9:22"]),
        ("1-2", ["trj", "csd"]),
        ("2,1,2", ["trj", "csd"]),
        ("BIG nine", ["trj", "ssh://me@10.0.0.9:22"]),
        ("3", ["3"]),
        ("all", ["trj", "csd", "3", "ssh://me@10.0.0.9:22"]),
        ("none", []),
        ("  ", []),
    ],
)
def test_hosts_are_picked_by_number_span_and_name(answer: str, picked: list[str]) -> None:
    """In the order of the table, each once; a name that looks like a number is a name first."""
    assert pick(answer, HOSTS) == picked


@pytest.mark.parametrize("answer", ["0", "6", "2-1", "1-9", "nobody", "5", "1 none", "-1", "¹", "999999999999"])
def test_what_is_not_understood_is_said(answer: str) -> None:
    """Nothing is picked then, not even what was understood."""
    said = pick(answer, HOSTS)

    assert isinstance(said, str)
    assert said.endswith(".")


@given(st.text(max_size=20))
def test_any_answer_picks_usable_hosts_or_says_why_not(answer: str) -> None:
    """Whatever is typed."""
    said = pick(answer, HOSTS)

    assert isinstance(said, str) or set(said) <= {host.name for host in HOSTS if host.is_usable}


def test_it_asks_again_a_few_times(capsys: pytest.CaptureFixture[str]) -> None:
    """Then it gives up and names the way without a menu."""
    with pytest.raises(UsageError) as told:
        choose(HOSTS, PLAIN, ask=lambda _: "what?")

    assert "--remotes" in told.value.next_step
    assert capsys.readouterr().out.count("no such host") == 5


def test_the_table_names_each_host_with_what_is_known() -> None:
    """Number, name, address, where it was found, and the rest."""
    lines = render_hosts(HOSTS, PLAIN, known={"trj": "reachable, wa 0.2.0"})

    assert lines[1].split() == ["1", "trj", "ubuntu@10.0.0.3:2222", "ssh", "config", "reachable,", "wa", "0.2.0"]
    assert lines[2].split() == ["2", "csd", "ubuntu@10.0.0.4", "by", "gate", "ssh", "config,", "wezterm.lua"]
    assert lines[5].endswith("its name is odd")


def test_names_of_files_cannot_move_the_cursor() -> None:
    """Escape sequences in a name are shown, not obeyed."""
    lines = render_hosts([FoundHost("a\x1b[2Jb", "a\x1b[2Jb", ("ssh config",), trouble="odd")], PLAIN)

    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_on_a_terminal_a_line_is_read_and_answered(tmp_path: Path, term: str) -> None:
    """Through a real pty: the question stands, the answer picks; a dumb terminal gets no escape sequences."""
    script = tmp_path / "menu.py"
    script.write_text(
        "from wa.model.host import FoundHost\n"
        "from wa.surfaces.host_menu import choose\n"
        "from wa.surfaces.output import stdout\n"
        "hosts = [FoundHost('trj', 'trj', ('ssh config',)), FoundHost('csd', 'csd', ('ssh config',))]\n"
        "print('picked', choose(hosts, stdout()))\n"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.execve(
            sys.executable,
            [sys.executable, str(script)],
            {"PYTHONPATH": str(SOURCES), "TERM": term, "PATH": os.environ["PATH"]},
        )
    seen = _read_until(terminal, HOW.encode())
    os.write(terminal, b"7\n")
    seen += _read_until(terminal, HOW.encode())
    os.write(terminal, b"1-2\n")
    seen += _read_until(terminal, b"picked ['trj', 'csd']")
    os.waitpid(child, 0)
    os.close(terminal)
    assert b"there are numbers from 1 to 2" in seen
    assert (b"\x1b" in seen) == (term != "dumb")


def _read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            data = b""
        assert data, seen
        seen += data
    return seen
