"""A plan, and how its changes stand, as a result that can be printed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal

from wa.protocol.results_setup import ChangeResult, PlanResult
from wa.provision.journal import Journal, Outcome
from wa.provision.plan import Change, ChangeState, EnableUnit, FileChange, Plan, PlanState, RunCommand

CONTEXT = 3
NO_LAST_BREAK = "\\ No newline at end of file"
State = Literal["planned", "begun", "finished", "undoing", "undone"]


def result_of(
    plan: Plan,
    state: State | PlanState = "planned",
    *,
    plan_id: str | None = None,
    outcomes: Mapping[int, Outcome] | None = None,
    diffs: bool = True,
) -> PlanResult:
    """*outcomes* by the number of the change, counted from 1; without one a change is to be made, or holds."""
    known = outcomes or {}
    return PlanResult(
        id=plan_id,
        command=plan.command,
        machine=plan.machine,
        state=state.value if isinstance(state, PlanState) else state,
        changes=[_shown(change, known.get(number), diffs) for number, change in enumerate(plan.changes, 1)],
        notes=list(plan.notes),
    )


def result_of_journal(journal: Journal, *, diffs: bool = False) -> PlanResult:
    """As its journal says."""
    states = {
        "begun": ChangeState.TO_DO,
        "done": ChangeState.DONE,
        "holds": ChangeState.HOLDS,
        "failed": ChangeState.FAILED,
        "undone": ChangeState.UNDONE,
        "conflict": ChangeState.CONFLICT,
    }
    outcomes = {number: Outcome(states[word], why or None) for number, (word, why) in journal.words.items()}
    return result_of(journal.plan, journal.state, plan_id=journal.id, outcomes=outcomes, diffs=diffs)


def diff_of(before: bytes | None, after: bytes | None, path: str, *, is_secret: bool = False) -> list[str]:
    """Unified, lines without line breaks; empty where nothing changes. Of a secret only that it changes."""
    if before == after:
        return []
    names = ("/dev/null" if before is None else path, "/dev/null" if after is None else path)
    if is_secret:
        return [f"--- {names[0]}", f"+++ {names[1]}", "@@ a secret: not shown @@"]
    found = difflib.unified_diff(_lines(before), _lines(after), *names, n=CONTEXT, lineterm="")
    return [line for pieces in found for line in pieces.split("\n")] or [
        # An empty file is made or goes.
        f"--- {names[0]}",
        f"+++ {names[1]}",
    ]


def _lines(data: bytes | None) -> list[str]:
    if not data:
        return []
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n{NO_LAST_BREAK}"] if last else lines


def _shown(change: Change, outcome: Outcome | None, diffs: bool) -> ChangeResult:
    kind: Literal["file", "command", "unit"]
    path, command, diff = None, list[str](), list[str]()
    state = ChangeState.TO_DO
    match change:
        case FileChange():
            kind, path = "file", str(change.path)
            if diffs:
                diff = diff_of(change.before, change.after, path, is_secret=change.is_secret)
            if not change.is_needed:
                state = ChangeState.HOLDS
        case RunCommand():
            kind, command = "command", list(change.argv)
        case EnableUnit():
            kind, path = "unit", str(change.path)
    outcome = outcome or Outcome(state)
    return ChangeResult(
        kind=kind,
        what=change.what,
        path=path,
        command=command,
        diff=diff if outcome.diff is None else list(outcome.diff),
        state=outcome.state.value,
        trouble=outcome.trouble,
        next_step=outcome.next_step,
    )
