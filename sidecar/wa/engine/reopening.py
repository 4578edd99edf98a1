"""A new pane for an agent whose pane ended with its mux: in the run of the mux that has come up at the same socket.

Opened once for one key. The intent is written down before the mux is asked; a sidecar that was killed in between finds
the pane that came of it, or asks again where none did.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from wa.decide.policy import GRANTED, Policy, decide
from wa.engine import desk_words as words
from wa.engine.desk_seams import Bounds
from wa.engine.never import place_of
from wa.engine.pane import WatchedPane
from wa.engine.pauses import Pauses
from wa.engine.registry import Registry
from wa.engine.run_world import Place
from wa.engine.session import MuxSession
from wa.model.action import (
    Acted,
    Action,
    ActionKind,
    Actor,
    ActorKind,
    ActOutcome,
    Ask,
    Deny,
    PaneView,
    Stage,
)
from wa.model.agent import PaneState
from wa.model.clock import Clock
from wa.model.command import Open, Opened
from wa.model.errors import Refused, StoreError, TerminalRefused, WaError
from wa.sources.session_homes import same_folder
from wa.sources.session_ties import Left
from wa.store.acting import ActingStore
from wa.store.acting_records import ActionRecord, Intent
from wa.store.records import PaneRecord
from wa.wezterm.terminal import SpawnRequest, Terminal

log = logging.getLogger(__name__)

APPEARS_WITHIN_S = 15.0
"""So long a pane may take to be watched once the mux has opened it."""
CONNECTED_WITHIN_S, AGAIN_WITHIN_S = 5.0, 30.0
"""So long a mux is waited for that is not connected, and one that may have been asked already."""
LOOK_EVERY_S = 0.1


class History(Protocol):
    async def pane(self, uid: str) -> PaneRecord: ...


class Files(Protocol):
    """`wa.sources.session_files.SessionFiles`, as far as this needs it."""

    async def running(self, agent: str, folder: str, session_id: str, ttys: Collection[str]) -> list[Left]: ...


class Desk(Protocol):
    """`engine.desk.Desk`, as far as this needs it."""

    @property
    def policy(self) -> Policy: ...
    @property
    def bounds(self) -> Bounds: ...
    @property
    def pauses(self) -> Pauses: ...
    @property
    def store(self) -> ActingStore: ...


class Opening:
    def __init__(
        self,
        sessions: Callable[[], Iterable[MuxSession]],
        desk: Desk,
        history: History,
        registry: Registry,
        clock: Clock,
        files: Files,
    ) -> None:
        self._sessions = sessions
        self._desk = desk
        self._history = history
        self._registry = registry
        self._clock = clock
        self._files = files
        self._finding = asyncio.Lock()
        self._given: set[str] = set()
        """Panes that were opened, or found again: each belongs to one run."""

    async def open(self, wish: Open, place: Place) -> Opened:
        try:
            return await self._open(wish, place)
        except StoreError as error:
            return self._not(
                ActOutcome.UNREACHABLE, f"nothing was opened, since it could not be written down: {error.message}"
            )
        except WaError as error:
            return self._not(words.outcome_of(error), error.message)

    async def _open(self, wish: Open, place: Place) -> Opened:
        store = self._desk.store
        known = await store.by_key(place.key)
        if known is not None and known.ended_ms is not None:
            return self._opened(known)
        before = await self._history.pane(place.pane_uid)
        may_stand = known is not None and known.stage != Stage.DECIDED
        session = await self._session_after(before, AGAIN_WITHIN_S if known is not None else CONNECTED_WITHIN_S)
        terminal = None if session is None else session.terminal
        if session is None or terminal is None:
            if known is not None and may_stand:
                said = f"A pane may have been opened: {before.mux} was not connected again in time."
                return await self._end(known, Acted(ActOutcome.INTERRUPTED, said))
            return self._not(ActOutcome.UNREACHABLE, f"{before.mux} is not connected")
        if known is not None and may_stand:
            found = await self._found_again(wish, session, known)
            if found is not None:
                return found
        elif (elsewhere := await self._runs_already(wish, local=not before.host)) is not None:
            return elsewhere
        if not before.host and not await asyncio.to_thread(Path(wish.cwd).is_dir):
            return self._not(ActOutcome.REFUSED, f"the folder {wish.cwd} is not there any more")
        request = SpawnRequest(cwd=wish.cwd, workspace=wish.workspace or None)
        if before.cols > 0 and before.rows > 0:
            request = replace(request, cols=before.cols, rows=before.rows)
        return await self._spawn(request, wish, place, session, terminal, known)

    async def _session_after(self, before: PaneRecord, within_s: float) -> MuxSession | None:
        """Of the mux that the pane was in, another run, connected; None where there is none in time."""
        give_up = asyncio.get_running_loop().time() + within_s
        while True:
            for session in self._sessions():
                mux = session.mux
                if mux is None or (mux.host, mux.socket) != (before.host, before.socket) or mux.key == before.mux_key:
                    continue
                if session.terminal is not None:
                    return session
            if asyncio.get_running_loop().time() >= give_up:
                return None
            await asyncio.sleep(LOOK_EVERY_S)

    async def _runs_already(self, wish: Open, *, local: bool) -> Opened | None:
        for pane in self._registry:
            if pane.alive and (pane.agent.session_id or "").casefold() == wish.session_id.casefold():
                said = f"the session runs in {pane.uid} already"
                return self._not(ActOutcome.REFUSED, said)._replace(runs_already=True)
        if not local:
            return None
        ttys = [pane.listed.tty_name for pane in self._registry if not pane.mux.host and pane.listed.tty_name]
        left = await self._files.running(wish.agent, wish.cwd, wish.session_id, ttys)
        for one in left:
            if one.has_terminal or not wish.had_ended:
                return self._not(ActOutcome.BUSY, f"the agent of that session may still run, as process {one.pid}")
        return None

    # -- deciding and doing -----------------------------------------------------------------------------------------

    async def _spawn(
        self,
        request: SpawnRequest,
        wish: Open,
        place: Place,
        session: MuxSession,
        terminal: Terminal,
        known: ActionRecord | None,
    ) -> Opened:
        desk, store = self._desk, self._desk.store
        action = Action(ActionKind.SPAWN, text=wish.cwd)
        actor = Actor(ActorKind.WORKFLOW, place.workflow)
        now_ms = self._clock.now_ms()
        paused = desk.pauses.holding(place.pane_uid, wish.agent)
        view = PaneView(alive=False, uid=place.pane_uid, agent=wish.agent, paused=paused)
        ledger, grant = await store.ledger(
            place.pane_uid, action, now_ms, run=place.run, but=None if known is None else known.id
        )
        decision = decide(action, actor, view, desk.policy, ledger, now_ms)
        plan = place.plan or await store.run_mode(place.run) != "live"
        said = words.said(decision)
        intent = Intent(place.key, place.pane_uid, now_ms, actor, action, *said, plan, place.run, place.step)
        if known is None:
            known, _ = await store.begin(intent)
        else:
            await store.redecide(known.id, *said)
        if isinstance(decision, Deny):
            outcome = words.OUTCOMES.get(decision.rule, ActOutcome.REFUSED)
            return await self._end(known, Acted(outcome, words.sentence(decision.reason), {"rule": decision.rule}))
        if isinstance(decision, Ask):
            return await self._end(known, await self._asked(intent, decision))
        if plan:
            planned = Acted(ActOutcome.PLANNED, f"A pane would be opened in {wish.cwd}. Nothing was opened.")
            return await self._end(known, planned)
        used = grant if decision.rule == GRANTED else None
        await store.advance(known.id, Stage.TYPING, self._clock.now_ms(), grant=used)
        try:
            pane_id = await terminal.spawn(request)
        except TerminalRefused as error:
            return await self._end(known, Acted(ActOutcome.REFUSED, error.message))
        except WaError as error:
            return await self._end(
                known, Acted(ActOutcome.INTERRUPTED, f"A pane may have been opened: {error.message}")
            )
        pane = await self._listed(session, pane_id)
        if pane is None:
            lost = Acted(ActOutcome.INTERRUPTED, f"Pane {pane_id} of {session.name} was opened, and is not to be seen.")
            return await self._end(known, lost)
        return await self._give(known, pane)

    async def _asked(self, intent: Intent, decision: Ask) -> Acted:
        asked = Acted(ActOutcome.ASKED, words.sentence(decision.reason), {"rule": decision.rule})
        if intent.dry_run:
            return asked
        try:
            question = await self._desk.store.ask(intent, intent.at_ms + self._desk.bounds.ask_ms)
        except Refused as error:
            return Acted(ActOutcome.REFUSED, error.message, {"rule": decision.rule})
        return asked._replace(evidence={**asked.evidence, "approval": question.id})

    async def _listed(self, session: MuxSession, pane_id: int) -> WatchedPane | None:
        give_up = asyncio.get_running_loop().time() + APPEARS_WITHIN_S
        while asyncio.get_running_loop().time() < give_up:
            await session.list_now()
            pane = session.panes.get(pane_id)
            if pane is not None or session.terminal is None:
                return pane
            await asyncio.sleep(LOOK_EVERY_S)
        return None

    async def _found_again(self, wish: Open, session: MuxSession, known: ActionRecord) -> Opened | None:
        """What a sidecar that was killed had opened. None: nothing, so that it may be asked for again."""
        async with self._finding:
            await session.list_now()
            given = self._given | await self._desk.store.opened(known.at_ms)
            mine = [
                pane for pane in session.panes.values() if pane.uid not in given and await self._fits(pane, wish, known)
            ]
            if len(mine) == 1:
                return await self._give(known, mine[0])
        if not mine:
            return None
        several = ", ".join(pane.uid for pane in mine)
        return await self._end(
            known,
            Acted(
                ActOutcome.INTERRUPTED, f"The sidecar ended in the middle; which of {several} it opened nobody knows."
            ),
        )

    async def _fits(self, pane: WatchedPane, wish: Open, known: ActionRecord) -> bool:
        """Came after the mux was asked, where it was asked for, and nothing but a shell was ever in it."""
        place = place_of(pane.cwd)
        is_there = place is not None and same_folder(place.path, wish.cwd)
        if not pane.alive or pane.excluded or pane.agent.agent is not None or not is_there:
            return False
        if wish.workspace and pane.listed.workspace != wish.workspace:
            return False
        if pane.agent.state not in (PaneState.SHELL, PaneState.UNKNOWN):
            return False
        return (await self._history.pane(pane.uid)).created_ms >= known.at_ms

    async def _give(self, known: ActionRecord, pane: WatchedPane) -> Opened:
        self._given.add(pane.uid)
        pane.started_by_wa = True
        log.info("pane opened", extra={"pane": pane.uid, "mux": pane.mux.name})
        said = f"{pane.uid} was opened."
        return await self._end(known, Acted(ActOutcome.PRESSED, said, {"pane_uid": pane.uid, "pane_id": pane.pane_id}))

    # -- ends -------------------------------------------------------------------------------------------------------

    async def _end(self, record: ActionRecord, acted: Acted) -> Opened:
        """Written down before anybody is told."""
        return self._opened(await self._desk.store.end(record.id, acted, self._clock.now_ms()))

    def _opened(self, record: ActionRecord) -> Opened:
        outcome = ActOutcome(record.outcome or ActOutcome.INTERRUPTED)
        uid = uid_of(record.evidence) if outcome is ActOutcome.PRESSED else None
        approval = record.evidence.get("approval")
        return Opened(outcome, uid, (record.detail or "").rstrip("."), False, self._clock.now_ms(), approval)

    def _not(self, outcome: ActOutcome, why: str) -> Opened:
        return Opened(outcome, None, why.rstrip("."), False, self._clock.now_ms())


def uid_of(evidence: Mapping[str, object]) -> str | None:
    uid = evidence.get("pane_uid")
    return uid if isinstance(uid, str) else None
