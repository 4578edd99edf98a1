"""What shells say in their panes (docs/protocol/pane-vars.md): taken from pushes and from the plugin, judged, recorded, told.

Any program can print these variables, so they are words of the pane and of nothing else: a handshake must fit the pane where that
can be seen, a command must come under a handshake's token, and none of it is ever run.
"""

from __future__ import annotations

import logging
import socket
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from wa.detect.session_ops import NoteEvent, Operation, ShellOperation
from wa.engine.agents import AgentWatch
from wa.engine.foreground import Command
from wa.engine.never import NeverRules, place_of
from wa.engine.pane import WatchedPane
from wa.engine.rate import Rate
from wa.engine.registry import Registry
from wa.engine.shell_pane import Ran, ShellPane
from wa.engine.troubles import Troubles
from wa.engine.zone_watch import NOTHING, Line, ZoneWatch
from wa.model.agent import Detection, FieldValue, Place, Severity
from wa.model.clock import Clock
from wa.model.identity import MuxInstance
from wa.model.observation import ScreenPush
from wa.protocol.mux.zones import RawRows
from wa.protocol.pane_vars import MAX_VALUE_BYTES, NAMES, Began, Ended, Handshake, PaneVarError, parse
from wa.wezterm.terminal import SourceKind

log = logging.getLogger(__name__)

SHELL = "shell"
"""In the place of the agent, in events of shells."""
RULE = "shell.integration"
PER_PANE_S, PANE_BURST = 50, 100
MAX_EARLY, MAX_EARLY_PANES = 4, 256
MAX_TOKEN = 33
"""With the semicolon behind it."""


class _Early(NamedTuple):
    name: str
    value: str
    at_ms: int


