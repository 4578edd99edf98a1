"""Who may act where: pauses, approvals, texts that wait, and what the policy says. Only the sidecar changes any of it."""

from __future__ import annotations

from collections.abc import Sequence

from wa.api.client import connected, connected_if_any
from wa.api.history import open_history, stored_as_of
from wa.api.panes import pane_uid
from wa.api.times import length_ms, now_ms
from wa.config.paths import Paths
from wa.engine.acting_results import approval_item, pause_item, queued_item
from wa.model.errors import NotFound
from wa.protocol.results_acting import (
    ActingStatus,
    ApprovalItem,
    ApprovalResult,
    ApprovalsResult,
    PauseResult,
    PolicyResult,
    QueueResult,
    ResumeResult,
)
from wa.store.acting import ActingHistory

SEND_WITHIN_S = 60.0
RECENT = 50
"""So many texts that wait no more are shown with --all."""


async def pause(
    paths: Paths, *, pane: str | None, agent: str | None, everything: bool, lasting: str | None, reason: str
) -> PauseResult:
    """Raises UsageError, NotFound or SidecarError."""
    for_ms = None if lasting is None else length_ms(lasting)
    async with connected(paths.socket) as sidecar:
        uid = await pane_uid(paths, sidecar, pane)
        params = {"pane": uid, "agent": agent, "all": everything, "for_ms": for_ms, "reason": reason}
        reply: PauseResult = await sidecar.call("pause", params)
    return reply


async def resume(paths: Paths, *, pane: str | None, agent: str | None, everything: bool) -> ResumeResult:
    """*everything*: every pause there is."""
    async with connected(paths.socket) as sidecar:
        uid = await pane_uid(paths, sidecar, pane)
        reply: ResumeResult = await sidecar.call("resume", {"pane": uid, "agent": agent, "everything": everything})
    return reply


async def list_approvals(paths: Paths) -> ApprovalsResult:
    """What waits for a yes, and what has one that is not used."""
    async with connected_if_any(paths.socket) as sidecar:
        if sidecar is not None:
            live: ApprovalsResult = await sidecar.call("approvals")
            return live
    async with open_history(paths) as history:
        found = [] if history is None else await ActingHistory(history).grants(now_ms())
    return ApprovalsResult(live=False, as_of=stored_as_of(paths), approvals=[approval_item(one) for one in found])


async def find_approval(paths: Paths, ident: int) -> ApprovalItem:
    """Raises NotFound for one that is not there or not open any more."""
    found = (await list_approvals(paths))["approvals"]
    for one in found:
        if one["id"] == ident:
            return one
    known = [f"{one['id']}  {one['pane_uid']}  {one['summary']}" for one in found]
    raise NotFound(
        f"no approval {ident} is open", next_step="`wa approvals` lists what waits.", details={"candidates": known}
    )


async def settle(paths: Paths, ident: int, *, granted: bool) -> ApprovalResult:
    """Raises Refused where it is not open any more, or an agent asks."""
    async with connected(paths.socket) as sidecar:
        reply: ApprovalResult = await sidecar.call("approve" if granted else "deny", {"id": ident})
    return reply


async def list_queue(paths: Paths, *, pane: str | None, settled: bool) -> QueueResult:
    """What waits; with *settled* also what waits no more, the newest RECENT of all."""
    async with connected_if_any(paths.socket) as sidecar:
        uid = await pane_uid(paths, sidecar, pane)
        if sidecar is not None and not settled:
            live: QueueResult = await sidecar.call("queue", {"pane": uid})
            return live
        async with open_history(paths) as history:
            found = []
            if history is not None:
                limit = RECENT if settled else None
                found = await ActingHistory(history).queue(uid, waiting=not settled, limit=limit)
        return QueueResult(
            live=sidecar is not None, as_of=stored_as_of(paths), queued=[queued_item(one) for one in found]
        )


async def cancel_queued(paths: Paths, ident: int) -> QueueResult:
    """The one that was cancelled. Raises NotFound, or Refused for one that waits no more."""
    async with connected(paths.socket) as sidecar:
        reply: QueueResult = await sidecar.call("cancel_queued", {"id": ident})
    return reply


async def explain_policy(
    paths: Paths,
    pane: str,
    *,
    action: str,
    actor: str,
    text: str,
    keys: Sequence[str],
    labels: Sequence[str],
) -> PolicyResult:
    """*actor*: `human`, `agent`, `remote`, `workflow`, or `workflow:NAME`. Nothing is done."""
    kind, _, name = actor.partition(":")
    params = {
        "action": action,
        "actor": kind,
        "actor_name": name,
        "text": text,
        "keys": list(keys),
        "labels": list(labels),
    }
    async with connected(paths.socket) as sidecar:
        uid = await pane_uid(paths, sidecar, pane)
        reply: PolicyResult = await sidecar.call("policy", {"pane": uid, **params}, within_s=SEND_WITHIN_S)
    return reply


async def stored_acting(paths: Paths) -> ActingStatus:
    """What is paused, asked and queued, as the database remembers it."""
    async with open_history(paths) as history:
        if history is None:
            return ActingStatus(pauses=[], approvals=[], queued=[])
        acting, at_ms = ActingHistory(history), now_ms()
        return ActingStatus(
            pauses=[pause_item(one) for one in await acting.pauses(at_ms)],
            approvals=[approval_item(one) for one in await acting.grants(at_ms)],
            queued=[queued_item(one) for one in await acting.queue()],
        )
