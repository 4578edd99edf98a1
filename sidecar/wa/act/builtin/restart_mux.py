"""A mux has been restarted, and took an agent with it: resume the agent's session in a new pane of the new run.

Only what is known for sure: the agent was there when the mux ended, and the session's id is its own. Whoever cannot be resumed is
named, with the command to type.
"""

from __future__ import annotations

import shlex

from wa.act.builtin.resuming import TRY_AGAIN, command_of, in_shell, pause, template_of
from wa.act.builtin.steps import Steps, answer_to, ask, park, seconds, tell, words
from wa.act.workflow import Context
from wa.model.action import ActOutcome
from wa.model.agent import PaneState
from wa.model.command import Ending, Open, Opened, Trigger

SURE = 0.9
"""From this confidence on a session's id counts: docs/topics/session-files.md."""
APART_MS = 500
"""Between the agents of one mux, so that they do not start all at once."""


def after_mux(context: Context) -> Steps[Ending]:
    trigger, settings = context.trigger, context.settings
    if "mux" not in words(settings["after"]):
        return Ending("not_configured", "`after` does not name mux.")
    template = template_of(context, trigger.agent)
    if template is None:
        said = "No command with a place for the session's id is set."
        return (yield from _tell_not(context, None, Ending("no_command", said, failed=True)))
    command = command_of(template, [trigger.fields.get("session_id")])
    if command is None:
        said = "Its session's id is not known, or two fit."
        return (yield from _tell_not(context, None, Ending("no_session_id", said, failed=True)))
    if (failed := _cannot(context)) is not None:
        return (yield from _tell_not(context, command, failed))
    if place := int(trigger.fields.get("place", 0)):
        yield from park(trigger.at_ms + place * APART_MS)
    opened = yield from _open(context)
    if isinstance(opened, Ending):
        return opened
    if opened.outcome is ActOutcome.PLANNED:
        return Ending("planned", f"Would have opened a pane in {_folder(trigger)} and run: {command}")
    if opened.runs_already:
        return Ending("already_back", f"{opened.detail[:1].upper()}{opened.detail[1:]}.")
    if opened.pane_uid is None:
        return (yield from _tell_not(context, command, Ending(opened.outcome.value, f"{opened.detail}.", failed=True)))
    ending = yield from in_shell(context, command, is_new=True)
    if ending.outcome == "resumed":
        return (yield from _tell_resumed(context, command, opened.pane_uid))
    if ending.outcome in ("planned", "denied"):
        return ending
    detail = f"{ending.detail} A shell stands in {opened.pane_uid}."
    return (yield from _tell_not(context, command, Ending(ending.outcome, detail, failed=True)))


def _cannot(context: Context) -> Ending | None:
    """Why it is not even tried."""
    trigger, settings, fields = context.trigger, context.settings, context.trigger.fields
    gone_s = float(fields.get("gone_s", 0.0))
    if float(fields.get("confidence", 0.0)) < SURE:
        return Ending("unsure_session_id", "Its session's id is not known for sure.", failed=True)
    if twin := str(fields.get("twin", "")):
        return Ending("same_session", f"The same session was seen in {twin} later, and is resumed for that one.", True)
    if not _folder(trigger):
        return Ending(
            "no_folder", "The folder that it worked in is not known, or lies on another machine.", failed=True
        )
    if not fields.get("watched") and gone_s > seconds(settings, "unwatched_s"):
        return Ending("not_watched", "wa did not watch when the mux ended, and it may have ended before.", failed=True)
    if gone_s > seconds(settings, "mux_within_s"):
        return Ending("too_late", f"The mux had been gone for {round(gone_s / 60)} minutes.", failed=True)
    return None


def _open(context: Context) -> Steps[Opened | Ending]:
    trigger, settings = context.trigger, context.settings
    wish = Open(
        _folder(trigger),
        str(trigger.fields.get("workspace", "")),
        trigger.agent or "",
        str(trigger.fields.get("session_id", "")),
        had_ended=_had_ended(str(trigger.fields.get("state", ""))),
    )
    patience_ms = trigger.at_ms + int(seconds(settings, "patience_s") * 1000)
    tried = 0
    while True:
        # A pause is no try.
        opened = yield from ask(wish, Opened)
        answer = yield from answer_to(opened.approval, (patience_ms - opened.at_ms) / 1000)
        if answer == "granted":
            continue
        if answer == "denied":
            return Ending("denied", f"A person said no. {opened.detail}.")
        if opened.outcome is ActOutcome.HUMAN_TYPING and opened.at_ms < patience_ms:
            yield from park(opened.at_ms + 10_000)
            continue
        tried += 1
        if opened.outcome not in TRY_AGAIN or tried >= int(settings["tries"]):
            return opened
        yield from pause(context, tried, opened.at_ms)


def _had_ended(state: str) -> bool:
    """At a limit an agent may go on by itself."""
    return state == PaneState.IDLE or state.startswith("waiting.")


def _tell_resumed(context: Context, command: str, uid: str) -> Steps[Ending]:
    trigger = context.trigger
    body = f"{_was(trigger)} Ran in {uid}, in {_folder(trigger)}: {command}"
    if trigger.fields.get("state") == "working":
        body += " It was working: say how it goes on."
    yield from tell(f"{trigger.agent} was resumed in {uid}", body, needs_you=False, key=_key(trigger))
    return Ending("resumed_in_new_pane", f"Ran in {uid}: {command}")


def _tell_not(context: Context, command: str | None, ending: Ending) -> Steps[Ending]:
    trigger = context.trigger
    body = f"{_was(trigger)} {ending.detail}"
    if command is not None:
        folder = _folder(trigger)
        body += f" To resume it, type: {f'cd {shlex.quote(folder)} && ' if folder else ''}{command}"
    yield from tell(f"{trigger.agent or 'An agent'} was not resumed", body, needs_you=True, key=_key(trigger))
    return ending


def _was(trigger: Trigger) -> str:
    return f"It was in {trigger.pane_uid} when {trigger.fields.get('mux') or 'its mux'} ended."


def _folder(trigger: Trigger) -> str:
    return str(trigger.fields.get("cwd", ""))


def _key(trigger: Trigger) -> str:
    return f"restart:{trigger.key or trigger.pane_uid}"
