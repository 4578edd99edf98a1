"""`wa hooks`, as a person and as a program runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.sidecar import SOURCES

CLAUDE = '{\n  "env": {"TOKEN": "hunter2-s3cret"}, // no\n}\n'
CODEX = 'notify = ["notify-send", "hunter2-s3cret"]\n'


class Person:
    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.work = folder / "work"
        for one in (self.home, self.work):
            one.mkdir()
        self.env = {
            "HOME": str(self.home),
            "WA_HOME": str(folder / "wa"),
            "PATH": str(self.work),
            "PYTHONPATH": str(SOURCES),
        }

    def wa(self, *words: str, status: int = 0) -> str:
        argv = [sys.executable, "-m", "wa", "hooks", *words]
        done = subprocess.run(
            argv, env=self.env, cwd=self.work, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self.wa(*words, "--json", status=status))

    def tree(self) -> dict[str, bytes | None]:
        return {
            str(path.relative_to(self.home)): path.read_bytes() if path.is_file() else None
            for path in self.home.rglob("*")
        }


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def test_a_dry_run_changes_nothing(person: Person) -> None:
    """It shows what would be, for each file, and no value of the user's."""
    (person.home / ".codex").mkdir()
    (person.home / ".codex/config.toml").write_text(CODEX)
    before = person.tree()

    shown = person.wa("install", "--dry-run")

    assert '"hook", "codex", "notify", "--", …]' in shown
    assert "hunter2" not in shown
    assert "Nothing was changed." in shown
    assert person.tree() == before


def test_there_and_back_leaves_no_trace(person: Person) -> None:
    """For all agents at once, whether they had settings or not; the second time nothing is left to do."""
    (person.home / ".codex").mkdir()
    (person.home / ".codex/config.toml").write_text(CODEX)
    (person.home / ".gemini").mkdir()
    before = person.tree()
    agents = ("--agent", "claude", "--agent", "codex", "--agent", "gemini")

    assert person.json("install", "--yes", *agents)["data"]["done"]
    standing = {one["path"].removeprefix(f"{person.home}/"): one for one in person.json("status")["data"]["files"]}
    assert "Stop" in standing[".claude/settings.json"]["events"]
    assert standing[".codex/config.toml"]["events"] == ["notify"]
    assert all(one["trouble"] is None for one in standing.values())
    assert "Nothing to change." in person.wa("install", *agents)

    assert "Changed" in person.wa("uninstall", "--yes")
    assert person.tree() == before
    assert "Nothing to change." in person.wa("uninstall")


def test_a_project_has_settings_of_its_own(person: Person) -> None:
    """Those of the present folder that are not shared; the user's are not touched."""
    person.wa("install", "--project", "--yes", "--agent", "claude")

    assert [str(path.relative_to(person.work)) for path in person.work.rglob("*.json")] == [
        ".claude/settings.local.json"
    ]
    assert person.tree() == {}
    person.wa("uninstall", "--project", "--yes")
    assert list(person.work.iterdir()) == []


def test_a_broken_file_stops_all_before_anything_is_written(person: Person) -> None:
    """With its name and line; the files of the other agents stay as they are too."""
    (person.home / ".claude").mkdir()
    (person.home / ".claude/settings.json").write_text(CLAUDE)
    before = person.tree()

    error = person.json("install", "--yes", "--agent", "codex", "--agent", "claude", status=2)["error"]

    assert f"{person.home}/.claude/settings.json:2: a comment" in error["message"]
    assert person.tree() == before


def test_nobody_is_asked_where_nobody_is(person: Person) -> None:
    """Without a terminal and without --yes nothing is done."""
    (person.home / ".gemini").mkdir()

    assert "Add --yes" in person.wa("install", status=2)
    assert "Add --yes" in person.json("install", status=2)["error"]["next_step"]
    assert person.tree() == {".gemini": None}


def test_an_agent_that_nobody_knows_is_named(person: Person) -> None:
    """With those that there are."""
    assert "claude_code, codex, gemini" in person.wa("install", "--agent", "vim", status=2)
    assert "none of the agents" in person.wa("install", status=3)
    assert "no hooks are installed" in person.wa("test", status=3)


def test_a_line_that_leads_nowhere_is_told(person: Person) -> None:
    """After wa was moved or taken away, status says so."""
    (person.home / ".gemini").mkdir()
    entry = {"type": "command", "command": "/gone/wa hook gemini SessionEnd"}
    (person.home / ".gemini/settings.json").write_text(json.dumps({"hooks": {"SessionEnd": [{"hooks": [entry]}]}}))

    (found,) = person.json("status", "--agent", "gemini")["data"]["files"]

    assert found["events"] == ["SessionEnd"]
    assert "/gone/wa is not there any more" in found["trouble"]
    assert os.access("/gone/wa", os.X_OK) is False
