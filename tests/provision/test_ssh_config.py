"""Names in ssh's configuration, generated and hostile, checked against the real `ssh -G`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa.provision.ssh_config import config_words, is_destination, named_hosts

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client on PATH")
NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,8}[a-z0-9]", fullmatch=True)
QUOTINGS = st.sampled_from(["{}", '"{}"', "'{}'"])
SEPARATORS = st.sampled_from([" ", "  ", "\t", "=", " = ", "= "])
KEYWORDS = st.sampled_from(["Host", "host", "HOST", "hOsT"])


def write(home: Path, name: str, text: str) -> Path:
    path = home / ".ssh" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(home: Path) -> list[str]:
    return [name for name, _ in named_hosts(home).names]


@needs_ssh
@settings(max_examples=40, deadline=None)
@given(
    blocks=st.lists(
        st.tuples(KEYWORDS, SEPARATORS, st.lists(st.tuples(NAMES, QUOTINGS), min_size=1, max_size=3)), max_size=4
    ),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_name_read_here_is_a_name_for_ssh(blocks: list[tuple[str, str, list[tuple[str, str]]]], end: str) -> None:
    """Case, `=`, quotes, blanks and line ends as ssh takes them: the first block that names a host rules."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        lines, first = [], dict[str, int]()
        for number, (keyword, separator, written) in enumerate(blocks):
            lines.append(f"{keyword}{separator}{' '.join(how.format(name) for name, how in written)}")
            lines.append(f"  HostName block-{number}")
            for name, _ in written:
                first.setdefault(name, number)
        config = write(home, "config", end.join(lines))

        assert names(home) == list(first)
        for name, number in first.items():
            said = subprocess.run(
                ["ssh", "-F", str(config), "-G", "--", name], capture_output=True, text=True, stdin=subprocess.DEVNULL
            )
            assert f"hostname block-{number}" in said.stdout.splitlines(), said.stderr


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_trees_of_includes_end_whatever_includes_what(data: st.DataObject) -> None:
    """Every host of every file that can be reached is found once; loops are told, never followed."""
    count = data.draw(st.integers(1, 6))
    edges = {one: data.draw(st.lists(st.integers(0, count - 1), max_size=3)) for one in range(count)}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for one, others in edges.items():
            text = "".join(f"Include {'config' if other == 0 else f'part{other}'}\n" for other in others)
            write(home, "config" if one == 0 else f"part{one}", f"{text}Host h{one} *.x !h{one}\n")
        found = named_hosts(home)

    reached, todo = set[int](), [0]
    while todo:
        if (one := todo.pop()) not in reached:
            reached.add(one)
            todo += edges[one]
    assert sorted(name for name, _ in found.names) == sorted(f"h{one}" for one in reached)
    has_loop = any(_reaches(edges, other, one) for one in reached for other in edges[one])
    assert has_loop == any("includes itself" in note for note in found.notes)


def _reaches(edges: dict[int, list[int]], start: int, end: int) -> bool:
    seen, todo = set[int](), [start]
    while todo:
        if (one := todo.pop()) == end:
            return True
        if one not in seen:
            seen.add(one)
            todo += edges[one]
    return False


def test_includes_are_globs_below_ssh_and_the_home(tmp_path: Path) -> None:
    """In the order of their names; what is not there is nothing, as for ssh."""
    write(tmp_path, "config", "Include conf.d/* ~/work/ssh missing\nHost last\n")
    write(tmp_path, "conf.d/20", "Host b\n")
    write(tmp_path, "conf.d/10", "Host a\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "work/ssh").write_text("Host c\n")

    found = named_hosts(tmp_path)

    assert [name for name, _ in found.names] == ["a", "b", "c", "last"]
    assert found.notes == []


def test_a_home_with_signs_of_patterns_is_a_plain_folder(tmp_path: Path) -> None:
    """Only what the user wrote is a pattern."""
    home = tmp_path / "h[1]*"
    write(home, "config", "Include conf.d/*\n")
    write(home, "conf.d/a", "Host a\n")

    assert names(home) == ["a"]


def test_patterns_negations_and_matches_are_no_hosts(tmp_path: Path) -> None:
    """Only what can be typed behind `ssh` is one."""
    write(
        tmp_path,
        "config",
        "Host * !bad web? real\nMatch host nope exec true\n  User x\n# Host comment\nHost after # not-this\n",
    )

    assert names(tmp_path) == ["real", "after"]


def test_an_open_quote_is_told_with_its_line(tmp_path: Path) -> None:
    """The rest of the file is read all the same."""
    write(tmp_path, "config", 'Host "open\nHost fine\n')

    found = named_hosts(tmp_path)

    assert [name for name, _ in found.names] == ["fine"]
    assert "line 1" in found.notes[0]


@pytest.mark.parametrize("kind", ["pipe", "folder", "closed", "huge", "loop", "gone"])
def test_what_is_no_plain_file_is_told_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    """A pipe in place of a file would never end."""
    write(tmp_path, "config", "Include odd\nHost fine\n")
    odd = tmp_path / ".ssh/odd"
    match kind:
        case "pipe":
            os.mkfifo(odd)
        case "folder":
            odd.mkdir()
        case "closed":
            if os.geteuid() == 0:
                pytest.skip("root may read everything")
            odd.write_text("Host hidden\n")
            odd.chmod(0)
        case "huge":
            odd.write_bytes(b"# " + b"x" * 1024 * 1024)
        case "loop":
            odd.symlink_to(odd)
        case "gone":
            odd.symlink_to(tmp_path / "nowhere")

    found = named_hosts(tmp_path)

    assert [name for name, _ in found.names] == ["fine"]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("~/.ssh/odd ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("  Host a b", ["Host", "a", "b"]),
        ("Host=a", ["Host", "a"]),
        ('Host "a b" c', ["Host", "a b", "c"]),
        (r"Host a\ b", ["Host", "a b"]),
        ('"Host" x', ["Host", "x"]),
        ("Host a#b # c", ["Host", "a#b"]),
        ("", []),
        ("# x", []),
        ("Host 'a", None),
    ],
)
def test_a_line_is_taken_apart_as_ssh_does(line: str, words: list[str] | None) -> None:
    """Keyword first."""
    assert config_words(line) == words


@pytest.mark.parametrize("name", ["trj", "me@trj", "ssh://me@10.0.0.3:2222", "fe80::1%eth0", "::1", "büro", "a_b.c-d"])
def test_ordinary_names_may_go_to_ssh(name: str) -> None:
    """Aliases, addresses, and the form with a port."""
    assert is_destination(name)


@given(st.text(max_size=12))
def test_no_name_that_ssh_or_a_shell_could_misread_is_let_through(name: str) -> None:
    """No option, no blank, no shell character, no control character."""
    if is_destination(name):
        assert not name.startswith("-")
        assert not set(name) & set(" \t\n'\"\\$`;&|<>(){}*?!#~\x00\x1b")
