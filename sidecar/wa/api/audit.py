"""What was done to panes, by whom and why, from the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wa.api.events import recorded
from wa.api.times import local, now_ms, parse
from wa.config.paths import Paths
from wa.engine.acting_results import action_result
from wa.model.errors import NotFound
from wa.protocol.results_acting import ActionResult, AuditResult, WhyResult
from wa.store.acting import ActingHistory

WORDS = {"allow": "allowed", "deny": "denied", "ask": "left to a person"}
TOLD = frozenset({"rule", "next_step", "left", "stage", "wrote"})
"""Parts of the evidence that other sentences tell."""


@dataclass(frozen=True, slots=True)
class AuditWish:
    pane: str | None = None
    actor: str | None = None
    """A kind (`workflow`) or a name (`handle_compaction`)."""
    outcome: str | None = None
    since: str | None = None
    until: str | None = None
    limit: int = 50


async def list_actions(paths: Paths, wish: AuditWish) -> AuditResult:
    """The newest `limit`, oldest first. Raises NotFound for an unknown pane."""
    at_ms = now_ms()
    since_ms = None if wish.since is None else parse(wish.since, at_ms=at_ms)
    until_ms = None if wish.until is None else parse(wish.until, at_ms=at_ms, option="--until")
    async with recorded(paths, wish.pane) as records:
        found = []
        if records.history is not None:
            found = await ActingHistory(records.history).actions(
                records.uid,
                actor=wish.actor,
                outcome=wish.outcome,
                since_ms=since_ms,
                until_ms=until_ms,
                limit=wish.limit + 1,
            )
        kept = found[-wish.limit :]
        return AuditResult(
            live=records.live,
            as_of=records.as_of,
            actions=[action_result(one) for one in kept],
            more=len(found) > wish.limit,
        )


async def why(paths: Paths, ident: int) -> WhyResult:
    """Raises NotFound."""
    async with recorded(paths) as records:
        if records.history is None:
            raise NotFound(f"there is no action {ident}", next_step="`wa audit` lists what was done.")
        action = action_result(await ActingHistory(records.history).action(ident))
    return WhyResult(action=action, said=list(sentences(action)))


def sentences(action: ActionResult) -> Iterator[str]:
    """Who, what and where; by which rule; what was typed; what came of it; what was seen."""
    actor, evidence = action["actor"], action["evidence"]
    who = {"human": "A person", "agent": "An agent", "workflow": "The workflow", "remote": "A remote"}[actor["kind"]]
    name = f" {actor['name']}" if actor["name"] and actor["kind"] != "human" else ""
    where = action["pane_uid"] or "a pane that was forgotten"
    yield f"{who}{name} wanted this of {where}, {local(action['at'])}: {action['summary']}."
    if action["run"] is not None:
        step = "" if action["step"] is None else f", step {action['step']}"
        yield f"It belongs to run {action['run']}{step} (`wa workflow history`)."
    because = f": {action['reason']}" if action["reason"] else ""
    yield f"It was {WORDS.get(action['decision'], action['decision'])} by {action['rule']}{because}."
    if action["dry_run"]:
        yield "It was a dry run, or its workflow was not on: nothing was typed."
    elif action["typed_at"] is None:
        yield "Nothing was typed."
    else:
        left = " The text was left in the composer." if evidence.get("left") else ""
        yield f"wa began to type {local(action['typed_at'])}.{left}"
    if action["outcome"] is None:
        yield f"It is under way ({action['stage']}), or its sidecar was killed and has not been started since."
    else:
        yield f"What came of it, {local(action['ended_at'])}: {action['outcome']}. {action['detail'] or ''}".rstrip()
    if seen := {name: value for name, value in evidence.items() if name not in TOLD}:
        yield f"Seen: {', '.join(f'{name} {_plain(value)}' for name, value in seen.items())}."
    if advice := evidence.get("next_step"):
        yield f"Next: {advice}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
