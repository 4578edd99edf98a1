"""Where the user chose it: end the agent at a limit, and hand over to whoever signs in with another account."""

from __future__ import annotations

from wa.act.builtin.steps import SESSION_ID, Steps, act, answered, denied, look, park, tell, until
from wa.model.action import Action, ActionKind, ActOutcome
from wa.model.command import Ending, Saw, Trigger

HELD = frozenset({ActOutcome.HUMAN_TYPING, ActOutcome.DRAFT, ActOutcome.UNREACHABLE, ActOutcome.ASKED})
"""Nothing was typed, and waiting may help."""
TRIES = 3
SAID_S = 5.0
"""Exit texts may come in parts."""
_KEPT = ("session_id", "total", "input", "cached", "output", "reasoning", "mode")


def hand_over(trigger: Trigger, before: Saw, key: str, patience_s: float) -> Steps[Ending]:
    now_ms, tries = before.at_ms, 0
    deadline = now_ms + int(patience_s * 1000)
    while True:
        did = yield from act(Action(ActionKind.EXIT))
        answer = yield from answered(did, (deadline - now_ms) / 1000)
        if answer == "denied":
            return denied(did)
        if answer == "granted":
            now_ms = (yield from look()).at_ms
            continue
        # Its keys may have gone to something else: Claude Code 2.1.328 first takes back that it goes on by itself, and a
        # hint that stands for less than a second may be missed on a busy machine.
        tries += did.outcome is ActOutcome.NOT_TAKEN
        if did.outcome not in HELD and not (did.outcome is ActOutcome.NOT_TAKEN and tries < TRIES):
            break
        now_ms = (yield from look()).at_ms
        if now_ms >= deadline:
            break
        now_ms = yield from park(now_ms + 10_000)
    if did.outcome is ActOutcome.PLANNED:
        return Ending("planned", "The agent would have been ended.")
    if did.outcome is not ActOutcome.EXITED:
        yield from tell("Could not end the agent at its limit", did.detail, key=f"{key}:exit")
        return Ending("not_exited", f"{did.outcome.value}: {did.detail}", failed=True)
    said = {name: did.evidence[name] for name in _KEPT if name in did.evidence}
    if "session_id" not in said or "total" not in said:
        happened = yield from until(SAID_S, events=frozenset({"session.end", "session.resume_hint"}))
        said = {name: happened.fields[name] for name in _KEPT if name in happened.fields} | said
    after = yield from look()
    known = (said.get("session_id"), after.session_id, before.session_id)
    session_id = next((str(one) for one in known if one and SESSION_ID.fullmatch(str(one))), None)
    tokens = f", {said['total']} tokens" if "total" in said else ""
    resume = f"session {session_id}" if session_id else "its session has no id that wa could read"
    detail = f"{trigger.agent or 'The agent'} was ended at its usage limit: {resume}{tokens}."
    yield from tell("Sign in with another account", detail, needs_you=True, key=f"{key}:handed_over")
    return Ending("handed_over", detail)
