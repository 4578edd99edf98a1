"""What programs report of themselves through `wa run` (OSC 7501), and which pane their inner terminal stands in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wa.detect.program import Program, agent_of
from wa.engine.agents import AgentWatch, HookSaid
from wa.engine.pane import WatchedPane
from wa.engine.registry import Registry
from wa.engine.troubles import Troubles
from wa.model.agent import PaneState, Signal, SignalSource
from wa.model.clock import Clock
from wa.sources.proc import FOREGROUND_GROUP, GROUP, PROC, SESSION, TTY, stat_fields, terminal_number

LASTS_MS: Mapping[PaneState | None, int] = {
    PaneState.IDLE: 3_000,
    PaneState.WORKING: 15_000,
    PaneState.WAITING_APPROVAL: 3_000,
    PaneState.WAITING_QUESTION: 3_000,
    PaneState.WAITING_LOGIN: 3_000,
    None: 1_000,
}
"""About as for hooks of the same meaning: what is still true then shows on the screen, too."""
MEANS: Mapping[tuple[str, str | None], PaneState] = {
    ("idle", None): PaneState.IDLE,
    ("done", None): PaneState.IDLE,
    ("working", None): PaneState.WORKING,
    ("blocked", "permission"): PaneState.WAITING_APPROVAL,
    ("blocked", "question"): PaneState.WAITING_QUESTION,
    ("blocked", "auth"): PaneState.WAITING_LOGIN,
}
"""Program Status Protocol 0.4. An error may be a limit, a lost connection or a failed tool: the screen says which."""
TOO_LATE_MS = 10_000
PARENT = 1
NO_PANE = "reports came from `wa run` outside of the watched panes"


class ProgramSignals:
    def __init__(
        self, registry: Registry, agents: AgentWatch, clock: Clock, troubles: Troubles, proc: Path = PROC
    ) -> None:
        self._registry, self._agents, self._clock, self._troubles, self._proc = registry, agents, clock, troubles, proc

    def take(self, frame: Mapping[str, Any], peer_pid: int | None) -> None:
        """An `event` frame of source `program`; docs/protocol/events-in.md. One that waited in the spool is no state any more."""
        at_ms = int(frame["at_ms"])
        state, kind, name = (_word(frame.get(field)) for field in ("state", "detail", "argv0"))
        if peer_pid is None or self._clock.now_ms() - at_ms > TOO_LATE_MS or frame.get("id"):
            return  # a record with an id is of a part of the program
        packs = self._agents.agents.packs
        agent = agent_of(Program(name), packs) or agent_of(Program(_word(frame.get("app"))), packs)
        if agent is None:
            return
        pane = self._pane_of(peer_pid)
        if pane is None:
            self._troubles.count(NO_PANE)
            return
        says = MEANS.get((state, kind if state == "blocked" else None))
        text = f"{state} {kind}" if state == "blocked" and kind else state
        rule = f"{agent}.reports.{text.replace(' ', '.')}"
        signal = Signal(SignalSource.HOOK, says, agent, rule, text, at_ms, at_ms + LASTS_MS[says])
        self._agents.hook(pane, HookSaid(agent, at_ms, None, False, signal, None))

    def _pane_of(self, pid: int) -> WatchedPane | None:
        """The pane in front of whose terminal the sender stands, by the kernel."""
        fields = stat_fields(self._proc, pid)
        if fields is None or fields[GROUP] != fields[FOREGROUND_GROUP]:
            return None
        terminal = int(fields[TTY]) & 0xFFFFFFFF
        here = [pane for pane in self._registry if pane.alive and not pane.mux.host and pane.listed.tty_name]
        panes = [pane for pane in here if terminal_number(pane.listed.tty_name) == terminal]
        return panes[0] if terminal and len(panes) == 1 else None


def shim_around(pid: int, proc: Path = PROC) -> int | None:
    """The `wa run` in whose inner terminal *pid* runs: the parent of its session's leader, which is a copy of it."""
    fields = stat_fields(proc, pid)
    leader = None if fields is None else int(fields[SESSION])
    above = None if leader is None else stat_fields(proc, leader)
    if leader is None or above is None:
        return None
    shim = int(above[PARENT])
    words = _words(proc, shim)
    ran = words[: words.index(b"--")] if b"--" in words else []
    is_wa = any(word.rpartition(b"/")[2] == b"wa" for word in ran[:-1]) and ran[-1:] == [b"run"]
    return shim if is_wa and words == _words(proc, leader) else None


def _words(proc: Path, pid: int) -> list[bytes]:
    try:
        return (proc / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return []


def _word(value: object) -> str:
    return value[:64] if isinstance(value, str) and value.isprintable() else ""
