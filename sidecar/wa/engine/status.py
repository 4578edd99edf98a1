"""What the sidecar says of itself: `status`, `panes` and `doctor` in the shapes of wa.protocol.results."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from wa import __version__
from wa.config.paths import Paths
from wa.engine import tasks
from wa.engine.agent_result import agent_result
from wa.engine.config_watch import ConfigWatch
from wa.engine.cost import cost_of
from wa.engine.muxes import Muxes
from wa.engine.never import place_of
from wa.engine.pane import WatchedPane
from wa.engine.session import MuxSession, State
from wa.engine.shared import Shared
from wa.model.errors import WezTermError
from wa.protocol.envelope import iso, iso_or_none
from wa.protocol.results import Finding, MuxResult, PaneResult, PanesResult, SidecarResult, StatusResult
from wa.protocol.results_acting import ActingStatus
from wa.store.redact import redact

PING_WITHIN_S = 5.0
TROUBLES_TOLD = 8
NO_MUX = "Start WezTerm, or see wa work without it: `wa demo`."


@dataclass(frozen=True, slots=True)
class Reports:
    paths: Paths
    shared: Shared
    muxes: Muxes
    pid: int
    started_ms: int
    config: ConfigWatch | None = None
    more: list[Callable[[], Awaitable[list[Finding]]]] = field(default_factory=list)
    """What other parts find, for `doctor`."""

    def status(self) -> StatusResult:
        """Without what waits in the database: `ActingMethods.status` adds it."""
        return StatusResult(
            live=True,
            as_of=iso(self.shared.clock.now_ms()),
            sidecar=self._sidecar(),
            muxes=[mux_result(session) for session in self.muxes.sessions.values()],
            panes=self._panes(),
            acting=ActingStatus(pauses=[], approvals=[], queued=[]),
        )

    def panes(self) -> PanesResult:
        return PanesResult(live=True, as_of=iso(self.shared.clock.now_ms()), panes=self._panes())

    def _panes(self) -> list[PaneResult]:
        return [pane_result(pane) for pane in self.shared.registry]

    def _sidecar(self) -> SidecarResult:
        return SidecarResult(
            running=True,
            pid=self.pid,
            version=__version__,
            started_at=iso(self.started_ms),
            socket=str(self.paths.socket),
            database=str(self.paths.database),
            database_bytes=database_bytes(self.paths.database),
            log_file=str(self.paths.log_file),
            buffered_bytes=self.shared.buffer.bytes,
            notices=[finding["what"] for finding in self._troubles()],
        )

    # -- doctor -----------------------------------------------------------------------------------------------------

    async def findings(self) -> list[Finding]:
        """What the sidecar alone can tell; pings every mux."""
        sessions = list(self.muxes.sessions.values())
        pings = await asyncio.gather(*(_ping(session) for session in sessions))
        found = [finding for pair in zip(sessions, pings, strict=True) for finding in _mux_findings(*pair)]
        if not sessions:
            where = f" in {self.muxes.looked_in}" if self.muxes.looked_in else ""
            found.append(_finding("warning", f"no multiplexer is watched: no socket answers{where}", NO_MUX))
        found += [one for session in sessions for one in await cost_of(session)]
        found += [one for look in self.more for one in await look()]
        return [*found, *self._troubles(), *self._refused(), *self._pane_findings()]

    def _pane_findings(self) -> Iterable[Finding]:
        panes = list(self.shared.registry)
        lost = sum(pane.rows_lost for pane in panes)
        gaps = sum(pane.gaps for pane in panes)
        if gaps:
            what = f"the logs of live panes have {gaps} gaps, {lost} rows are known to be lost"
            yield _finding(
                "note", what, "`wa logs PANE` shows where; more `scrollback_lines` in WezTerm make them rarer."
            )
        if excluded := [pane for pane in panes if pane.excluded]:
            rules = ", ".join(sorted({pane.excluded or "" for pane in excluded}))
            yield _finding("note", f"{len(excluded)} panes are never captured, by `capture.never`: {rules}", None)

    def _troubles(self) -> list[Finding]:
        buffer = self.shared.buffer
        found = []
        if (trouble := buffer.trouble) is not None:
            held = f"{buffer.bytes / 1e6:.1f} MB wait in memory"
            found.append(_finding("error", f"the database takes nothing: {trouble.message}; {held}", trouble.next_step))
        if buffer.rows_dropped:
            what = f"{buffer.rows_dropped} rows were dropped because memory's bound was reached, and recorded as gaps"
            found.append(_finding("warning", what, "Raise `capture.memory_mb`, and see why the database was away."))
        found += self._agent_troubles()
        found += self._config_troubles()
        for failure in tasks.recent_failures()[-3:]:
            what = f"a part of the sidecar failed: {failure.task}: {redact(str(failure.error))}"
            found.append(_finding("error", what, f"Report it with {self.paths.log_file}."))
        return found

    def _config_troubles(self) -> Iterable[Finding]:
        if (config := self.config) is None:
            return
        if config.trouble is not None:
            what = f"{config.path} is refused as it is now, and what was last good of it stays in force: {config.trouble.message}"
            yield _finding("warning", what, config.trouble.next_step)
        if config.waiting:
            what = f"{config.path} has other values than the sidecar began with: {', '.join(config.waiting)}"
            yield _finding("note", what, "Run `wa stop`, then `wa watch --detach`, to put them in force.")

    def _refused(self) -> Iterable[Finding]:
        """What programs said and was not believed: newest first."""
        troubles = self.shared.troubles.lately()
        for trouble in troubles[:TROUBLES_TOLD]:
            where = f"{trouble.where}: " if trouble.where else ""
            step = f"Look what runs in {trouble.where}: `wa logs {trouble.where}`." if trouble.where else None
            times = "once" if trouble.times == 1 else f"{trouble.times} times"
            step = step or f"See which program says so; {self.paths.log_file} may tell."
            yield _finding("warning", f"{where}{trouble.what} ({times} in a day); dropped", step)
        if (more := len(troubles) - TROUBLES_TOLD) > 0:
            yield _finding("note", f"{more} more troubles of this kind", None)

    def _agent_troubles(self) -> Iterable[Finding]:
        if (agents := self.shared.agents) is None:
            return
        for trouble in agents.agents.troubles:
            step = "Mend the file: `wa rules lint FILE` checks it. Until then the last good rules stay in force."
            yield _finding("warning", f"rules refused: {trouble}", step)
        if agents.notes.given_up:
            what = f"{agents.notes.given_up} batches of events were given up: the database was away for too long"
            yield _finding("warning", what, "See why the database was away.")
        if agents.failed:
            what = f"rules fail in {', '.join(agents.failed[:5])}: what the agents do there is not known"
            yield _finding("error", what, f"Report it with {self.paths.log_file}.")


def mux_result(session: MuxSession) -> MuxResult:
    terminal = session.terminal if session.state is State.CONNECTED else None
    return MuxResult(
        name=session.name,
        host=session.host,
        socket=session.mux.socket if session.mux is not None else session.where,
        state=session.state.value,
        source=None if terminal is None else terminal.source.value,
        codec=None if terminal is None else terminal.codec,
        version="" if terminal is None else terminal.version,
        panes=len(session.panes),
        reads_waiting=session.reads_waiting,
        connected_at=iso_or_none(session.connected_ms),
        notice=session.notice,
    )


def pane_result(pane: WatchedPane) -> PaneResult:
    place = place_of(pane.cwd)
    cwd = place.path if place is not None else pane.cwd
    return PaneResult(
        pane_uid=pane.uid,
        mux=pane.mux.name,
        host=pane.mux.host,
        pane_id=pane.pane_id,
        title=redact(pane.title),
        cwd=None if cwd is None else redact(cwd),
        workspace=pane.listed.workspace,
        size={"cols": pane.listed.cols, "rows": pane.listed.rows},
        alive=pane.alive,
        source=None if pane.source is None else pane.source.value,
        excluded=pane.excluded is not None,
        rows_stored=pane.rows_stored,
        rows_lost=pane.rows_lost,
        gaps=pane.gaps,
        last_output_at=iso_or_none(pane.last_output_ms),
        **agent_result(pane.agent, pane.last_event),
    )


def database_bytes(database: Path) -> int | None:
    """The database and its write-ahead log; None where there is no database."""
    total: int | None = None
    for path in (database, database.with_name(f"{database.name}-wal")):
        try:
            total = (total or 0) + path.stat().st_size
        except OSError:
            continue
    return total


async def _ping(session: MuxSession) -> float | str:
    """The round trip in milliseconds, or why there is none."""
    if (terminal := session.terminal) is None:
        return session.notice or "not connected"
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(PING_WITHIN_S):
            await terminal.list_panes()
    except TimeoutError:
        return f"no answer within {PING_WITHIN_S:g} s"
    except WezTermError as error:
        return error.message
    return (loop.time() - began) * 1000


def _mux_findings(session: MuxSession, ping: float | str) -> Iterable[Finding]:
    name = f"{session.name} ({session.where})"
    terminal = session.terminal
    if isinstance(ping, str) or terminal is None:
        step = "wa tries again by itself; see the reason."
        yield _finding("error", f"{name} is not watched just now: {ping}", step)
        return
    codec = "" if terminal.codec is None else f", codec {terminal.codec}"
    hidden = f", {len(session.hidden)} mirrors hidden" if session.hidden else ""
    waiting = f", {session.reads_waiting} reads to do" if session.reads_waiting else ""
    facts = f"{len(session.panes)} panes{hidden}{waiting}, lists them in {ping:.1f} ms"
    yield _finding("ok", f"{name} is watched by {terminal.source.value}{codec}: {facts}", None)
    if terminal.notice is not None:
        yield _finding("warning", f"{session.name}: {terminal.notice}", "Report the version that `wa status` shows.")


def _finding(level: str, what: str, next_step: str | None) -> Finding:
    return Finding(level=level, what=what, next_step=next_step)  # type: ignore[typeddict-item]