class ShellCommands:
    """Of one sidecar. Nothing here waits."""

    def __init__(
        self,
        registry: Registry,
        agents: AgentWatch,
        rules: NeverRules,
        clock: Clock,
        troubles: Troubles,
        *,
        host: str | None = None,
    ) -> None:
        """*host*: this machine's name."""
        self.finished: Callable[[WatchedPane, Ran], None] = lambda _pane, _ran: None
        """Told of each command that has ended; its text is as it was typed."""
        self._registry = registry
        self._agents = agents
        self._rules = rules
        self._clock = clock
        self._troubles = troubles
        self._host = (socket.gethostname() if host is None else host).casefold()
        self._panes: dict[str, ShellPane] = {}
        self._early: OrderedDict[tuple[str, int], list[_Early]] = OrderedDict()
        """Of panes that are not listed yet: a shell tells of itself before the list of panes has come."""
        self._zones: dict[str, ZoneWatch] = {}
        self._cwds: dict[str, str | None] = {}
        """Where each pane was when it told its folder last."""
        self._hellos: dict[str, str] = {}
        """The handshake that was believed last in each pane: shells repeat it before each command."""
        self._rate = Rate(PER_PANE_S, PANE_BURST)

    # -- panes ------------------------------------------------------------------------------------------------------

    def adopted(self, pane: WatchedPane) -> None:
        """It is watched from now on."""
        if pane.excluded:
            return
        shells, running = pane.remembered_shells
        self._of(pane).restore(shells, running)
        for early in self._early.pop((pane.mux.key, pane.pane_id), []):
            self.heard(pane, early.name, early.value, early.at_ms)

    def stranger(self, mux: MuxInstance, pane_id: int, name: str, value: str, at_ms: int) -> None:
        """A pane that no list has named yet has said it."""
        if name not in NAMES or len(value) > MAX_VALUE_BYTES:
            return
        kept = self._early.setdefault((mux.key, pane_id), [])
        if len(kept) < MAX_EARLY:
            kept.append(_Early(name, value, at_ms))
        while len(self._early) > MAX_EARLY_PANES:
            self._early.popitem(last=False)

    def gone(self, pane: WatchedPane) -> None:
        """It has ended, or must not be looked at any more."""
        known = self._panes.pop(pane.uid, None)
        self._hellos.pop(pane.uid, None)
        self._cwds.pop(pane.uid, None)
        self._zones.pop(pane.uid, None)
        if known is not None and not pane.excluded:
            self._agents.shell(pane, known.close(self._clock.now_ms()))

    # -- what is said -----------------------------------------------------------------------------------------------

    def heard(self, pane: WatchedPane, name: str, value: str, at_ms: int) -> None:
        """A user variable was set there. Names that are not wa's are nothing to it."""
        if name not in NAMES or pane.excluded or not pane.alive:
            return
        if name == "WA_PANE" and self._hellos.get(pane.uid) == value:
            return
        # A program that floods the pane takes nothing from a shell whose token it does not know.
        token = value[2 : 2 + MAX_TOKEN].partition(";")[0] if value.startswith("t=") else ""
        speaker = token if self._of(pane).knows(token) else ""
        if not self._rate.allows((pane.uid, speaker), self._clock.monotonic_ms()):
            self._troubles.count(f"more than {PER_PANE_S} user variables of wa's a second", pane.uid)
            return
        self._take(pane, name, value, at_ms)

    def moved(self, pane: WatchedPane) -> None:
        """Its program has told a folder. The newest push tells it too, and may have come before words that were said earlier."""
        self._cwds[pane.uid] = pane.cwd

    def told(self, message: Mapping[str, Any], _peer_pid: int | None) -> None:
        """The plugin of a GUI tells of one; the intake has limited how many. Where the pane is watched by push, that has told it."""
        gui, pane_id, name, value = (message.get(field) for field in ("gui", "pane_id", "var", "value"))
        if not isinstance(name, str) or name not in NAMES or not isinstance(value, str):
            return
        pane = self._registry.of_gui(gui, pane_id) or self._speaking(name, value)
        if pane is not None and pane.source is not SourceKind.PUSH and not pane.excluded:
            self._take(pane, name, value, int(message["at_ms"]))

    def _speaking(self, name: str, value: str) -> WatchedPane | None:
        """The pane that knows the token: the GUI's own pane is a mirror of it."""
        try:
            token = parse(name, value).token
        except PaneVarError:
            return None
        uid = next((uid for uid, known in self._panes.items() if known.knows(token)), None)
        return None if uid is None else self._registry.get(uid)

    def _take(self, pane: WatchedPane, name: str, value: str, at_ms: int) -> None:
        try:
            said = parse(name, value)
        except PaneVarError as error:
            self._troubles.count(f"a {name} {error}", pane.uid)
            return
        if isinstance(said, Handshake):
            if self._hello(pane, said, at_ms):
                self._hellos[pane.uid] = value
        elif not self._of(pane).knows(said.token):
            self._troubles.count(f"a {name} came under a token that no shell there has told", pane.uid)
        else:
            self._command(pane, said, at_ms)

    def _hello(self, pane: WatchedPane, said: Handshake, at_ms: int) -> bool:
        """Whether it is believed."""
        known = self._of(pane)
        if known.knows(said.token):
            return True
        here, tty = self._is_here(said.host), pane.listed.tty_name
        if here and tty and said.tty != tty:
            self._troubles.count("a shell's handshake named another terminal than the pane's", pane.uid)
            return False
        if any(other.knows(said.token) for other in self._panes.values()):
            self._troubles.count("a shell's handshake was that of another pane", pane.uid)
            return False
        self._agents.shell(pane, known.hello(said, at_ms, proven=here and said.tty == tty))
        return True

    def _is_here(self, host: str) -> bool:
        named = host.casefold()
        return bool(named) and (named == self._host or named == self._host.partition(".")[0])

    def _command(self, pane: WatchedPane, said: Began | Ended, at_ms: int) -> None:
        known, told = self._of(pane), self._cwds.get(pane.uid, pane.cwd)
        place = place_of(told)
        cwd = told if place is None else place.path
        operations: list[ShellOperation]
        if isinstance(said, Began):
            if said.command is not None and self._is_secret(said.command):
                said = said._replace(command=None)
            ran, operations = known.began(said, cwd, at_ms)
            was_heard = True
        else:
            was_heard = known.runs(said.token, said.number)
            ran, operations = known.ended(said, cwd, at_ms)
        if ran is None:
            return
        event = event_of(ran, at_ms)
        if isinstance(said, Began):
            self._agents.shell(pane, [*operations, event], began=ran.command)
            self._agents.shell_runs(pane, ran.command or "a command")
        else:
            self._agents.shell(pane, [*operations, event])
            if was_heard:
                # Where its beginning was not, when that was is the word of whoever speaks.
                self._agents.shell_waits(pane, since_ms=ran.started_ms)
            self.finished(pane, ran)

    # -- by zones alone ---------------------------------------------------------------------------------------------

    def pushed(self, pane: WatchedPane, seen: ScreenPush) -> None:
        """Where only OSC 133 tells (a shell without wa's integration), prompts say what began and ended, and no status."""
        raw = seen.raw
        if not isinstance(raw, RawRows) or pane.excluded:
            return
        watch = self._zones.get(pane.uid)
        if watch is None and not raw.may_prompt:
            return
        known = self._of(pane)
        if known.has_shells:
            self._zones.pop(pane.uid, None)
            return
        watch = self._zones.setdefault(pane.uid, ZoneWatch(pane.cwd))
        step, place = watch.push(raw, seen.rows, seen.cursor.y), place_of(watch.cwd)
        cwd, watch.cwd = watch.cwd if place is None else place.path, pane.cwd
        if step is NOTHING:
            return
        if step.ended:
            self._zone_ended(pane, known, seen.at_ms)
        for line in step.between:
            self._zone_began(pane, known, line, cwd, seen.at_ms)
            self._zone_ended(pane, known, seen.at_ms)
        if step.began is not None:
            self._zone_began(pane, known, step.began, cwd, seen.at_ms)

    def _zone_began(self, pane: WatchedPane, known: ShellPane, line: Line, cwd: str | None, at_ms: int) -> None:
        if self._is_secret(line.text):
            line = Line("", False)
        ran, operations = known.zone_began(line, cwd, at_ms)
        self._agents.shell(pane, [*operations, event_of(ran, at_ms)], began=ran.command)

    def _zone_ended(self, pane: WatchedPane, known: ShellPane, at_ms: int) -> None:
        ran, operations = known.zone_ended(at_ms)
        if ran is not None:
            self._agents.shell(pane, [*operations, event_of(ran, at_ms)])
            self.finished(pane, ran)

    def _is_secret(self, command: str) -> bool:
        """`capture.never.command` names it: then that it ran may be known, and no word of it."""
        words = command.split(None, 1)
        named = Command(words[0].rpartition("/")[2] if words else "", command)
        return self._rules.looks_at_commands and self._rules.excludes(title="", cwd=None, command=named) is not None

    def _of(self, pane: WatchedPane) -> ShellPane:
        return self._panes.setdefault(pane.uid, ShellPane())


def event_of(ran: Ran, at_ms: int) -> Operation:
    """`command.start` of one that runs, `command.done` of one that has ended."""
    fields: dict[str, FieldValue] = {}
    if ran.command is not None:
        fields["command"] = ran.command
    if ran.cwd is not None:
        fields["cwd"] = ran.cwd
    is_done = ran.duration_ms is not None
    if ran.exit_status is not None:
        fields["exit_status"] = ran.exit_status
    if ran.duration_ms is not None:
        fields["duration_s"] = ran.duration_ms / 1000
    if not ran.proven:
        fields["proven"] = False
    event = "command.done" if is_done else "command.start"
    place = Place(SHELL, None, None, " ".join((ran.command or "").split())[:400])
    return NoteEvent(at_ms, Detection(event, SHELL, RULE, Severity.INFO, fields, False, place), None, None)
