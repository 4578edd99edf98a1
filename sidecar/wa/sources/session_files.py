"""Which session the agent in a pane runs, and what its session file says as it grows.

A session is tied to a pane by its process where the agent allows it, by an id that the pane printed, by the instant at which
the pane took a prompt, or by folder and start. Two that fit are no answer. docs/topics/session-files.md.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from wa.protocol.session_files import (
    AGENTS,
    LiveSession,
    Record,
    SessionMeta,
    SessionReader,
    TurnStarted,
    file_session_id,
)
from wa.sources import session_homes, session_tail, session_ties
from wa.sources.proc import PROC
from wa.sources.session_homes import Found, Homes
from wa.sources.session_ties import Left, Process

TIED = 0.95
"""From here on no other evidence counts."""
HELD, PRINTED, PROMPTED_AT_START, PROMPTED, STARTED, USED_LAST, LATER, CONTINUED, FOLDER, NO_FIT = (
    *(1.0, 0.97, 0.93, 0.9, 0.9),
    *(0.8, 0.6, 0.5, 0.4, 0.2),
)
HEADLESS_LESS = 0.3
STARTS_WITHIN_MS = 30_000
"""From a process's start to its session's. Seen on two busy cores: Codex 0.2 to 0.7 s, Gemini CLI 0.61 3.5 s."""
PROMPT_WITHIN_MS = 3_000
"""Between a prompt's submission in the pane and the turn's start in the file. Seen: below 0.3 s."""
MAX_CANDIDATES = 32
MAX_FOLDERS = 8
MAX_PEEKED = 500
"""Files opened for one question, those written last."""
PROCESS_START_MS = 2_000
"""How well the start of a process is known: the kernel tells its own start in whole seconds."""
PEEK_BYTES = 4 << 20
"""At a file's end, where its newest turns are looked for."""
MAX_PEEKS = 1024
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 4.0
GONE_LOOKS = 4
"""A file that is replaced is missing for a moment; missing at this many looks it is gone."""


class Candidate(NamedTuple):
    session_id: str
    path: Path | None
    """None where the agent has not written the file yet."""
    confidence: float
    """0 … 1: 1 where the process itself says so."""
    why: str
    meta: SessionMeta | None = None


def best(candidates: Iterable[Candidate]) -> Candidate | None:
    """The one session that fits; None where none does, and where two do."""
    ranked = sorted(candidates, key=lambda candidate: -candidate.confidence)
    if not ranked or ranked[0].confidence < CONTINUED:
        return None
    first = ranked[0]
    rivals_from = TIED if first.confidence >= TIED else LATER if first.confidence >= USED_LAST else CONTINUED
    rivals = [other for other in ranked[1:] if other.session_id != first.session_id and other.confidence >= rivals_from]
    return None if rivals else first


class _Peek(NamedTuple):
    meta: SessionMeta
    turns_ms: tuple[int, ...]


