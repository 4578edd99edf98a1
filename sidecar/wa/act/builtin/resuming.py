"""A session's resume command in a shell that is at its prompt: later and later, and not for ever.

Nothing else than the command is typed, with an id of the plainest form in it. Whether the shell is really at its prompt the hands
see to, right before they type.
"""

from __future__ import annotations

from collections.abc import Sequence

from wa.act.builtin.steps import (
    AT_WORK,
    LEFT,
    SESSION_ID,
    Steps,
    act,
    answered,
    denied,
    look,
    park,
    seconds,
    tell,
    until,
)
from wa.act.workflow import Context
from wa.model.action import Action, ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import Did, Ending, Saw

BACK = (PaneState.IDLE, *sorted(AT_WORK), *sorted(state for state in PaneState if state.startswith("waiting.")))
PROMPT_FIRST_MS = 500
TRY_AGAIN = frozenset({ActOutcome.SCREEN_MOVED, ActOutcome.UNREACHABLE, ActOutcome.BUSY})
"""Nothing was typed."""


def template_of(context: Context, agent: str | None) -> str | None:
    """The user's own command or the agent's; None where it has no place for the session's id."""
    own = context.settings["commands"].get(agent or "", "")
    template = str(own) or str(context.profile.get("resume", {}).get("command", ""))
    return template if template.count("{session_id}") == 1 else None


def command_of(template: str, known: Sequence[object]) -> str | None:
    """With the first of *known* that looks like an id; None where none does."""
    session_id = next((str(one) for one in known if one and SESSION_ID.fullmatch(str(one))), None)
    return None if session_id is None else template.replace("{session_id}", session_id)


def pause(context: Context, number: int, now_ms: int) -> Steps[None]:
    """Before the try of that number, the first being 1."""
    yield from park(now_ms + int(seconds(context.settings, "back_off_s") * 4 ** (number - 1) * 1000))


def in_shell(context: Context, command: str, *, is_new: bool = False) -> Steps[Ending]:
    """Run it in the run's pane once a shell is there, and see the agent come up and stay. Nobody is told of a failure.

    *is_new*: no agent was in the pane before, so only a look tells that a shell is there.
    """
    settings, why = context.settings, ""
    for number in range(int(settings["tries"])):
        if number:
            yield from pause(context, number, (yield from look()).at_ms)
        saw = yield from _stands(context) if is_new else _came_back(context)
        if saw.state in BACK:
            return Ending("already_back", "An agent is in the pane again.")
        if not saw.alive:
            return Ending("pane_gone", "The pane has closed.")
        if saw.state not in LEFT:
            why = f"no shell came back ({saw.state.value})"
            continue
        did, answer = yield from _run(context, command)
        if answer == "denied":
            return denied(did)
        if did.outcome is ActOutcome.PLANNED:
            return Ending("planned", f"Would have run: {command}")
        if did.outcome in TRY_AGAIN:
            why = did.detail
            continue
        if did.outcome not in (ActOutcome.SUBMITTED, ActOutcome.INTERRUPTED):
            return Ending(did.outcome.value, did.detail, failed=True)
        # Another program in the pane, right after the Return, is as a rule the one that was called for.
        why = yield from _lives(context)
        if not why:
            return Ending("resumed", f"Ran: {command}")
        if did.outcome is ActOutcome.INTERRUPTED and not is_new:
            # In a pane of its own nobody else typed: where the prompt is empty, nothing came of it.
            return Ending(did.outcome.value, f"{did.detail} {why}", failed=True)
    return Ending("gave_up", f"Tried {settings['tries']} times: {why}.", failed=True)


def give_up(context: Context, outcome: str, detail: str) -> Steps[Ending]:
    trigger = context.trigger
    title = f"{trigger.agent or 'The agent'} was not restarted"
    yield from tell(title, detail, needs_you=True, key=f"restart:{trigger.pane_uid}:{trigger.at_ms}")
    return Ending(outcome, detail, failed=True)


def _came_back(context: Context) -> Steps[Saw]:
    """The shell that the agent was started from; or an agent, whoever started it."""
    settings = context.settings
    happened = yield from until(
        seconds(settings, "shell_wait_s"), *sorted(LEFT), *BACK, held_s=seconds(settings, "settle_s")
    )
    saw = yield from look()
    return saw if happened.what not in {state.value for state in BACK} else saw._replace(state=PaneState(happened.what))


def _stands(context: Context) -> Steps[Saw]:
    """A shell that was there a moment ago, too; or the newest look in time."""
    saw = yield from look()
    give_up_ms = saw.at_ms + int(seconds(context.settings, "shell_wait_s") * 1000)
    settle_ms = max(100, int(seconds(context.settings, "settle_s") * 1000))
    while True:
        stood = saw.state in LEFT
        yield from park(saw.at_ms + settle_ms)
        saw = yield from look()
        if (stood and saw.state in LEFT) or saw.state in BACK or not saw.alive or saw.at_ms >= give_up_ms:
            return saw


def _run(context: Context, command: str) -> Steps[tuple[Did, str]]:
    """A person at the keyboard is waited for, and a shell that has not drawn its prompt yet; and a person's yes or no, the second."""
    began_ms: int | None = None
    wait_ms = PROMPT_FIRST_MS
    while True:
        did = yield from act(Action(ActionKind.RUN, command, submit=True))
        answer = yield from answered(did, seconds(context.settings, "patience_s"))
        if answer == "granted":
            continue
        saw = yield from look()
        began_ms = began_ms or saw.at_ms
        is_early = did.outcome is ActOutcome.REFUSED and bool(did.evidence.get("no_prompt"))
        if saw.state not in LEFT or not (is_early or did.outcome is ActOutcome.HUMAN_TYPING):
            return did, answer
        within_s = seconds(context.settings, "shell_wait_s" if is_early else "patience_s")
        if saw.at_ms - began_ms >= within_s * 1000:
            return did, answer
        yield from park(saw.at_ms + (wait_ms if is_early else 10_000))
        wait_ms = min(2 * wait_ms, 10_000)


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
