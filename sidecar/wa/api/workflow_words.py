"""Runs and their steps as results, with a sentence for people beside the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from wa.act.workflow import OnMuxRestart, OnSchedule, OnState, Workflow
from wa.protocol.envelope import iso, iso_or_none
from wa.protocol.results_workflows import RunResult, RunStepResult, SendPlan, WorkflowResult
from wa.store.run_records import RunRecord, StepRecord

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MAX_CHARS = 200


def workflow_result(workflow: Workflow, *, enabled: bool, panes: dict[str, bool], runs: int) -> WorkflowResult:
    return WorkflowResult(
        name=workflow.name,
        about=workflow.about,
        version=workflow.version,
        origin=workflow.origin or None,
        starts=[
            *(f"event {event}" for event in sorted(workflow.events)),
            *(start_words(start, workflow) for start in workflow.starts),
        ]
        or ["by hand"],
        agents=sorted(workflow.agents),
        enabled=enabled,
        panes=panes,
        types=workflow.lease and not workflow.default_enabled,
        settings=cast("dict[str, Any]", _plain(workflow.settings)),
        runs=runs,
    )


def start_words(start: OnState | OnSchedule | OnMuxRestart, workflow: Workflow) -> str:
    if isinstance(start, OnMuxRestart):
        return "another run of the mux"
    if isinstance(start, OnState):
        states = " or ".join(sorted(state.value for state in start.states))
        held_s = workflow.settings[start.setting] if start.setting else start.held_s
        held = f" for {held_s:g} s" if held_s else ""
        held += " without getting on" if start.still else ""
        return f"{'all panes ' if start.together else ''}{states}{held}"
    if start.every_s:
        return f"every {start.every_s:g} s"
    days = f" on {', '.join(_DAYS[day] for day in sorted(start.days))}" if start.days else ""
    return f"at {start.at}{f' ({start.zone})' if start.zone else ''}{days}"


def run_result(run: RunRecord, steps: Sequence[StepRecord] | None = None) -> RunResult:
    return RunResult(
        run=run.id,
        workflow=run.workflow,
        version=run.version,
        pane_uid=run.pane_uid,
        mode=cast("Any", run.mode),
        status=cast("Any", run.status),
        trigger=str(run.context.get("trigger", {}).get("event", "")),
        started_at=iso(run.started_ms),
        until=iso_or_none(run.wake_ms),
        ended_at=iso_or_none(run.ended_ms),
        outcome=run.outcome,
        detail=run.detail,
        steps=None if steps is None else [step_result(step) for step in steps],
    )


def step_result(step: StepRecord) -> RunStepResult:
    return RunStepResult(
        number=step.number,
        at=iso(step.at_ms),
        asked=command_words(step.command),
        answered=None if step.reply is None else reply_words(step.reply),
        command=step.command,
        reply=step.reply,
    )


def sends_of(steps: Sequence[StepRecord]) -> list[SendPlan]:
    """What reached the pane, or would have."""
    return [
        SendPlan(
            number=step.number,
            action=str(step.command["action"]["kind"]),
            text=str(step.command["action"].get("text", "")),
            submit=bool(step.command["action"].get("submit")),
            keys=list(step.command["action"].get("keys", ())),
            labels=list(step.command["action"].get("labels", ())),
            outcome=str((step.reply or {}).get("outcome", "")),
            detail=str((step.reply or {}).get("detail", "")),
        )
        for step in steps
        if step.command.get("kind") == "Act"
    ]


def command_words(command: Mapping[str, Any]) -> str:
    match command.get("kind"):
        case "Act":
            return action_words(command["action"])
        case "Look":
            return "look"
        case "Until":
            wanted = " or ".join([*command["states"], *command["events"]])
            held = f" for {command['held_s']:g} s" if command["held_s"] else ""
            return f"wait for {wanted or 'nothing'}{held}, {command['within_s']:g} s at most"
        case "Park":
            spread = f", up to {command['spread_s']:g} s later" if command["spread_s"] else ""
            return f"sleep until {iso(command['until_ms'])}{spread}"
        case "Notify":
            return f"tell: {_short(command['title'])}: {_short(command['body'])}"
        case "Open":
            return f"open a pane in {command['cwd']}"
        case "Execute":
            return f"run {' '.join(map(repr, command['argv']))}"
        case other:
            return str(other)


def action_words(action: Mapping[str, Any]) -> str:
    kind = str(action.get("kind"))
    what = {
        "send": repr(action.get("text", "")),
        "run": repr(action.get("text", "")),
        "choose": " or ".join(map(repr, action.get("labels", ()))),
        "keys": " ".join(action.get("keys", ())),
    }.get(kind, "")
    then = "" if kind != "send" or action.get("submit") else " (not submitted)"
    return f"{kind} {what}{then}".strip()


def reply_words(reply: Mapping[str, Any]) -> str:
    match reply.get("kind"):
        case "Did":
            return f"{reply['outcome']}: {_short(reply.get('detail', ''))}".rstrip(": ")
        case "Saw":
            asks = f", asks {_short(reply['question'])!r}" if reply.get("question") else ""
            return f"{reply.get('agent') or 'no agent'} {reply['state']}{asks}{'' if reply.get('alive', True) else ', gone'}"
        case "Happened":
            return str(reply.get("what")) or "the time ran out"
        case "Woke":
            return f"woke at {iso(reply['at_ms'])}"
        case "Told":
            return "told"
        case "Opened":
            return f"{reply['outcome']}: {_short(reply.get('detail', ''))}".rstrip(": ")
        case "Executed":
            return "did not end" if reply.get("status") is None else f"ended with {reply['status']}"
        case other:
            return str(other)


def _short(text: object) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= MAX_CHARS else f"{words[: MAX_CHARS - 1]}…"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
