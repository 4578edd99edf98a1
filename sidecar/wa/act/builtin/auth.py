"""An agent has lost its sign-in: a person must see to it, and is told how. Nothing is typed."""

from __future__ import annotations

from collections.abc import Mapping

from wa.act.builtin.steps import LEFT, Steps, look, seconds, tell, until
from wa.act.workflow import Context, Workflow
from wa.model.agent import PaneState
from wa.model.command import Ending

SIGN_IN: Mapping[str, str] = {
    "codex": "quit it and run `codex login`, or `codex login --device-auth` where no browser is",
    "claude_code": "type /login in it",
    "gemini": "type /auth in it",
}
"""Codex 0.87 to 0.169, Claude Code 2.1, Gemini CLI 0.24 to 0.61; seen 2026-11-20."""
WHAT: Mapping[str, str] = {
    "auth.device_code": "shows a one-time code that waits to be entered in a browser",
    "auth.url": "shows an address to sign in at",
    "auth.paste_code": "waits for the code that the browser shows",
    "auth.failed": "could not sign in",
    "error.auth": "was refused by its service: its sign-in is not valid any more",
    "waiting.login": "asks how to sign in",
}


HOUR_MS = 3_600_000
"""Several events of one lost sign-in are told once."""


def play(context: Context) -> Steps[Ending]:
    trigger = context.trigger
    yield from until(
        seconds(context.settings, "settle_s"), PaneState.WORKING, PaneState.IDLE, *sorted(LEFT), held_s=1.0
    )
    saw = yield from look()
    if not saw.alive:
        return Ending("pane_gone", "The pane has closed.")
    if saw.state is PaneState.WORKING or (saw.state is PaneState.IDLE and trigger.event != "error.auth"):
        return Ending("passed", "It is signed in again.")
    agent = trigger.agent or "An agent"
    how = SIGN_IN.get(agent, "look at it")
    body = f"{agent} {WHAT.get(trigger.event, 'is not signed in')}. Next step: {how}."
    yield from tell("Sign-in needed", body, needs_you=True, key=f"auth:{trigger.pane_uid}:{trigger.at_ms // HOUR_MS}")
    return Ending("told", body)


HANDLE_AUTH_REQUIRED = Workflow(
    name="handle_auth_required",
    events=frozenset(WHAT),
    play=play,
    about="When an agent is not signed in, tells a person the next step; types nothing.",
    version="1",
    settings={"settle_s": 3.0},
    default_enabled=True,
)
