"""Completion in the shells themselves: commands, options, names of panes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wa.surfaces.app import COMMANDS

ASKED = """
_describe() { local -a shown; shift $(( $# - 1 )); shown=( "${(@P)1}" ); print -l -- "${(@)shown%%:*}" }
_files() { print FILES }
compdef() { }
"""
"""zsh's own helpers, made to print what they are given."""


@pytest.fixture
def wa_on_path(house) -> Path:
    """A folder with `wa` in it."""
    folder = house.root / "bin"
    folder.mkdir()
    script = folder / "wa"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wa "$@"\n')
    script.chmod(0o755)
    house.env["PATH"] = f"{folder}:{house.env['PATH']}"
    return folder


def shell(house, argv: list[str]) -> list[str]:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    done = subprocess.run(argv, env=house.env, cwd=house.root, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return sorted(done.stdout.split())


def complete(house, name: str, words: list[str]) -> list[str]:
    """What *name*, a shell, offers for the last of *words*."""
    script = house.root / f"wa.{name}"
    script.write_text(house.wa("completion", name).stdout)
    if name == "fish":
        return sorted(
            line.split("\t")[0]
            for line in shell_lines(house, ["fish", "-N", "-c", f"source {script}; complete -C '{' '.join(words)}'"])
        )
    quoted = " ".join(f"'{word}'" for word in words)
    if name == "bash":
        ask = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; __wa_complete; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        return shell(house, ["bash", "--norc", "-c", f"source {script}; {ask}"])
    ask = f"words=({quoted}); CURRENT={len(words)}; __wa_complete"
    offered = shell(house, ["zsh", "-f", "-c", f"{ASKED}\nsource {script}\n{ask}"])
    return [word for word in offered if word.startswith(words[-1])]


def shell_lines(house, argv: list[str]) -> list[str]:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    done = subprocess.run(argv, env=house.env, cwd=house.root, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_commands_and_options_are_completed(house, wa_on_path: Path, name: str) -> None:
    """The first word is a command; after a dash come that command's options."""
    assert set(COMMANDS) <= set(complete(house, name, ["wa", ""]))
    assert complete(house, name, ["wa", "sea"]) == ["search"]
    assert "--context" in complete(house, name, ["wa", "search", "--con"])
    assert "--context" not in complete(house, name, ["wa", "panes", "--"])
    assert complete(house, name, ["wa", "config", "s"]) == ["show"]
    assert set(complete(house, name, ["wa", "completion", ""])) >= {"bash", "zsh", "fish"}
    assert complete(house, name, ["wa", "rules", "li"]) == ["lint", "list"]
    assert "--agent" in complete(house, name, ["wa", "rules", "scan", "--ag"])
    assert complete(house, name, ["wa", "expl"]) == ["explain"]


def test_files_are_offered_where_a_rule_reads_them(house, wa_on_path: Path) -> None:
    """`wa rules test`, `scan` and `lint`; also names with blanks."""
    (house.root / "a screen.txt").write_text("")

    assert complete(house, "bash", ["wa", "rules", "test", "a"]) == ["a", "screen.txt"]
    assert complete(house, "bash", ["wa", "record", "p1", "--to", "a"]) == ["a", "screen.txt"]
    assert "a" not in complete(house, "bash", ["wa", "rules", "a"])


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_names_of_panes_come_from_the_sidecar(watched, name: str, tmp_path: Path) -> None:
    """Where a pane is wanted, live panes are offered; a hostile title runs nothing and breaks nothing."""
    folder = watched.root / "bin"
    folder.mkdir(exist_ok=True)
    script = folder / "wa"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wa "$@"\n')
    script.chmod(0o755)
    watched.env["PATH"] = f"{folder}:{watched.env['PATH']}"
    trap = tmp_path / "trap"
    hostile = watched.spawn(
        "/bin/sh", "-c", f"printf '\\033]2;$(touch {trap})`touch {trap}`;touch {trap} * \\007'; sleep 1000"
    )
    uid = watched.pane(hostile)["pane_uid"]

    assert uid in complete(watched, name, ["wa", "logs", "p"])
    assert uid in complete(watched, name, ["wa", "search", "words", "--pane", "p"])
    assert not trap.exists()


def test_nothing_is_offered_without_a_sidecar(house, wa_on_path: Path) -> None:
    """And nothing is printed where it would disturb the line."""
    done = house.wa("--pane-names")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert complete(house, "bash", ["wa", "logs", "p"]) == []


def test_unknown_shells_are_told_which_are_known(house) -> None:
    """The error names the three."""
    assert "bash, zsh or fish" in house.fails("completion", "tcsh")[1]["next_step"]
