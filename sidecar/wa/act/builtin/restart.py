"""An agent is gone that should not be: resume its session by id, where it was, or in a new pane where its mux took the old one along."""

from __future__ import annotations

from wa.act.builtin.restart_mux import after_mux
from wa.act.builtin.resuming import command_of, give_up, in_shell, template_of
from wa.act.builtin.steps import GONE, Steps, look, seconds, until, words
from wa.act.workflow import Busy, Context, OnMuxRestart, Workflow
from wa.model.command import MUX_RESTARTED, Ending, Saw

KINDS = {"error.crash": "crash", "session.end": "exit", "state": "gone"}
"""`gone`: the agent is not there any more, whatever it said. One that was killed says nothing."""


def play(context: Context) -> Steps[Ending]:
    if context.trigger.event == MUX_RESTARTED:
        return (yield from after_mux(context))
    first = yield from look()
    if (ending := _not_wanted(context, first)) is not None:
        return ending
    command = yield from _command(context, first)
    if command is None:
        return (yield from give_up(context, "no_session_id", "No session id was printed, so nothing can be resumed."))
    ending = yield from in_shell(context, command)
    if ending.failed:
        return (yield from give_up(context, ending.outcome, ending.detail))
    return ending


def _not_wanted(context: Context, saw: Saw) -> Ending | None:
    trigger, settings = context.trigger, context.settings
    kind = KINDS.get(trigger.event, "manual")
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
    """None without an id, or without a command to put it in."""
    template = template_of(context, context.trigger.agent or saw.agent)
    if template is None:
        return None
    known = [context.trigger.fields.get("session_id"), saw.session_id]
    if not any(known):
        happened = yield from until(
            seconds(context.settings, "hint_wait_s"), events=frozenset({"session.resume_hint", "session.end"})
        )
        known = [happened.fields.get("session_id"), (yield from look()).session_id]
    return command_of(template, known)


RESTART_AGENT = Workflow(
    name="restart_agent",
    events=frozenset({"error.crash", "session.end"}),
    play=play,
    about="Resumes an agent that crashed, or whose mux was restarted, by its session's id, with the user's own command; gives up loudly.",
    version="2",
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
        "mux_within_s": 3_600.0,
        "unwatched_s": 0.0,
    },
    max_age_s=60.0,
    starts=(GONE, OnMuxRestart()),
    agents=frozenset({"codex", "claude_code", "gemini"}),
    when_busy=Busy.MERGE,
)
