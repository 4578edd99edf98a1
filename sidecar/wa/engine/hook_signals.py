"""What the hooks of agents tell: which pane it is of, by the kernel, and what it says.

A frame names the processes above its sender; where the sender still lives, the kernel's word is taken instead. The nearest of
them that runs an agent must be the one that the hook speaks for, and stand in front of the terminal of one pane of this machine.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wa.detect.hook_events import Told
from wa.detect.program import agent_of
from wa.engine.agents import AgentWatch, HookSaid
from wa.engine.callers import Process, above
from wa.engine.pane import WatchedPane
from wa.engine.program_signals import shim_around
from wa.engine.registry import Registry
from wa.engine.troubles import Troubles
from wa.model.agent import Signal, SignalSource
from wa.model.clock import Clock
from wa.model.hook import NOTIFY, TESTED, AgentHooks, HookMeaning
from wa.protocol.hooks import reduced, session_id
from wa.sources.proc import FOREGROUND_GROUP, GROUP, PROC, TTY, stat_fields, terminal_number
from wa.sources.session_ties import process_of

MAX_PIDS = 16
MAX_LOST = 1
"""Of the processes between a hook that is gone and its agent: the shell that hooks run in. One of more may have been an agent."""
TRUE_FOR_EVENTS_MS = 60_000
"""What waited longer in the spool makes no event and no state any more; the session's id is still true."""
AGAIN_S = 5.0
"""So long the id of a session may take to be known, where it alone says which pane it is."""
CLOCK_MS = 1_500
"""The kernel tells when a process began to the second of the machine's start."""
STRANGER = "hooks came from no process of their agent"
NO_PANE = "hooks came from agents outside of the watched panes"
NO_SESSION = "hooks came from agents without a terminal, of sessions that no pane is known to have"
"""No trouble: the thread in which Codex finds a title is such a session, and so is an agent that another one runs."""
BEHIND = "hooks came from agents that are not in front of their terminal"
UNKNOWN = "hooks came from agents whose hooks wa does not know"


