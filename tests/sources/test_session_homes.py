from __future__ import annotations

import hashlib
import json
import os
import socket
from pathlib import Path

import pytest

from wa.sources.session_homes import Homes, claude_slug, files_of, local_folder

WORK = "/home/dev/my_demo.d"


@pytest.fixture
def homes(tmp_path: Path) -> Homes:
    return Homes.from_env({"HOME": str(tmp_path)})


def put(path: Path, at_s: float = 1000.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n")
    os.utime(path, (at_s, at_s))
    return path


def test_homes_follow_the_agents_own_variables() -> None:
    """CODEX_HOME and CLAUDE_CONFIG_DIR name the folder itself, GEMINI_CLI_HOME the one above."""
    env = {"HOME": "/h", "CODEX_HOME": "/c", "CLAUDE_CONFIG_DIR": "/d", "GEMINI_CLI_HOME": "/g"}
    assert Homes.from_env(env) == Homes(Path("/c"), Path("/d"), Path("/g/.gemini"))
    assert Homes.from_env({"HOME": "/h"}) == Homes(Path("/h/.codex"), Path("/h/.claude"), Path("/h/.gemini"))


@pytest.mark.parametrize(
    ("cwd", "folder"),
    [
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b"),
        ("/", "/"),
        ("file:///a/b%20c", "/a/b c"),
        ("file:///a/c#/?x", "/a/c#/?x"),
        ("file:/a", "/a"),
        ("file://", None),
        ("file://localhost/a", "/a"),
        (f"file://{socket.gethostname()}/a", "/a"),
        ("file://elsewhere.example/a", None),
        ("file://[bad/a", None),
        ("a/b", None),
        ("/a\0b", None),
        ("", None),
        (None, None),
    ],
)
def test_a_folder_is_read_from_what_a_terminal_reports(cwd: str | None, folder: str | None) -> None:
    """Paths and file:// URLs of this host; other hosts' folders are none of ours."""
    assert local_folder(cwd) == folder


def test_each_agents_files_are_found(homes: Homes) -> None:
    """Codex by day, Claude Code by the folder's name, Gemini CLI by its digest or its short name."""
    codex = put(homes.codex / "sessions/2026/11/21/rollout-2026-11-21T12-00-00-x.jsonl")
    put(homes.codex / "sessions/2026/11/21/rollout.txt")
    claude = put(homes.claude / "projects/-home-dev-my-demo-d/x.jsonl")
    put(homes.claude / "projects/-home-dev-my-demo-d/sessions-index.json")
    put(homes.claude / "projects/-home-dev-other/y.jsonl")
    digest = hashlib.sha256(WORK.encode()).hexdigest()
    old = put(homes.gemini / "tmp" / digest / "chats/session-2026-11-21T12-00-x.json", 1001)
    new = put(homes.gemini / "tmp/demo/chats/session-2026-11-21T12-00-y.jsonl", 1002)
    put(homes.gemini / "tmp/other/chats/session-2026-11-21T12-00-z.jsonl")
    (homes.gemini / "projects.json").write_text(json.dumps({"projects": {WORK: "demo", "/b": "other"}}))

    assert [file.path for file in files_of("codex", homes, [WORK], 0)] == [codex]
    assert [file.path for file in files_of("claude_code", homes, [WORK], 0)] == [claude]
    assert [file.path for file in files_of("gemini", homes, [WORK], 0)] == [new, old]
    assert [file.path for file in files_of("gemini", homes, [WORK], 1_001_500)] == [new]
    assert files_of("aider", homes, [WORK], 0) == []


def test_a_folder_with_a_long_name_is_found_by_its_beginning(homes: Homes) -> None:
    """Claude Code puts a digest behind 200 characters."""
    folder = "/" + "a" * 300
    path = put(homes.claude / "projects" / f"{claude_slug(folder)}-1x2y3z/x.jsonl")
    assert [file.path for file in files_of("claude_code", homes, [folder], 0)] == [path]


def test_a_linked_folder_is_the_one_it_leads_to(homes: Homes, tmp_path: Path) -> None:
    """Agents write the resolved path, terminals the one that was typed."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    path = put(homes.claude / "projects" / claude_slug(str(tmp_path / "real")) / "x.jsonl")
    assert [file.path for file in files_of("claude_code", homes, [str(tmp_path / "link")], 0)] == [path]


def test_what_cannot_be_read_is_not_there(homes: Homes) -> None:
    """Links in circles, pipes, folders with a file's name, files in a folder's place: passed over."""
    day = homes.codex / "sessions/2026/11/21"
    day.mkdir(parents=True)
    (day / "rollout-circle.jsonl").symlink_to(day / "rollout-circle.jsonl")
    (day / "rollout-dangling.jsonl").symlink_to(day / "nothing")
    os.mkfifo(day / "rollout-pipe.jsonl")
    (day / "rollout-folder.jsonl").mkdir()
    (homes.codex / "sessions/2025").write_text("no folder")
    assert files_of("codex", homes, [WORK], 0) == []
    assert files_of("claude_code", homes, [WORK], 0) == []


@pytest.mark.parametrize(
    "written", ["", "[]", '{"projects": 5}', '{"projects": {"/home/dev/my_demo.d": "../../etc"}}', "[" * 9999]
)
def test_names_of_projects_are_names(homes: Homes, written: str) -> None:
    """A broken or hostile projects.json leads nowhere."""
    put(homes.gemini / "projects.json").write_text(written)
    put(homes.gemini / "etc/chats/session-x.jsonl")
    put(homes.gemini.parent / "etc/chats/session-x.jsonl")
    assert files_of("gemini", homes, [WORK], 0) == []
