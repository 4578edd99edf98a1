"""The methods of docs/protocol/sidecar.md: parameters checked, the work done by whose it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from wa.engine.desk import Desk
from wa.engine.explain import explain
from wa.engine.hub import Kind, Subscription
from wa.engine.items import Item, screen_item
from wa.engine.muxes import Muxes, watcher
from wa.engine.pane import WatchedPane
from wa.engine.params import param
from wa.engine.server import Handler, Params, Stream, StreamHandler
from wa.engine.shared import Shared
from wa.engine.status import Reports
from wa.model.action import Action, ActionKind, Actor
from wa.model.errors import NotFound, TerminalUnreachable, UsageError
from wa.protocol.results_agents import ExplainResult
from wa.protocol.sidecar_wire import pack_value
from wa.store.writer import Writer
from wa.wezterm.terminal import SpawnRequest

log = logging.getLogger(__name__)


class Methods:
    def __init__(
        self,
        shared: Shared,
        muxes: Muxes,
        writer: Writer,
        reports: Reports,
        stop: Callable[[], None],
        *,
        desk: Desk,
        actor: Callable[[], Actor],
    ) -> None:
        """*actor*: who asks for what is being answered."""
        self._desk = desk
        self._shared = shared
        self._muxes = muxes
        self._writer = writer
        self._reports = reports
        self._stop = stop
        self._actor = actor

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "status": lambda _: self._reports.status(),
            "panes": lambda _: self._reports.panes(),
            "screen": self._screen,
            "screens": self._screens,
            "explain": self._explain,
            "spawn": self._spawn,
            "kill": self._kill,
            "forget": self._forget,
            "flush": self._flush,
            "doctor": self._doctor,
            "stop": self._stop_sidecar,
        }

    def streams(self) -> Mapping[str, StreamHandler]:
        return {"subscribe": self._subscribe}

    # -- looking ----------------------------------------------------------------------------------------------------

    def _screen(self, params: Params) -> Item:
        pane = self._shared.registry.find(param(params, "pane", str))
        if (item := _screen_of(pane)) is None:
            why = "it is never captured" if pane.excluded else "it has not been read yet"
            raise NotFound(
                f"{pane.uid} has no screen: {why}", next_step="Try again in a moment; `wa panes` shows its state."
            )
        return item

    def _explain(self, params: Params) -> ExplainResult:
        pane = self._shared.registry.find(param(params, "pane", str))
        agents = self._shared.agents
        return explain(pane, agents.of(pane) if agents is not None else None, self._shared.clock.now_ms())

    def _screens(self, params: Params) -> dict[str, Any]:
        items = [_screen_of(pane) for pane in self._wanted(params)]
        return {"screens": [item for item in items if item is not None]}

    def _wanted(self, params: Params) -> list[WatchedPane]:
        names = _names(params)
        registry = self._shared.registry
        return list(registry) if names is None else [registry.find(name) for name in names]

    def _subscribe(self, params: Params, stream: Stream) -> None:
        kinds = {_kind(name) for name in param(params, "kinds", list)}
        if not kinds:
            raise UsageError("`kinds` names nothing to hear of")
        panes = self._wanted(params)
        only = None if _names(params) is None else [pane.uid for pane in panes]
        subscription = Subscription(kinds, only, stream.send)
        stream.ended = lambda: self._shared.hub.remove(subscription)
        # No await from here on: what happens after the positions told now is told by the stream.
        stream.begin({"panes": {pane.uid: pane.tracker.next_row for pane in panes if not pane.excluded}})
        self._shared.hub.add(subscription)
        if Kind.SCREEN in kinds:
            for pane in panes:
                if (item := _screen_of(pane)) is not None:
                    stream.send(pack_value(item))

    async def _doctor(self, _: Params) -> dict[str, Any]:
        return {"findings": await self._reports.findings()}

    # -- acting -----------------------------------------------------------------------------------------------------

    async def _spawn(self, params: Params) -> dict[str, Any]:
        name = param(params, "mux", str)
        session = self._muxes.sessions.get(name)
        if session is None:
            raise NotFound(f"no mux is called {name!r}", details={"candidates": list(self._muxes.sessions)})
        request = _spawn_request(params)

        async def spawn() -> int:
            if (terminal := session.terminal) is None:
                raise TerminalUnreachable(f"{name} is not connected: {session.notice or 'still connecting'}")
            return await terminal.spawn(request)

        action = Action(ActionKind.SPAWN, text=" ".join(request.argv))
        pane_id = await self._desk.beside(None, action, self._actor(), spawn)
        await session.list_now()
        pane = session.panes.get(pane_id)
        if pane is None:
            return {"pane_uid": None, "pane_id": pane_id}
        pane.started_by_wa = True
        return {"pane_uid": pane.uid, "pane_id": pane_id}

    async def _kill(self, params: Params) -> dict[str, Any]:
        pane = self._shared.registry.find(param(params, "pane", str))

        async def kill() -> None:
            if (terminal := watcher(self._muxes, pane).terminal) is None:
                raise TerminalUnreachable(f"the mux of {pane.uid} is not connected")
            await terminal.kill(pane.pane_id)

        await self._desk.beside(pane, Action(ActionKind.KILL), self._actor(), kill)
        return {"pane_uid": pane.uid}

    # -- the store --------------------------------------------------------------------------------------------------

    async def _flush(self, _: Params) -> dict[str, Any]:
        await self._shared.buffer.flush()
        if self._shared.agents is not None:
            await self._shared.agents.save()
        return {}

    async def _forget(self, params: Params) -> dict[str, Any]:
        uid = param(params, "pane", str, default=None)
        since_ms = param(params, "since_ms", int, default=None)
        if uid is None and since_ms is None:
            raise UsageError("`forget` needs a pane or an instant")
        buffer, registry = self._shared.buffer, self._shared.registry
        # What waits in memory belongs to what is to be forgotten.
        await buffer.flush()
        if self._shared.agents is not None:
            await self._shared.agents.save()
        count = await self._writer.forget(pane_uid=uid, since_ms=since_ms)
        touched = [pane for pane in registry if uid in (None, pane.uid)]
        for pane in touched:
            pane.recall(await self._shared.history.pane(pane.uid))
        # Their checkpoints are written anew, so that a restart does not read again what was forgotten.
        buffer.touch(touched)
        await buffer.flush()
        log.info("output forgotten", extra={"pane": uid, "since_ms": since_ms, "rows": count})
        return {"rows_deleted": count}

    def _stop_sidecar(self, _: Params) -> dict[str, Any]:
        log.info("stop asked for")
        self._stop()
        return {"stopped": True, "pid": self._reports.pid}


def _screen_of(pane: WatchedPane) -> Item | None:
    return None if pane.excluded or pane.screen is None else screen_item(pane, pane.screen)


def _names(params: Params) -> list[Any] | None:
    return param(params, "panes", list, default=None)


def _kind(name: object) -> Kind:
    try:
        return Kind(str(name))
    except ValueError:
        raise UsageError(f"no such kind: {name!r:.60}", details={"kinds": [kind.value for kind in Kind]}) from None


def _spawn_request(params: Params) -> SpawnRequest:
    argv = param(params, "argv", list, default=[])
    env = param(params, "env", dict, default={})
    if not all(isinstance(word, str) for word in (*argv, *env, *env.values())):
        raise UsageError("`argv` and `env` hold text only")
    return SpawnRequest(
        argv=tuple(argv),
        cwd=param(params, "cwd", str, default=None),
        env=env,
        window_id=param(params, "window_id", int, default=None),
        workspace=param(params, "workspace", str, default=None),
        cols=param(params, "cols", int, default=80),
        rows=param(params, "rows", int, default=24),
    )
