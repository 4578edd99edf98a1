"""An agent has ended: tell what it used and how its session is reopened.

Not all say so: Claude Code 2.1 prints the command that reopens the session or nothing, and one that was killed nothing (seen 2026-11-21).
"""

from __future__ import annotations

from wa.act.builtin.steps import GONE, SESSION_ID, Steps, look, seconds, tell, until
from wa.act.workflow import Context, Workflow
from wa.model.command import Ending

HINTS = frozenset({"session.resume_hint", "session.end"})


def play(context: Context) -> Steps[Ending]:
    trigger, settings = context.trigger, context.settings
    said = dict(trigger.fields)
    if "session_id" not in said:
        happened = yield from until(seconds(settings, "hint_wait_s"), events=HINTS)
        said = dict(happened.fields) | said
    saw = yield from look()
    session_id = next((str(one) for one in (said.get("session_id"), saw.session_id) if one), "")
    parts = [f"{trigger.agent or 'The agent'} has ended."]
    if isinstance(total := said.get("total"), int):
        parts.append(f"{total:,} tokens.")
    if SESSION_ID.fullmatch(session_id):
        template = str(context.profile.get("resume", {}).get("command", ""))
        command = template.replace("{session_id}", session_id) if "{session_id}" in template else ""
        parts.append(f"Go on with: {command}" if command else f"Session {session_id}.")
    yield from tell("Session ended", " ".join(parts), needs_you=False, key=f"end:{trigger.pane_uid}:{saw.session_ms}")
    return Ending("told", " ".join(parts))


HANDLE_SESSION_END = Workflow(
    name="handle_session_end",
    events=frozenset({"session.end"}),
    play=play,
    about="When an agent ends, tells what it used and the command that reopens its session.",
    version="1",
    settings={"hint_wait_s": 3.0},
    starts=(GONE,),
    default_enabled=True,
)