class SessionFiles:
    """Reads only. One instance for one user's agents; its methods may run at the same time."""

    def __init__(self, homes: Homes | None = None, *, proc: Path = PROC) -> None:
        """*homes* for processes whose own environment cannot be read."""
        self._homes = homes or Homes.from_env(os.environ)
        self._proc = proc
        self._terminals = session_ties.Terminals(proc)
        self._lock = threading.Lock()
        self._peeks: OrderedDict[tuple[str, int, int], _Peek | None] = OrderedDict()

    async def candidates(
        self,
        agent: str,
        cwd: str | None,
        started_ms: int | None,
        *,
        tty: str | None = None,
        tolerance_ms: int = 5_000,
        prompts_ms: Sequence[int] = (),
        printed: Collection[str] = (),
        taken: Collection[str] = (),
    ) -> list[Candidate]:
        """The sessions that the agent in a pane could be running, the likeliest first; ask `best` which one it is.

        *cwd* is a path or file:// URL, *started_ms* when the agent was seen to start, *tolerance_ms* how far that may be off to
        either side. *tty* names the pane's terminal on this machine; where it does, folder and start are taken from the
        processes. *prompts_ms*: when the pane was seen to take prompts. *printed*: ids that the agent itself printed.
        *taken*: ids known to run in other panes.
        """
        if agent not in AGENTS:
            return []
        return await asyncio.to_thread(
            self._candidates, agent, cwd, started_ms, tty, tolerance_ms, tuple(prompts_ms), set(printed), set(taken)
        )

    async def running(self, agent: str, folder: str, session_id: str, ttys: Collection[str]) -> list[Left]:
        """Processes that may run this session outside of the terminals *ttys*."""
        return await asyncio.to_thread(session_ties.running, agent, folder, session_id, ttys, self._homes, self._proc)

    async def live(self, tty: str | None) -> LiveSession | None:
        """What the Claude Code in the foreground of *tty* says of itself: its session, and whether it is idle, busy or waits."""
        return await asyncio.to_thread(self._live, tty)

    async def began(self, agent: str, tty: str | None) -> int | None:
        """When the first of *agent*'s processes in the foreground of *tty* was started."""
        return await asyncio.to_thread(self._began, agent, tty)

    async def follow(self, agent: str, path: Path, *, nudge: asyncio.Event | None = None) -> AsyncIterator[Record]:
        """Everything the file says, then what is added; ends when the file is gone.

        Looks again at once when *nudge* is set (the pane printed something), else after 0.25 s, doubling to 4 s while nothing
        comes. A look at a file that did not change is one open and one stat.
        """
        tail, wait_s, missing = session_tail.Tail(agent, path), FIRST_WAIT_S, 0
        while True:
            if nudge is not None:
                nudge.clear()
            found = await asyncio.to_thread(tail.step)
            missing = missing + 1 if found is None else 0
            if missing >= GONE_LOOKS:
                return
            for record in found or ():
                yield record
            if tail.more:
                continue
            wait_s = FIRST_WAIT_S if found or missing else min(wait_s * 2, LONGEST_WAIT_S)
            if await _nudged(nudge, wait_s):
                wait_s = FIRST_WAIT_S

    def _live(self, tty: str | None) -> LiveSession | None:
        processes = self._terminals.foreground(tty)
        found = {live for process in processes if (live := session_ties.live_of(process, self._home(process)))}
        return found.pop() if len(found) == 1 else None

    def _began(self, agent: str, tty: str | None) -> int | None:
        processes = self._terminals.foreground(tty)
        starts = [one.started_ms for one in processes if one.runs(session_ties.PROGRAMS[agent]) and one.started_ms]
        return min(starts, default=None)

    def _home(self, process: Process) -> Homes:
        return session_ties.homes_of(process, self._homes)

    def _candidates(
        self,
        agent: str,
        cwd: str | None,
        started_ms: int | None,
        tty: str | None,
        tolerance_ms: int,
        prompts_ms: tuple[int, ...],
        printed: set[str],
        taken: set[str],
    ) -> list[Candidate]:
        standing = self._terminals.foreground(tty)
        processes = [process for process in standing if process.runs(session_ties.PROGRAMS[agent])]
        tied = self._tied(agent, processes)
        if tied:
            return tied
        if any(process.program in session_ties.ELSEWHERE for process in standing):
            return []
        homes = self._home(processes[0]) if processes else self._homes
        seen = [process.cwd for process in processes] if processes else [session_homes.local_folder(cwd)]
        folders = list(dict.fromkeys(folder for folder in seen if folder is not None))[:MAX_FOLDERS]
        starts = [process.started_ms for process in processes if process.started_ms is not None]
        if starts:
            started_ms, tolerance_ms = min(starts), PROCESS_START_MS
        since_ms = 0 if started_ms is None else started_ms - tolerance_ms
        files = session_homes.files_of(agent, homes, folders, 0 if printed else since_ms)
        files = [file for file in files if file.written_ms >= since_ms or _named(file, printed)][:MAX_PEEKED]
        found: dict[str, tuple[Found, Candidate]] = {}
        for file in sorted(files, key=lambda file: not _named(file, printed)):
            peek = self._peek(agent, file, turns=bool(prompts_ms))
            if peek is None or peek.meta.kind == "subagent" or not _in_folders(peek.meta, folders):
                continue
            confidence, why = _judge(peek, started_ms, tolerance_ms, prompts_ms, printed)
            session_id = peek.meta.session_id
            if session_id in taken and confidence < TIED:
                continue
            candidate = Candidate(session_id, file.path, confidence, why, peek.meta)
            known = found.get(session_id)
            # A session continued by Gemini CLI has two files: the one that was written last goes on. Files come in that order.
            if known is None:
                found[session_id] = (file, candidate)
            elif confidence > known[1].confidence:
                found[session_id] = (known[0], candidate._replace(path=known[0].path))
            if len(found) >= MAX_CANDIDATES:
                break
        return sorted((candidate for _, candidate in found.values()), key=lambda candidate: -candidate.confidence)

    def _tied(self, agent: str, processes: Sequence[Process]) -> list[Candidate]:
        if agent == "claude_code":
            found = {}
            for process in processes:
                homes = self._home(process)
                live = session_ties.live_of(process, homes)
                if live is not None:
                    path = _claude_file(homes, live)
                    why = f"Claude Code {live.pid} says that it runs it"
                    found[live.session_id] = Candidate(live.session_id, path, HELD, why)
            return list(found.values())
        if agent != "codex":
            return []
        held = []
        for one in session_ties.held_by(processes, self._proc):
            file = None if one.path is None else session_homes.look(one.path)
            peek = None if file is None else self._peek(agent, file, turns=False)
            if peek is None or peek.meta.kind != "subagent":
                used_ms = max(file.written_ms if file else 0, _uuid7_ms(one.session_id))
                held.append((used_ms, Candidate(one.session_id, one.path, HELD, "", peek.meta if peek else None)))
        held.sort(key=lambda entry: -entry[0])
        if len(held) == 1:
            return [held[0][1]._replace(why="its process holds the session open")]
        return [
            candidate._replace(
                confidence=USED_LAST if place == 0 else NO_FIT,
                why=f"its process holds {len(held)} sessions open; this one was {'' if place == 0 else 'not '}used last",
            )
            for place, (_, candidate) in enumerate(held[:MAX_CANDIDATES])
        ]

    def _peek(self, agent: str, file: Found, *, turns: bool) -> _Peek | None:
        """Which session a file is of and, with *turns*, when its newest turns began. Remembered while the file stays the same."""
        key = (f"{turns} {file.path}", file.written_ms, file.size)
        with self._lock:
            if key in self._peeks:
                self._peeks.move_to_end(key)
                return self._peeks[key]
        peek = _peek(agent, file, turns=turns)
        with self._lock:
            self._peeks[key] = peek
            if len(self._peeks) > MAX_PEEKS:
                self._peeks.popitem(last=False)
        return peek


