"""The methods of workflows on the sidecar's wire: docs/protocol/sidecar.md."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from wa.act.builtin.compaction import HANDLE_COMPACTION
from wa.engine.params import param
from wa.engine.registry import Registry
from wa.engine.server import Handler, Params
from wa.engine.workflows import Workflows
from wa.model.errors import NotFound, TimedOut, UsageError

DRY_WITHIN_S = 40.0
MAX_NAMED = 1_000


class WorkflowMethods:
    def __init__(self, workflows: Workflows, registry: Registry) -> None:
        self.workflows = workflows
        self._registry = registry

    def handlers(self) -> Mapping[str, Handler]:
        return {"workflow_run": self._run, "workflow_switch": self._switch, "workflow_abort": self._abort}

    def prompt(self) -> str:
        """What tells an agent to read its instructions again, as the user has set it."""
        workflow = self.workflows.catalogue.get(HANDLE_COMPACTION.name) or HANDLE_COMPACTION
        return str(workflow.settings["prompt"])

    def after(self, forget: Handler) -> Handler:
        """`forget`, with the runs ended whose journals it took."""

        async def forget_and_end(params: Params) -> Any:
            answer = await forget(params)
            pane = params.get("pane")
            await self.workflows.forgotten(pane if isinstance(pane, str) else None)
            return answer

        return forget_and_end

    async def _run(self, params: Params) -> dict[str, Any]:
        """A dry run is answered once it has ended."""
        name, pane = param(params, "name", str), self._pane(params)
        dry_run = param(params, "dry_run", bool, default=False)
        run = await self.workflows.begin_by_hand(name, pane, dry_run=dry_run)
        if dry_run:
            try:
                async with asyncio.timeout(DRY_WITHIN_S):
                    await self.workflows.ended(run)
            except TimeoutError:
                await self.workflows.abort([run], "a dry run takes seconds")
                raise TimedOut(f"the dry run of {name} did not end within {DRY_WITHIN_S:g} s") from None
        return {"run": run}

    async def _switch(self, params: Params) -> dict[str, Any]:
        pane = self._pane(params)
        enabled = param(params, "enabled", bool)
        name = param(params, "name", str)
        runs = await self.workflows.switch(name, pane, enabled=enabled)
        return {"pane_uid": pane, "types": self.workflows.types(name), "runs": runs}

    async def _abort(self, params: Params) -> dict[str, Any]:
        runs: list[Any] = param(params, "runs", list)
        if len(runs) > MAX_NAMED or not all(isinstance(one, int) and not isinstance(one, bool) for one in runs):
            raise UsageError(f"`runs` must be a list of numbers, {MAX_NAMED} at most")
        ended = await self.workflows.abort(runs, param(params, "why", str, default="") or "ended by a person")
        if runs and not ended:
            raise NotFound("none of these runs is under way", next_step="`wa workflow status` shows those that are.")
        return {"runs": ended}

    def _pane(self, params: Params) -> str | None:
        name = params.get("pane")
        return None if name is None else self._registry.find(name).uid
