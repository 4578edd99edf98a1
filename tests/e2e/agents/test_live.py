"""The real CLIs of January and of November 2026 at work, and what `wa status` and `wa events` say at each step."""

from __future__ import annotations

import re

import pytest

from e2e.agents.stage import Stage
from support.agents import CLIS, Cli

pytestmark = [pytest.mark.agents, pytest.mark.slow]


NAMES = {"codex": "codex", "claude": "claude_code", "gemini": "gemini"}


def each(name: str | None = None) -> pytest.MarkDecorator:
    clis = [cli for cli in CLIS if name in (None, cli.name)]
    return pytest.mark.parametrize("cli", clis, ids=[cli.label for cli in clis])


ASKS_FIRST = {"codex": ("-a", "on-request"), "claude": ("--permission-mode", "default"), "gemini": ()}
YES = {"codex": "y", "claude": "1", "gemini": "enter"}
COMPACT = {"codex": "/compact", "claude": "/compact", "gemini": "/compress"}
QUIT = {"codex": "/quit", "claude": "/exit", "gemini": "/quit"}
PRINTS_TURN_END = ("codex-0.169.0", "claude-2.1.328")
ASKS_QUESTIONS = ("codex-0.169.0", "claude-2.1.328", "claude-2.1.12", "gemini-0.61.0")
"""codex does so in its Plan mode only."""
NEVER_HERE = ("usage.limit", "usage.popup", "auth.device_code", "auth.failed", "error.auth", "waiting.login")


@each()
def test_a_day_of_work(stage: Stage, cli: Cli) -> None:
    """Start, a turn, an approval, a question where the version has one, compaction, exit."""
    agent = NAMES[cli.name]
    scenario = "day-compact" if cli.label in ASKS_QUESTIONS else "work-compact"
    with stage.agent(cli, scenario, *ASKS_FIRST[cli.name]) as pane:
        pane.becomes("idle", agent=agent)
        started = pane.told("session.start")
        if cli.label != "gemini-0.24.0":  # its banner has no version
            assert started["fields"]["version"] == cli.version

        pane.prompt("fix the failing parser test")
        since = pane.becomes("working", agent=agent)["since"]
        pane.shows("All 12 tests pass")
        assert pane.becomes("idle", agent=agent)["since"] > since
        if cli.label in PRINTS_TURN_END:
            pane.told("turn.done")
        pane.never_told("compaction.done", "session.end", "waiting.approval", *NEVER_HERE)

        pane.prompt("clean up and build")
        pane.becomes("waiting.approval", agent=agent)
        pane.told("waiting.approval", command="rm -rf build && make all")
        pane.answer(YES[cli.name], "the build passed")
        pane.becomes("idle", agent=agent)

        if cli.label in ASKS_QUESTIONS:
            if cli.name == "codex":
                pane.slash("/plan")
                pane.shows("Plan mode")
            pane.prompt("which database")
            pane.becomes("waiting.question", agent=agent)
            pane.told("waiting.question")
            pane.answer("enter", "Using that.")
            pane.becomes("idle", agent=agent)

        pane.prompt("read the whole tree")
        pane.shows("I read the whole tree.")
        pane.becomes("idle", agent=agent)
        pane.slash(COMPACT[cli.name])
        pane.told("compaction.done")
        pane.becomes("idle", agent=agent)

        pane.slash(QUIT[cli.name])
        pane.becomes("shell", "exited")
        if cli.label != "claude-2.1.12":  # it leaves without a word
            ended = pane.told("session.end" if cli.name == "gemini" else "session.resume_hint")
            assert len(ended["fields"]["session_id"]) == 36
        if cli.name == "codex":
            assert pane.told("session.end")["fields"]["total"] > 0
        pane.never_told(*NEVER_HERE)
        assert re.search("[0-9a-f-]{36}", pane.notified("Session ended")), "the way back into the session"


@each()
def test_a_usage_limit(stage: Stage, cli: Cli) -> None:
    """It is told once, with the reset; what owns the keyboard is told as well."""
    scenario = {"codex": "cx-limit-plus", "claude": "cc-limit-5h", "gemini": "gm-cc-exhausted"}[cli.name]
    with stage.agent(cli, scenario, subscription=cli.name != "codex") as pane:
        pane.becomes("idle", agent=NAMES[cli.name])
        pane.prompt("fix the failing parser test")
        pane.becomes("limited", "waiting.choice", agent=NAMES[cli.name])
        limit = pane.told("usage.limit")
        assert limit["fields"]["reset"]
        assert limit["fields"]["resets_at"]
        pane.never_told("compaction.done", "session.end", "auth.device_code", "error.auth", "waiting.approval")


@each("codex")
def test_signing_in_with_a_device_code(stage: Stage, cli: Cli) -> None:
    """codex waits while the code is shown, and says that it worked; the code is in no event."""
    with stage.agent(cli, "ok", command="codex login --device-auth --experimental_issuer {url}") as pane:
        pane.told("auth.device_code")
        pane.told("auth.ok")
        pane.becomes("shell", "exited")
        assert "1F4J-LS4XN" not in str(pane.events()), "a one-time code at rest"


@each("claude")
def test_signing_in_again(stage: Stage, cli: Cli) -> None:
    """claude's /login: the choice of the method, then the address."""
    with stage.agent(cli, "ok", subscription=True) as pane:
        pane.becomes("idle", agent="claude_code")
        pane.slash("/login")
        pane.becomes("waiting.login", agent="claude_code")
        pane.told("waiting.login")
        assert "type /login in it" in pane.notified("Sign-in needed")
        pane.press("enter")
        pane.told("auth.url")
        pane.press("esc")
        pane.becomes("idle", agent="claude_code")


@each("gemini")
def test_choosing_how_to_sign_in(stage: Stage, cli: Cli) -> None:
    """gemini, to which nobody has signed in yet, asks how."""
    with stage.agent(cli, "ok", command="gemini") as pane:
        pane.becomes("waiting.login", agent="gemini")
        pane.told("waiting.login")
        assert "type /auth in it" in pane.notified("Sign-in needed")
