"""Runs of agents, listed and shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from store.agents_made_up import whole_run
from store.world import new_log
from wa.api.sessions import SessionWish, agent_name, list_sessions, show_session
from wa.api.shapes import load
from wa.config.paths import Paths
from wa.detect import session_ops as ops
from wa.model.errors import NotFound
from wa.store.agent_records import AgentBatch
from wa.store.writer import Writer

OWN_ID = "01a1f869-203f-7d21-bf3a-c6f11f9844da"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Two panes: a codex that ended, and was resumed in another pane, where it goes on; and a claude."""
    found = Paths.from_env({"WA_HOME": str(tmp_path)})

    async def fill() -> None:
        writer = await Writer.open(found.database)
        one, two = await new_log(writer, 1), await new_log(writer, 2)
        resumed, claude = ops.SessionRef(2, "codex"), ops.SessionRef(1, "claude_code")
        later = (
            ops.OpenSession(claude, 1500, joined=True),
            ops.CloseSession(claude, 2000, ops.EndMode.EXITED),
            ops.OpenSession(resumed, 5000, joined=False),
            ops.NoteSessionId(resumed, 5000, OWN_ID, 0.7, "file"),
            ops.OpenTurn(resumed, 1, 5100),
        )
        await writer.agent_events([AgentBatch(one.uid, whole_run(1000)), AgentBatch(two.uid, later)])
        await writer.close()

    asyncio.run(fill())
    return found


def test_the_newest_come_first(paths: Paths) -> None:
    """By pane, agent and instant: what went on after it counts."""

    def ids(**wish: object) -> list[str]:
        return [one["session"] for one in asyncio.run(list_sessions(paths, SessionWish(**wish)))["sessions"]]  # type: ignore[arg-type]

    assert ids() == ["s3", "s2", "s1"]
    assert ids(pane="p1") == ["s1"]
    assert ids(agent="claude") == ids(agent="Claude-Code") == ["s2"]
    assert ids(agent="codex") == ["s3", "s1"]
    assert ids(since="1970-01-01T00:00:01.950Z") == ["s3", "s2"]
    assert ids(limit=1) == ["s3"]
    with pytest.raises(NotFound):
        ids(pane="p9")


def test_both_answers_are_as_their_schemas_say(paths: Paths) -> None:
    """With figures that were never told, and with a session that goes on."""
    listed = asyncio.run(list_sessions(paths, SessionWish(limit=2)))

    Draft202012Validator(load("sessions")).validate(listed)
    assert (listed["more"], listed["live"], listed["sessions"][0]["ended_at"]) == (True, False, None)
    for name in ("s1", "s2", "s3"):
        Draft202012Validator(load("sessions")).validate(asyncio.run(show_session(paths, name)))


def test_one_is_shown_whole(paths: Paths) -> None:
    """Every figure under its name."""
    (shown,) = asyncio.run(show_session(paths, "s1"))["sessions"]
    parts = shown["parts"]

    assert shown["tokens"] == {"total": 2426, "input": 2105, "cached": 10_240, "output": 321, "reasoning": 128}
    assert shown["tool_calls"] == {"total": 7, "ok": 6, "failed": 1}
    assert [shown[name] for name in ("wall_s", "active_s", "api_s", "tool_s")] == [61.5, 12.0, 8.25, 1.5]  # type: ignore[literal-required]
    assert parts is not None
    assert [(one["outcome"], one["duration"], one["tokens"]) for one in parts["turns"]] == [
        ("done", "1s", 812),
        ("limited", None, None),
    ]
    assert parts["models"] == [{"model": "gemini-3-pro", "reqs": 4, "input": 2000, "cached": 100, "output": 300}]
    assert [(one["printed"], one["resets_at"], one["lifted_at"]) for one in parts["limits"]] == [
        ("6:38 AM", "1970-01-01T00:00:10.000Z", "1970-01-01T00:00:01.500Z")
    ]
    assert [(one["before"], one["after"]) for one in parts["compactions"]] == [(120_000, 9000)]
    assert [(one["source"], one["total"]) for one in parts["usage"]] == [("session.end", 2426)]


def test_the_agents_own_id_names_the_newest(paths: Paths) -> None:
    """Which names the one that it resumed; an unknown one is an error that says what to do."""
    (shown,) = asyncio.run(show_session(paths, OWN_ID))["sessions"]

    assert (shown["session"], shown["continues"]) == ("s3", "s1")
    with pytest.raises(NotFound, match="s99"):
        asyncio.run(show_session(paths, "s99"))
    with pytest.raises(NotFound):
        asyncio.run(show_session(Paths.from_env({"WA_HOME": "/nonexistent"}), "s1"))


def test_agents_have_other_names_too(tmp_path: Path) -> None:
    """As their own programs are called; a name of the user's own stays."""
    names = ["claude", "claude-code", "gemini-cli", "codex", "My-Agent"]

    paths = Paths.from_env({"WA_HOME": str(tmp_path)})
    assert [agent_name(paths, name) for name in names] == ["claude_code", "claude_code", "gemini", "codex", "my_agent"]
