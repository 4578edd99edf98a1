"""An agent has crashed: resume its session by id, in a shell that is at its prompt; later and later, and not for ever.

Nothing else than the resume command is typed, with an id of the plainest form in it. Whether the shell is really at its prompt the hands
see to, right before they type.
"""

from __future__ import annotations

from wa.act.builtin.steps import AT_WORK, LEFT, SESSION_ID, Steps, act, look, park, seconds, tell, until, words
from wa.act.workflow import Busy, Context, OnState, Workflow
from wa.model.action import Action, ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import Did, Ending, Saw

KINDS = {"error.crash": "crash", "session.end": "exit", "state": "gone"}
"""`gone`: the agent is not there any more, whatever it said. One that was killed says nothing."""
BACK = (PaneState.IDLE, *sorted(AT_WORK), *sorted(state for state in PaneState if state.startswith("waiting.")))
GONE_S = 3.0
"""Exit texts have come by then, mostly. After five seconds nobody knows any more which agent it was."""
_TRY_AGAIN = frozenset({ActOutcome.SCREEN_MOVED, ActOutcome.UNREACHABLE, ActOutcome.BUSY})
"""Nothing was typed."""


def play(context: Context) -> Steps[Ending]:
    trigger, settings = context.trigger, context.settings
    first = yield from look()
    kind = KINDS.get(trigger.event, "manual")
    if (ending := _not_wanted(context, first, kind)) is not None:
        return ending
    command = yield from _command(context, first)
    if command is None:
        return (yield from _give_up(context, "no_session_id", "No session id was printed, so nothing can be resumed."))
    why = ""
    for number in range(int(settings["tries"])):
        if number:
            saw = yield from look()
            yield from park(saw.at_ms + int(seconds(settings, "back_off_s") * 4 ** (number - 1) * 1000))
        happened = yield from until(
            seconds(settings, "shell_wait_s"), *sorted(LEFT), *BACK, held_s=seconds(settings, "settle_s")
        )
        if happened.what in {state.value for state in BACK}:
            return Ending("already_back", "An agent is in the pane again.")
        saw = yield from look()
        if not saw.alive:
            return Ending("pane_gone", "The pane has closed.")
        if saw.state not in LEFT:
            why = f"no shell came back ({saw.state.value})"
            continue
        did = yield from _run(context, command)
        if did.outcome is ActOutcome.PLANNED:
            return Ending("planned", f"Would have run: {command}")
        if did.outcome in _TRY_AGAIN:
            why = did.detail
            continue
        if did.outcome not in (ActOutcome.SUBMITTED, ActOutcome.INTERRUPTED):
            return (yield from _give_up(context, did.outcome.value, did.detail))
        # Another program in the pane, right after the Return, is as a rule the one that was called for.
        why = yield from _lives(context)
        if not why:
            return Ending("resumed", f"Ran: {command}")
        if did.outcome is ActOutcome.INTERRUPTED:
            return (yield from _give_up(context, did.outcome.value, f"{did.detail} {why}"))
    return (yield from _give_up(context, "gave_up", f"Tried {settings['tries']} times: {why}."))


def _not_wanted(context: Context, saw: Saw, kind: str) -> Ending | None:
    trigger, settings = context.trigger, context.settings
    if not saw.alive:
        return Ending("pane_gone", "The pane has closed.")
    if kind != "manual" and kind not in words(settings["after"]):
        return Ending("not_configured", f"`after` does not name {kind}.")
    if kind != "manual" and saw.at_ms - trigger.at_ms > seconds(settings, "fresh_s") * 1000:
        return Ending("too_late", "That was long ago; whoever is there now has seen it.")
    if saw.limit_until_ms is not None and saw.limit_until_ms > saw.at_ms:
        return Ending("limited", "It was ended at a usage limit.")
    return None


def _command(context: Context, saw: Saw) -> Steps[str | None]:
    """The user's own command or the agent's, with the session's id in it; None without an id."""
    own = context.settings["commands"].get(context.trigger.agent or saw.agent or "", "")
    template = str(own) or str(context.profile.get("resume", {}).get("command", ""))
    if template.count("{session_id}") != 1:
        return None
    known = [context.trigger.fields.get("session_id"), saw.session_id]
    if not any(known):
        happened = yield from until(
            seconds(context.settings, "hint_wait_s"), events=frozenset({"session.resume_hint", "session.end"})
        )
        known = [happened.fields.get("session_id"), (yield from look()).session_id]
    session_id = next((str(one) for one in known if one and SESSION_ID.fullmatch(str(one))), None)
    return None if session_id is None else template.replace("{session_id}", session_id)


def _run(context: Context, command: str) -> Steps[Did]:
    """A person at the keyboard is waited for."""
    deadline: int | None = None
    while True:
        did = yield from act(Action(ActionKind.RUN, command, submit=True))
        saw = yield from look()
        deadline = deadline or saw.at_ms + int(seconds(context.settings, "patience_s") * 1000)
        if did.outcome is not ActOutcome.HUMAN_TYPING or saw.at_ms >= deadline or saw.state not in LEFT:
            return did
        yield from park(saw.at_ms + 10_000)


def _lives(context: Context) -> Steps[str]:
    """Why it does not; "" for an agent that came up and stayed."""
    settings = context.settings
    happened = yield from until(seconds(settings, "start_wait_s"), *BACK, held_s=1.0)
    if not happened.what:
        return "the agent did not come up"
    happened = yield from until(
        seconds(settings, "stable_s"), *sorted(LEFT), events=frozenset({"error.crash"}), held_s=2.0
    )
    return "it ended again at once" if happened.what else ""


def _give_up(context: Context, outcome: str, detail: str) -> Steps[Ending]:
    trigger = context.trigger
    title = f"{trigger.agent or 'The agent'} was not restarted"
    yield from tell(title, detail, needs_you=True, key=f"restart:{trigger.pane_uid}:{trigger.at_ms}")
    return Ending(outcome, detail, failed=True)


RESTART_AGENT = Workflow(
    name="restart_agent",
    events=frozenset({"error.crash", "session.end"}),
    play=play,
    about="Resumes an agent that crashed by its session's id, with the user's own command; gives up loudly.",
    version="1",
    settings={
        "commands": {},
        "after": ("crash",),
        "tries": 3,
        "back_off_s": 5.0,
        "shell_wait_s": 30.0,
        "settle_s": 1.0,
        "hint_wait_s": 3.0,
        "patience_s": 300.0,
        "start_wait_s": 60.0,
        "stable_s": 120.0,
        "fresh_s": 60.0,
    },
    max_age_s=60.0,
    starts=(OnState(frozenset({PaneState.EXITED}), held_s=GONE_S),),
    agents=frozenset({"codex", "claude_code", "gemini"}),
    when_busy=Busy.MERGE,
)