async def _nudged(nudge: asyncio.Event | None, wait_s: float) -> bool:
    if nudge is None:
        await asyncio.sleep(wait_s)
        return False
    try:
        async with asyncio.timeout(wait_s):
            await nudge.wait()
    except TimeoutError:
        return False
    return True


def _peek(agent: str, file: Found, *, turns: bool) -> _Peek | None:
    if not turns and not SessionReader(agent, file.path.name).whole_file:
        first = session_tail.first_meta(agent, file.path)
        return None if first is None else _Peek(first, ())
    tail = session_tail.Tail(agent, file.path)
    if not SessionReader(agent, file.path.name).whole_file:
        tail = session_tail.Tail(agent, file.path, whole_bytes=PEEK_BYTES, tail_bytes=PEEK_BYTES)
    meta: SessionMeta | None = None
    turns_ms: list[int] = []
    for _ in range(2 * PEEK_BYTES // session_tail.CHUNK_BYTES):
        for record in tail.step() or ():
            if isinstance(record, SessionMeta):
                # The first of an appended file knows folder and start; later ones, read from the middle, may not.
                meta = meta or record
            elif isinstance(record, TurnStarted) and record.at_ms is not None:
                turns_ms.append(record.at_ms)
        if not tail.more:
            break
    return None if meta is None else _Peek(meta, tuple(turns_ms))


def _in_folders(meta: SessionMeta, folders: Sequence[str]) -> bool:
    """Gemini CLI files its sessions by folder and writes no path."""
    return meta.cwd is None or any(session_homes.same_folder(meta.cwd, folder) for folder in folders)


def _named(file: Found, printed: set[str]) -> bool:
    """Gemini CLI's names hold only the first eight letters of an id."""
    return any(session_id in file.path.name or f"-{session_id[:8]}.json" in file.path.name for session_id in printed)


def _judge(
    peek: _Peek, started_ms: int | None, tolerance_ms: int, prompts_ms: tuple[int, ...], printed: set[str]
) -> tuple[float, str]:
    began_ms = peek.meta.started_ms
    if peek.meta.session_id in printed:
        return PRINTED, "the pane printed its id"
    at_start = (
        began_ms is not None
        and started_ms is not None
        and started_ms - tolerance_ms <= began_ms <= started_ms + tolerance_ms + STARTS_WITHIN_MS
    )
    less = HEADLESS_LESS if peek.meta.kind == "headless" else 0.0
    if prompts_ms:
        newest = max(prompts_ms)
        if any(abs(turn - newest) <= PROMPT_WITHIN_MS for turn in peek.turns_ms):
            return (PROMPTED_AT_START if at_start else PROMPTED) - less, "a turn began when the pane took its prompt"
        return NO_FIT, "no turn began when the pane took its prompt"
    if at_start:
        return STARTED - less, "begun in this folder when the agent started"
    if started_ms is None or began_ms is None:
        return FOLDER - less, "of this folder"
    if began_ms > started_ms:
        return LATER - less, "begun in this folder after the agent started"
    return CONTINUED - less, "begun in this folder before the agent started, and written since"


def _claude_file(homes: Homes, live: LiveSession) -> Path | None:
    if live.cwd is None:
        return None
    for file in session_homes.files_of("claude_code", homes, [live.cwd], 0):
        if file_session_id(file.path.name) == live.session_id:
            return file.path
    return None


def _uuid7_ms(session_id: str) -> int:
    """When an id of version 7 was made; 0 for others."""
    return int(session_id.replace("-", "")[:12], 16) if session_id[14] == "7" else 0
