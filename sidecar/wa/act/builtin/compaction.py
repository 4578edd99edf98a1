"""After a compaction the agent has forgotten its instructions: tell it to read them again."""

from __future__ import annotations

from wa.act.builtin.steps import AT_WORK, LEFT, Steps, away, look, not_sent, seconds, send_when_free, until
from wa.act.workflow import Busy, Context, Workflow
from wa.model.action import ActOutcome
from wa.model.agent import PaneState
from wa.model.command import Ending, Saw

STOPPED = (PaneState.LIMITED, PaneState.AUTH_ERROR, PaneState.ERROR)
PRINTED_AGAIN_MS = 5_000
"""A compaction so soon after the session began is that of an earlier run, printed again by a resumed session."""


def play(context: Context) -> Steps[Ending]:
    """Wait for the composer, through whatever turn goes on by itself; then one prompt, however many compactions there were."""
    settings, trigger = context.settings, context.trigger
    saw = yield from look()
    if saw.session_ms is not None and 0 <= trigger.at_ms - saw.session_ms < PRINTED_AGAIN_MS:
        return Ending("printed_again", "A resumed session printed an earlier compaction.")
    deadline = saw.at_ms + int(seconds(settings, "turn_wait_s") * 1000)
    while True:
        if (ending := away(saw, trigger.agent)) is not None:
            return ending
        if saw.state in STOPPED:
            return Ending(saw.state.value, "The agent was stopped by something else.")
        if saw.at_ms >= deadline:
            return Ending("no_composer", f"The composer did not come back ({saw.state.value}).")
        left_s = (deadline - saw.at_ms) / 1000
        happened = yield from until(
            left_s, PaneState.IDLE, *STOPPED, *sorted(LEFT), held_s=seconds(settings, "settle_s")
        )
        if happened.what == PaneState.IDLE.value:
            sent = yield from send_when_free(
                str(settings["prompt"]), seconds(settings, "patience_s"), lambda now: _moot(now, trigger.agent)
            )
            if sent.taken:
                return Ending("primed", "The prompt was sent.")
            if sent.planned:
                return Ending("planned", "The prompt would have been sent.")
            if sent.did is not None and sent.did.outcome is not ActOutcome.BUSY:
                return not_sent(sent.did)
            if sent.ending is not None and sent.ending.outcome != "working":
                return sent.ending
        saw = yield from look()


def _moot(saw: Saw, agent: str | None) -> Ending | None:
    if (ending := away(saw, agent)) is not None:
        return ending
    if saw.state in AT_WORK:
        return Ending("working", "A turn has begun: the composer comes back after it.")
    if saw.state in STOPPED:
        return Ending(saw.state.value, "The agent was stopped by something else.")
    return None


HANDLE_COMPACTION = Workflow(
    name="handle_compaction",
    events=frozenset({"compaction.done"}),
    play=play,
    about="After a compaction, when the composer is back, tells the agent to read its instructions again.",
    version="1",
    when_busy=Busy.MERGE,
    settings={
        "prompt": "Reread AGENTS.md so it's still fresh in your mind.",
        "settle_s": 2.0,
        "turn_wait_s": 7200.0,
        "patience_s": 900.0,
    },
)