class HookSignals:
    """`take_hook` runs inside the loop: some small files of /proc are all it waits for."""

    def __init__(
        self, registry: Registry, agents: AgentWatch, clock: Clock, troubles: Troubles, proc: Path = PROC
    ) -> None:
        self._registry = registry
        self._agents = agents
        self._clock = clock
        self._troubles = troubles
        self._proc = proc
        self.taken = 0
        self.dropped: Counter[str] = Counter()
        self.tested: Counter[str] = Counter()

    def take_hook(self, frame: Mapping[str, Any], peer_pid: int | None) -> None:
        """An `event` frame of source `hook`; docs/protocol/events-in.md."""
        name, agent, at_ms = str(frame.get("name")), frame.get("agent"), int(frame["at_ms"])
        hooks = self._agents.agents.hooks.get(agent) if isinstance(agent, str) else None
        if hooks is None:
            self._drop(UNKNOWN)
            return
        if name == TESTED:
            self.tested[hooks.agent] += 1
            return
        payload = reduced(frame.get("payload"))
        said = self._said(hooks, name, payload, at_ms)
        found = self._pane_of(said, frame, peer_pid)
        if found == STRANGER and said.told is not None and said.told.event == "session.end":
            # Some do not wait for the hooks of their end.
            ended = self._by_session(said)
            found = found if ended == NO_SESSION else ended
        if found == NO_SESSION:
            asyncio.get_running_loop().call_later(AGAIN_S, lambda: self._hand(self._by_session(said), said))
        else:
            self._hand(found, said)

    def _hand(self, found: WatchedPane | str, said: HookSaid) -> None:
        if isinstance(found, str):
            self._drop(found)
        else:
            self.taken += 1
            self._agents.hook(found, said)

    def report(self) -> dict[str, Any]:
        """For `wa hooks status` and `wa hooks test`."""
        return {"taken": self.taken, "dropped": dict(self.dropped), "tested": dict(self.tested)}

    def _drop(self, why: str) -> None:
        self.dropped[why] += 1
        if why != NO_SESSION:
            self._troubles.count(why)

    # -- what it says ------------------------------------------------------------------------------------------------

    def _said(self, hooks: AgentHooks, name: str, payload: dict[str, object], at_ms: int) -> HookSaid:
        known, meaning = session_id(payload), hooks.meaning(name, payload)
        is_new = self._clock.now_ms() - at_ms <= TRUE_FOR_EVENTS_MS
        return HookSaid(
            hooks.agent,
            at_ms,
            known,
            name == NOTIFY,
            _signal(hooks.agent, name, meaning, payload, at_ms) if is_new else None,
            _told(hooks.agent, name, meaning, payload, at_ms) if is_new else None,
        )

    # -- which pane it is of -----------------------------------------------------------------------------------------

    def _pane_of(self, said: HookSaid, frame: Mapping[str, Any], peer_pid: int | None) -> WatchedPane | str:
        """The pane, or why there is none."""
        packs, lost = self._agents.agents.packs, 0
        for process in self._ancestors(frame, peer_pid, said.at_ms):
            if process is None:
                lost += 1
            elif runs := agent_of(process.program, packs):
                break
        else:
            return STRANGER
        if runs != said.agent or lost > MAX_LOST:
            return STRANGER
        if not self._proc.is_dir():
            tty = frame.get("tty")
            panes = [one for one in self._here() if isinstance(tty, str) and one.listed.tty_name == tty]
            return panes[0] if len(panes) == 1 else NO_PANE
        fields = stat_fields(self._proc, process.pid)
        if fields is None:
            return STRANGER
        terminal = int(fields[TTY]) & 0xFFFFFFFF
        if not terminal:
            return self._by_session(said)
        if fields[GROUP] != fields[FOREGROUND_GROUP]:
            return BEHIND
        panes = [one for one in self._here() if terminal_number(one.listed.tty_name) == terminal]
        if not panes and (shim := shim_around(process.pid, self._proc)) is not None:
            # `wa run` stands between; its own terminal is the pane's.
            outer = stat_fields(self._proc, shim)
            if outer is None or outer[GROUP] != outer[FOREGROUND_GROUP]:
                return BEHIND
            panes = [
                one for one in self._here() if terminal_number(one.listed.tty_name) == int(outer[TTY]) & 0xFFFFFFFF
            ]
        if len(panes) != 1:
            return NO_PANE
        if lost and panes[0].agent.session_id not in (None, said.session_id):
            return STRANGER
        return panes[0]

    def _by_session(self, said: HookSaid) -> WatchedPane | str:
        """A server of the agent's runs its hooks and has no terminal: Codex works so. Its session's id names one pane, or none."""
        known = said.session_id
        panes = [
            one for one in self._here() if known and one.agent.agent == said.agent and one.agent.session_id == known
        ]
        return panes[0] if len(panes) == 1 else NO_SESSION

    def _here(self) -> Iterator[WatchedPane]:
        """Panes of this machine."""
        return (pane for pane in self._registry if pane.alive and not pane.mux.host and pane.listed.tty_name)

    def _ancestors(self, frame: Mapping[str, Any], peer_pid: int | None, at_ms: int) -> Iterator[Process | None]:
        """Nearest first; None for one that the frame names and that is gone."""
        if peer_pid is not None and len(real := list(above(peer_pid, self._proc))) > 1:
            yield from real[1:]
            return
        pids = frame.get("pids")
        for pid in pids[:MAX_PIDS] if isinstance(pids, list) else ():
            if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 1:
                continue
            process = next(above(pid, self._proc), None)
            yield process if process is not None and self._is_older(pid, at_ms) else None

    def _is_older(self, pid: int, at_ms: int) -> bool:
        """Another process may have the number by now."""
        if not self._proc.is_dir():
            return True
        known = process_of(pid, self._proc)
        return known is not None and (known.started_ms is None or known.started_ms <= at_ms + CLOCK_MS)


def _signal(  # Without a state: what a hook said before is over.
    agent: str, name: str, meaning: HookMeaning | None, payload: dict[str, object], at_ms: int
) -> Signal | None:
    if meaning is None or (meaning.state is None and meaning.event is None):
        return None
    why = next((str(payload[key]) for key in ("error", "notification_type", "trigger") if payload.get(key)), "")
    text = f"{name}: {why}" if why else name
    return Signal(
        SignalSource.HOOK, meaning.state, agent, f"{agent}.hook.{name}", text, at_ms, at_ms + meaning.lasts_ms
    )


def _told(agent: str, name: str, meaning: HookMeaning | None, payload: dict[str, object], at_ms: int) -> Told | None:
    if meaning is None or meaning.event is None:
        return None
    known = session_id(payload)
    turn = next((str(payload[key]) for key in ("turn_id", "turn-id", "prompt_id") if payload.get(key)), None)
    ident = known if meaning.event.startswith("session.") else turn
    trigger = payload.get("trigger")
    return Told(agent, meaning.event, at_ms, name, ident, known, trigger if isinstance(trigger, str) else None)
