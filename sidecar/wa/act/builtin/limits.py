"""At a usage limit: close the box by its label, sleep until the reset, say that work may go on. Never blindly: a box owns the keyboard.

Printed resets have no seconds, so the real one lies up to a minute later. An agent that says it goes on by itself is left alone until
three minutes after the reset (Claude Code 2.1.328 does so about 75 s after it, and any key cancels it; seen 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wa.act.builtin.limit_box import close_box
from wa.act.builtin.limit_exit import hand_over
from wa.act.builtin.steps import (
    ASKING,
    AT_WORK,
    LEFT,
    Steps,
    away,
    look,
    not_sent,
    park,
    seconds,
    send_when_free,
    tell,
    until,
)
from wa.act.workflow import Busy, Context, Workflow
from wa.model.agent import PaneState
from wa.model.command import Ending, Saw

DAY_MS = 86_400_000
MINUTE_MS = 60_000
MAX_AGAIN_S = 6 * 3600.0
TAKEN_S = 10.0
"""A prompt that was taken shows as work within this."""


@dataclass
class Limited:
    """One run: what it knows of the limit."""

    context: Context
    until_ms: int | None
    printed: str
    parks: int = 0
    parked: Saw | None = None
    """The pane as it was left."""

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.context.settings

    @property
    def agent(self) -> str | None:
        return self.context.trigger.agent

    @property
    def key(self) -> str:
        return f"limit:{self.context.trigger.pane_uid}:{self.context.trigger.at_ms}"


def play(context: Context) -> Steps[Ending]:
    fields = context.trigger.fields
    run = Limited(context, _instant(fields.get("resets_at")), str(fields.get("reset") or ""))
    saw = yield from look()
    if (ending := away(saw, run.agent)) is not None:
        return ending
    if saw.state in AT_WORK:
        yield from until(seconds(run.settings, "box_wait_s"), PaneState.LIMITED, PaneState.IDLE, *sorted(ASKING))
        saw = yield from look()
    if (gone := _gone_on(saw, context.trigger.at_ms)) is not None:
        return gone
    while True:
        ending = yield from _once(run)
        if ending is not None:
            return ending


def _once(run: Limited) -> Steps[Ending | None]:
    """Close the box, park, go on. None: limited again, once more from the start."""
    boxed = yield from close_box(run.settings, run.context.profile)
    saw = yield from look()
    if (ending := away(saw, run.agent)) is not None:
        return ending
    _learn(run, saw)
    if boxed.stays:
        yield from tell(
            "A limit's box is open", f"wa did not close it: {boxed.detail}", needs_you=True, key=f"{run.key}:box"
        )
    elif run.settings["on_limit"] == "exit":
        yield from tell("Usage limit", "The agent is ended, as you chose.", needs_you=False, key=run.key)
        return (yield from hand_over(run.context.trigger, saw, run.key, seconds(run.settings, "patience_s")))
    if run.parks >= run.settings["max_parks"]:
        return (yield from _give_up(run, "still_limited", f"Limited {run.parks} times in a row."))
    run.parks += 1
    run.parked = saw
    if run.until_ms is None:
        if run.settings["without_reset"] != "retry":
            return (yield from _give_up(run, "no_reset", "The agent prints no time at which the limit ends."))
        target = saw.at_ms + int(_again_s(run) * 1000)
    else:
        target = run.until_ms
    if target - saw.at_ms > seconds(run.settings, "max_wait_s") * 1000:
        return (yield from _give_up(run, "too_far", f"The limit ends only at {_shown(target)}."))
    if run.parks == 1:
        yield from tell(
            "Usage limit",
            f"Parked; goes on after {run.printed or _shown(target)}.",
            needs_you=False,
            key=run.key,
        )
    if saw.resumes_itself:
        return (yield from _hands_off(run, target))
    margin_s, spread_s = seconds(run.settings, "margin_s"), seconds(run.settings, "spread_s")
    yield from park(target + int(margin_s * 1000), spread_s)
    saw = yield from look()
    if (ending := away(saw, run.agent)) is not None:
        return ending
    if _limited_anew(run, saw):
        _learn(run, saw)
        return None
    if saw.resumes_itself:
        return (yield from _hands_off(run, target))
    if (gone := _gone_on_since(run, saw, target)) is not None:
        return gone
    return (yield from _go_on(run))


# -- an agent that goes on by itself ---------------------------------------------------------------------------------


def _hands_off(run: Limited, reset_ms: int) -> Steps[Ending | None]:
    """Nothing is typed until it had its time; then it has gone on, or it is told to."""
    started = yield from park(reset_ms)
    deadline = max(started, reset_ms) + int(seconds(run.settings, "hands_off_s") * 1000)
    extended = 0
    while True:
        saw = yield from look()
        if (ending := away(saw, run.agent)) is not None:
            return ending
        if saw.state in AT_WORK or _began_since(run, saw, reset_ms):
            return (yield from _confirm(run, "resumed_itself"))
        if _limited_anew(run, saw):
            _learn(run, saw)
            return None
        if saw.at_ms >= deadline:
            if not saw.resumes_itself:
                return (yield from _go_on(run))
            if extended >= run.settings["max_extensions"]:
                return (yield from _give_up(run, "did_not_resume", "It says that it goes on by itself, and did not."))
            extended += 1
            deadline = saw.at_ms + int(seconds(run.settings, "hands_off_s") * 1000)
        happened = yield from until(
            (deadline - saw.at_ms) / 1000, PaneState.WORKING, *sorted(LEFT), events=frozenset({"turn.done"})
        )
        if happened.what == PaneState.WORKING.value:
            return (yield from _confirm(run, "resumed_itself"))


# -- going on --------------------------------------------------------------------------------------------------------


def _go_on(run: Limited) -> Steps[Ending | None]:
    before = yield from look()
    if before.state in ASKING:
        boxed = yield from close_box(run.settings, run.context.profile)
        if boxed.stays:
            yield from tell("A dialog is open", f"The limit is over; {boxed.detail}", key=f"{run.key}:box")
    sent = yield from send_when_free(
        str(run.settings["prompt"]), seconds(run.settings, "patience_s"), lambda saw: _moot(run, saw)
    )
    if sent.ending is not None:
        return sent.ending
    if sent.planned:
        return Ending("planned", "The prompt would have been sent.")
    assert sent.did is not None
    if not sent.taken:
        ending = not_sent(sent.did)
        yield from tell("Could not go on after the limit", ending.detail, key=f"{run.key}:not_sent")
        return ending
    yield from until(TAKEN_S, PaneState.WORKING, events=frozenset({"usage.limit", "usage.popup", "turn.done"}))
    return (yield from _confirm(run, "resumed"))


def _confirm(run: Limited, outcome: str) -> Steps[Ending | None]:
    """Work goes on; or the limit answers at once, then None."""
    happened = yield from until(
        seconds(run.settings, "confirm_s"),
        PaneState.LIMITED,
        PaneState.IDLE,
        *sorted(LEFT | ASKING),
        events=frozenset({"usage.limit", "usage.popup"}),
        held_s=1.0,
    )
    if happened.what in ("", PaneState.IDLE.value):
        return Ending(outcome, "Work goes on.")
    saw = yield from look()
    if (ending := away(saw, run.agent)) is not None:
        return ending
    if saw.state is PaneState.LIMITED or _about_limit(saw):
        _learn(run, saw)
        if run.until_ms is None or run.until_ms <= saw.at_ms:
            # No later time is printed: it is asked again after a while, less and less often.
            run.until_ms = saw.at_ms + int(_again_s(run) * 1000)
        return None
    return Ending(outcome, "Work goes on.")


def _moot(run: Limited, saw: Saw) -> Ending | None:
    if (ending := away(saw, run.agent)) is not None:
        return ending
    if saw.state in AT_WORK:
        return Ending("already_gone_on", "Work has gone on by itself or by a person.")
    if saw.resumes_itself:
        return Ending("resumes_itself", "It says by now that it goes on by itself: left alone.")
    return None


# -- what is known ---------------------------------------------------------------------------------------------------


def _gone_on(saw: Saw, since_ms: int) -> Ending | None:
    """Nothing is to be done: work goes on, or went on after *since_ms*, and nothing limits it now."""
    begun = saw.turn_ms is not None and saw.turn_ms > since_ms
    if saw.state in AT_WORK or (begun and saw.state is PaneState.IDLE and not saw.resumes_itself):
        return Ending("already_gone_on", "Work has gone on by itself or by a person.")
    return None


def _began_since(run: Limited, saw: Saw, reset_ms: int) -> bool:
    """A turn that the limit did not end. The printed minute may have begun before the turn that met the limit."""
    assert run.parked is not None
    if saw.turn_ms is None or saw.state is PaneState.LIMITED:
        return False
    return saw.turn_ms >= max(reset_ms, run.parked.at_ms)


def _gone_on_since(run: Limited, saw: Saw, reset_ms: int) -> Ending | None:
    """Like `_gone_on`, since the pane was parked. In doubt it has: then nothing is typed."""
    if saw.state is not PaneState.IDLE:
        return _gone_on(saw, reset_ms)
    assert run.parked is not None
    if saw.turn_ms is not None:
        lapsed = saw.since_ms >= reset_ms + MINUTE_MS - 1_000
        begun = saw.turn_ms > run.parked.at_ms
        return _gone_on(saw, run.parked.at_ms) if begun and not lapsed else None
    if saw.since_ms == run.parked.since_ms or saw.since_ms >= reset_ms + MINUTE_MS - 1_000:
        return None
    return Ending("already_gone_on", "The pane was at work since, or nobody knows.")


def _limited_anew(run: Limited, saw: Saw) -> bool:
    """A later reset is printed. The same clock time read again on another day is the old one."""
    new, old = saw.limit_until_ms, run.until_ms
    if saw.state is not PaneState.LIMITED or new is None or new <= saw.at_ms:
        return False
    if old is None:
        return True
    days, rest = divmod(new - old + MINUTE_MS, DAY_MS)
    return new > old + MINUTE_MS and not (days >= 1 and rest <= 2 * MINUTE_MS)


def _about_limit(saw: Saw) -> bool:
    said = " ".join((saw.question or "", *saw.options)).casefold()
    return saw.state in ASKING and ("limit" in said or "quota" in said)


def _learn(run: Limited, saw: Saw) -> None:
    if saw.limit_until_ms is not None and (run.until_ms is None or _limited_anew(run, saw)):
        run.until_ms = saw.limit_until_ms
        run.printed = ""


def _again_s(run: Limited) -> float:
    return min(seconds(run.settings, "again_s") * 2.0 ** max(0, run.parks - 1), MAX_AGAIN_S)


def _instant(value: object) -> int | None:
    """Milliseconds since the epoch, of an ISO 8601 instant with a zone or of milliseconds."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return None if moment.tzinfo is None else int(moment.timestamp() * 1000)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _shown(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _give_up(run: Limited, outcome: str, detail: str) -> Steps[Ending]:
    yield from tell("Usage limit: wa gives up", detail, key=f"{run.key}:{outcome}")
    return Ending(outcome, detail, failed=True)


HANDLE_USAGE_LIMITS = Workflow(
    name="handle_usage_limits",
    events=frozenset({"usage.limit"}),
    play=play,
    about="At a usage limit closes the box by its label, sleeps until the reset and sends the resume prompt once.",
    version="1",
    when_busy=Busy.MERGE,
    settings={
        "prompt": "proceed.",
        "on_limit": "park",
        "close": (),
        "box_wait_s": 5.0,
        "box_tries": 3,
        "margin_s": 60.0,
        "spread_s": 30.0,
        "hands_off_s": 180.0,
        "max_extensions": 2,
        "patience_s": 900.0,
        "confirm_s": 20.0,
        "without_reset": "notify",
        "again_s": 900.0,
        "max_parks": 6,
        "max_wait_s": 8 * 86_400.0,
    },
    max_age_s=6 * 3600.0,
)
