"""Work that does not get on: warn, poke where the user allows it, then ask for a person."""

from __future__ import annotations

from wa.act.builtin.steps import LEFT, Steps, act, answered, away, denied, look, seconds, send_when_free, tell, until
from wa.act.workflow import Busy, Context, OnState, Workflow
from wa.model.action import DONE, Action, ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import PROGRESS, Ending

MOVED = tuple(sorted(state for state in PaneState if state not in (PaneState.WORKING, PaneState.UNKNOWN)))
"""Whatever else it does, it does not go on retrying."""
GOT_ON = frozenset({"turn.done", "turn.interrupted", PROGRESS})
POKED_S = 5.0


def play(context: Context) -> Steps[Ending]:
    event = context.trigger.event
    if event in ("context.low", "error.context"):
        return (yield from _full(context))
    return (yield from _slow(context))


def _full(context: Context) -> Steps[Ending]:
    trigger = context.trigger
    agent = trigger.agent or "The agent"
    is_full = trigger.event == "error.context"
    left = trigger.fields.get("percent")
    said = "has no room left" if is_full else f"has {left} % of its context left" if left is not None else "runs low"
    body = f"{agent} {said}: compact it, or begin a new session."
    poke = str(context.settings["poke_full"])
    key = f"context:{trigger.pane_uid}:{trigger.event}"
    yield from tell("Context nearly full", body, needs_you=is_full and not poke, key=key)
    if not poke:
        return Ending("told", body)
    sent = yield from send_when_free(
        poke, seconds(context.settings, "patience_s"), lambda saw: away(saw, trigger.agent)
    )
    if sent.ending is not None:
        return sent.ending
    if sent.planned:
        return Ending("planned", f"Would have sent: {poke}")
    if sent.taken:
        return Ending("poked", f"Sent: {poke}")
    why = "" if sent.did is None else f" {sent.did.detail}"
    yield from tell("Context nearly full", f"{body} {poke} could not be sent.{why}", key=f"{key}:again")
    return Ending("escalated", "A person was told.", failed=True)


def _slow(context: Context) -> Steps[Ending]:
    """A retry, or work in which nothing new has come for long. It has `warn_s` to get on, and `escalate_s` more."""
    trigger, settings = context.trigger, context.settings
    agent = trigger.agent or "The agent"
    # A state that began this has lasted already.
    is_still = trigger.event == "state"
    lasted_s = float(trigger.fields.get("held_s", 0.0)) if is_still else 0.0
    wait_s = 0.0 if is_still else seconds(settings, "warn_s")
    what = "works, and nothing new has come" if is_still else "retries"
    key = f"stuck:{trigger.pane_uid}:{trigger.at_ms}"
    if (ending := (yield from _moved(context, wait_s))) is not None:
        return ending
    minutes = round((lasted_s + wait_s) / 60)
    yield from tell(f"{agent} may be stuck", f"It {what} since {minutes} minutes.", needs_you=False, key=key)
    poke = str(settings["poke"])
    poked: Ending | None = None
    if poke and (poked := (yield from _poke(context, poke))) is not None and poked.outcome != "poked":
        return poked
    if poked is not None:
        # Its own text scrolls by, and the agent begins anew: that is no progress yet.
        yield from until(POKED_S)
    if (ending := (yield from _moved(context, seconds(settings, "escalate_s")))) is not None:
        return ending if poked is None or ending.outcome != "moved_on" else poked
    what = what if poked is None else f"{what}, was told to go on"
    yield from tell(f"{agent} is stuck", f"It {what}, and nothing changed after the warning.", key=f"{key}:again")
    return Ending("escalated", "A person was told.", failed=True)


def _moved(context: Context, within_s: float) -> Steps[Ending | None]:
    """How the run ends where the pane got on within that time."""
    happened = yield from until(within_s, *MOVED, events=GOT_ON)
    saw = yield from look()
    if (ending := away(saw, context.trigger.agent)) is not None:
        return ending
    if happened.what or saw.state in MOVED:
        return Ending("moved_on", f"It got on by itself ({happened.what or saw.state.value}).")
    return None


def _poke(context: Context, text: str) -> Steps[Ending | None]:
    """End the turn and say *text*. None: the turn goes on."""
    while True:
        did = yield from act(Action(ActionKind.INTERRUPT))
        answer = yield from answered(did, seconds(context.settings, "patience_s"))
        if answer == "denied":
            return denied(did)
        if answer != "granted":
            break
        if (ending := away((yield from look()), context.trigger.agent)) is not None:
            return ending
    if did.outcome is ActOutcome.PLANNED:
        return Ending("planned", "It would have been interrupted and poked.")
    if did.outcome not in DONE:
        return None
    yield from until(30.0, PaneState.IDLE, *sorted(LEFT), held_s=1.0)
    agent = context.trigger.agent
    sent = yield from send_when_free(text, seconds(context.settings, "patience_s"), lambda saw: away(saw, agent))
    if sent.ending is not None:
        return sent.ending
    if sent.taken or sent.planned:
        return Ending("poked" if sent.taken else "planned", "It was interrupted and told to go on.")
    # Claude Code 2.1.328 puts the prompt of an interrupted turn back into its composer: a draft by then, and the person's.
    why = "" if sent.did is None else f" {sent.did.detail}"
    body = f"It was interrupted, and the text could not be sent: it stands idle.{why}"
    yield from tell(f"{agent} is stuck", body, key=f"stuck:{context.trigger.pane_uid}:{context.trigger.at_ms}:again")
    return Ending("escalated", body, failed=True)


STUCK = Workflow(
    name="stuck",
    events=frozenset({"rate.retry", "context.low", "error.context"}),
    play=play,
    about="Warns of retries that do not end, work in which nothing new comes and a full context; pokes only where told to.",
    version="3",
    starts=(OnState(frozenset({PaneState.WORKING}), setting="still_s", still=True),),
    when_busy=Busy.MERGE,
    settings={
        "still_s": 600.0,
        "warn_s": 300.0,
        "escalate_s": 600.0,
        "poke": "",
        "poke_full": "",
        "patience_s": 120.0,
    },
)
