"""The sidecar's methods that act, and those that say who may: send, keys, choose, pause, approve …"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from wa.engine.acting_results import approval_item, pause_item, policy_result, queued_item
from wa.engine.callers import actor_of, caller_pid
from wa.engine.desk import Desk
from wa.engine.params import names_in, param
from wa.engine.queue import Queue
from wa.engine.registry import Registry
from wa.engine.send import Request, error_of, result_of
from wa.engine.server import Handler, Params
from wa.model.action import (
    DONE,
    Acted,
    Action,
    ActionKind,
    Actor,
    ActorKind,
    ActOutcome,
    WhileBusy,
)
from wa.model.clock import Clock
from wa.model.errors import Refused, StoreError, UsageError
from wa.protocol.envelope import iso
from wa.protocol.results import SendResult, StatusResult
from wa.protocol.results_acting import (
    ActingStatus,
    ActResult,
    ApprovalResult,
    ApprovalsResult,
    PauseResult,
    PolicyResult,
    QueueResult,
    ResumeResult,
)

log = logging.getLogger(__name__)

FINE = DONE | {ActOutcome.PLANNED, ActOutcome.QUEUED}
"""Outcomes that are no error to whoever asked."""


PERSONS_ONLY: Mapping[str, tuple[str, tuple[str, bool]]] = {
    "workflow_switch": ("turn a workflow on", ("enabled", False)),
    "workflow_run": ("run a workflow", ("dry_run", True)),
}
"""Methods of others: what they do, and the parameter with which anybody may call them."""


class NotAPersonError(Refused):
    """An agent asked for what only a person may do."""

    code = "refused.person_only"
    next_step = "Ask the person at the terminal to do it."


class ActingMethods:
    def __init__(self, desk: Desk, queue: Queue, registry: Registry, clock: Clock, packs: Callable[[], Any]) -> None:
        """*packs*: by which names the agents' programs are known now."""
        self._desk = desk
        self._queue = queue
        self._registry = registry
        self._clock = clock
        self._packs = packs

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "send": self._send,
            "keys": self._keys,
            "choose": self._choose,
            "pause": self._pause,
            "resume": self._resume,
            "policy": self._policy,
            "approvals": self._approvals,
            "approve": lambda params: self._settle(params, granted=True),
            "deny": lambda params: self._settle(params, granted=False),
            "queue": self._list_queue,
            "cancel_queued": self._cancel,
        }

    def persons_only(self, handlers: Mapping[str, Handler]) -> dict[str, Handler]:
        """The handlers, those of PERSONS_ONLY guarded: an agent must not turn on what then types for it."""

        def guard(name: str, handler: Handler) -> Handler:
            what, (free, value) = PERSONS_ONLY[name]

            def guarded(params: Params) -> Any:
                if params.get(free) is not value:
                    self._person(what)
                return handler(params)

            return guarded

        return {name: guard(name, one) if name in PERSONS_ONLY else one for name, one in handlers.items()}

    async def status(self, status: StatusResult) -> StatusResult:
        """With what is paused, asked and queued; where the database does not answer, without."""
        store = self._desk.store
        pauses = [pause_item(one) for one in self._desk.pauses.in_force()]
        try:
            approvals = [approval_item(one) for one in await self._desk.approvals()]
            queued = [queued_item(one) for one in await store.waiting()]
        except StoreError as error:
            log.warning("status is not whole", extra={"reason": error.message})
            approvals, queued = [], []
        return StatusResult({**status, "acting": ActingStatus(pauses=pauses, approvals=approvals, queued=queued)})

    # -- acting -----------------------------------------------------------------------------------------------------

    async def _send(self, params: Params) -> SendResult:
        pane = self._registry.find(param(params, "pane", str))
        request = Request(
            text=param(params, "text", str),
            submit=param(params, "submit", bool, default=True),
            dry_run=param(params, "dry_run", bool, default=False),
            force=param(params, "force", bool, default=False),
            while_busy=_word(params, "while_busy", WhileBusy, WhileBusy.REFUSE),
        )
        acted = await self._act(pane.uid, request.action, params)
        return result_of(acted, pane.uid, request)

    async def _keys(self, params: Params) -> ActResult:
        keys = names_in(params, "keys")
        return await self._acted(params, Action(ActionKind.KEYS, keys=tuple(keys)))

    async def _choose(self, params: Params) -> ActResult:
        question = param(params, "question", str, default="")
        labels = tuple(names_in(params, "labels"))
        return await self._acted(params, Action(ActionKind.CHOOSE, labels=labels, question=question))

    async def _acted(self, params: Params, action: Action) -> ActResult:
        pane = self._registry.find(param(params, "pane", str))
        acted = await self._act(pane.uid, action, params)
        return ActResult(
            pane_uid=pane.uid,
            action=acted.action_id,
            outcome=acted.outcome.value,
            detail=acted.detail,
            dry_run=param(params, "dry_run", bool, default=False),
            evidence=dict(acted.evidence),
        )

    async def _act(self, uid: str, action: Action, params: Params) -> Acted:
        """Raises what the outcome is, where it is not what was asked for."""
        acted = await self._desk.act(
            uid,
            action,
            self.actor(),
            key=param(params, "key", str, default=""),
            dry_run=param(params, "dry_run", bool, default=False),
        )
        if acted.outcome not in FINE:
            error = error_of(acted, uid)
            error.details["action"] = acted.action_id
            if "approval" in acted.evidence:
                error.details["approval"] = acted.evidence["approval"]
            raise error
        return acted

    def actor(self) -> Actor:
        """Who asks for what is being answered."""
        return actor_of(caller_pid.get(), self._packs())

    def _person(self, what: str) -> None:
        actor = self.actor()
        if actor.kind is not ActorKind.HUMAN:
            raise NotAPersonError(f"{actor.name or actor.kind.value} may not {what}: only a person may")

    # -- who may ----------------------------------------------------------------------------------------------------

    async def _pause(self, params: Params) -> PauseResult:
        scope, name = self._scope(params)
        for_ms = param(params, "for_ms", int, default=None)
        if for_ms is not None and for_ms <= 0:
            raise UsageError("a pause lasts for some time, or until somebody resumes")
        reason = param(params, "reason", str, default="")
        await self._desk.pauses.pause(scope, name, for_ms=for_ms, reason=reason)
        return PauseResult(pauses=[pause_item(one) for one in self._desk.pauses.in_force()])

    async def _resume(self, params: Params) -> ResumeResult:
        self._person("let automations go on")
        if param(params, "everything", bool, default=False):
            ended = await self._desk.pauses.resume(None, None)
        else:
            ended = await self._desk.pauses.resume(*self._scope(params))
        left = self._desk.pauses.in_force()
        return ResumeResult(ended=[pause_item(one) for one in ended], pauses=[pause_item(one) for one in left])

    def _scope(self, params: Params) -> tuple[str, str]:
        pane, agent = (param(params, name, str, default=None) for name in ("pane", "agent"))
        everything = param(params, "all", bool, default=False)
        if (pane is not None) + (agent is not None) + everything != 1:
            raise UsageError("name a pane, an agent, or all", next_step="One of PANE, --agent A and --all.")
        if pane is not None:
            return "pane", self._registry.find(pane).uid
        if agent is not None and agent not in (known := sorted(pack.name for pack in self._packs())):
            raise UsageError(f"no agent is called {agent!r:.60}", details={"agents": known})
        return ("all", "") if agent is None else ("agent", agent)

    async def _policy(self, params: Params) -> PolicyResult:
        pane = self._registry.find(param(params, "pane", str))
        kind = _word(params, "actor", ActorKind, ActorKind.HUMAN)
        actor = Actor(kind, param(params, "actor_name", str, default=""))
        action = Action(
            _word(params, "action", ActionKind, ActionKind.SEND),
            text=param(params, "text", str, default=""),
            submit=param(params, "submit", bool, default=True),
            keys=tuple(names_in(params, "keys", default=[])),
            labels=tuple(names_in(params, "labels", default=[])),
        )
        return policy_result(await self._desk.judge(pane.uid, action, actor), actor, self._desk.policy)

    async def _approvals(self, _: Params) -> ApprovalsResult:
        found = await self._desk.approvals()
        return ApprovalsResult(
            live=True, as_of=iso(self._clock.now_ms()), approvals=[approval_item(one) for one in found]
        )

    async def _settle(self, params: Params, *, granted: bool) -> ApprovalResult:
        self._person("approve or deny")
        settled = await self._desk.settle_grant(param(params, "id", int), granted=granted)
        return ApprovalResult(approval=approval_item(settled))

    # -- the queue --------------------------------------------------------------------------------------------------

    async def _list_queue(self, params: Params) -> QueueResult:
        name = param(params, "pane", str, default=None)
        uid = None if name is None else self._registry.find(name).uid
        found = await self._desk.store.waiting(uid)
        return QueueResult(live=True, as_of=iso(self._clock.now_ms()), queued=[queued_item(one) for one in found])

    async def _cancel(self, params: Params) -> QueueResult:
        cancelled = await self._queue.cancel(param(params, "id", int))
        return QueueResult(live=True, as_of=iso(self._clock.now_ms()), queued=[queued_item(cancelled)])


def _word(params: Params, name: str, kind: Any, default: Any) -> Any:
    """A word of an enum."""
    value = param(params, name, str, default=None)
    if value is None:
        return default
    try:
        return kind(value)
    except ValueError:
        words = [one.value for one in kind]
        raise UsageError(f"`{name}` is {value!r:.60}, not one of {', '.join(words)}", details={name: words}) from None
