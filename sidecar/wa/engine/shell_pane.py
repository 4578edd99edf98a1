"""The shells of one pane, by what they say: which are known, what each runs, and what is to be remembered of it. Believes no token
that no handshake has named; an event that is told twice is one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from wa.detect.session_ops import BeginCommand, EndCommand, NoteShell, ShellOperation
from wa.engine.zone_watch import Line
from wa.protocol.pane_vars import Began, Ended, Handshake
from wa.store.command_records import CommandRecord, ShellRecord

ZONES = ""
"""In the place of a token, where semantic zones alone tell."""
MAX_SHELLS = 8
MAX_RUNNING = 16
"""Commands inside of commands: each a shell that was begun in another."""


class Ran(NamedTuple):
    """A command, under way or ended."""

    token: str
    number: int
    command: str | None
    cut: bool
    cwd: str | None
    proven: bool
    started_ms: int
    exit_status: int | None = None
    duration_ms: int | None = None


class _Shell:
    def __init__(self, *, proven: bool, newest: int = 0) -> None:
        self.proven = proven
        self.newest = newest
        """The greatest number that was told of."""


class ShellPane:
    def __init__(self) -> None:
        self._shells: OrderedDict[str, _Shell] = OrderedDict()
        self.running: list[Ran] = []
        """In the order in which they began: each inside of the one before."""
        self._zone_number = 0

    def restore(self, shells: Sequence[ShellRecord], running: Sequence[CommandRecord]) -> None:
        """As an earlier sidecar knew it."""
        for shell in shells[-MAX_SHELLS:]:
            self._shells[shell.token] = _Shell(proven=shell.proven, newest=shell.last_number)
        self.running = [
            Ran(one.token, one.number, one.command, one.cut, one.cwd, one.proven, one.started_ms)
            for one in running[-MAX_RUNNING:]
            if one.token in (ZONES, *self._shells)
        ]

    def knows(self, token: str) -> bool:
        return token in self._shells

    def runs(self, token: str, number: int) -> bool:
        """It was heard to begin, and is under way."""
        return any(one[:2] == (token, number) for one in self.running)

    def hello(self, said: Handshake, at_ms: int, *, proven: bool) -> list[ShellOperation]:
        """Nothing for a shell that is known. When there are too many, one that proved nothing goes first."""
        if said.token in self._shells:
            return []
        self._shells[said.token] = _Shell(proven=proven)
        if len(self._shells) > MAX_SHELLS:
            others = [token for token in self._shells if token != said.token]
            oldest = next((token for token in others if not self._shells[token].proven), others[0])
            del self._shells[oldest]
        return [NoteShell(said.token, said.shell, said.pid, said.tty, said.host, said.version, proven, at_ms)]

    def began(self, said: Began, cwd: str | None, at_ms: int) -> tuple[Ran | None, list[ShellOperation]]:
        """None for one that was told of before. The token is known."""
        shell = self._shells[said.token]
        if said.number <= shell.newest:
            return None, []
        shell.newest = said.number
        # A shell runs one at a time: the end of the one before was not heard.
        done = self._drop([one for one in self.running if one.token == said.token], at_ms)
        ran = Ran(said.token, said.number, said.command, said.cut, cwd, shell.proven, at_ms)
        self.running.append(ran)
        done += self._drop(self.running[:-MAX_RUNNING], at_ms)
        return ran, [*done, BeginCommand(*ran[:7])]

    def ended(self, said: Ended, cwd: str | None, at_ms: int) -> tuple[Ran | None, list[ShellOperation]]:
        """None for one that was told of before. The token is known."""
        shell = self._shells[said.token]
        at = next((at for at, one in enumerate(self.running) if one[:2] == (said.token, said.number)), None)
        operations: list[ShellOperation] = []
        if at is not None:
            ran = self.running.pop(at)
            # Shells that were begun inside of it are gone with it.
            operations += self._drop(self.running[at:], at_ms)
        elif said.number > shell.newest:
            # Nobody was there when it began.
            began_ms = max(0, at_ms - said.duration_ms)
            ran = Ran(said.token, said.number, None, False, cwd, shell.proven, began_ms)
            operations.append(BeginCommand(*ran[:7]))
        else:
            return None, []
        shell.newest = max(shell.newest, said.number)
        ran = ran._replace(exit_status=said.exit_status, duration_ms=said.duration_ms)
        return ran, [*operations, EndCommand(*ran[:2], at_ms, said.exit_status, said.duration_ms)]

    # -- by zones alone ---------------------------------------------------------------------------------------------

    @property
    def has_shells(self) -> bool:
        """Shells have told of themselves: they say it better than zones."""
        return bool(self._shells)

    def zone_began(self, line: Line, cwd: str | None, at_ms: int) -> tuple[Ran, list[ShellOperation]]:
        done = self._drop([one for one in self.running if one.token == ZONES], at_ms)
        # Numbers that no earlier run can have given.
        self._zone_number = max(self._zone_number + 1, at_ms)
        ran = Ran(ZONES, self._zone_number, line.text or None, line.cut, cwd, False, at_ms)
        self.running.append(ran)
        return ran, [*done, BeginCommand(*ran[:7])]

    def zone_ended(self, at_ms: int) -> tuple[Ran | None, list[ShellOperation]]:
        """None where nothing was seen to begin."""
        ran = next((one for one in self.running if one.token == ZONES), None)
        if ran is None:
            return None, []
        self.running.remove(ran)
        lasted_ms = max(0, at_ms - ran.started_ms)
        return ran._replace(duration_ms=lasted_ms), [EndCommand(*ran[:2], at_ms, None, lasted_ms)]

    def close(self, at_ms: int) -> list[ShellOperation]:
        """The pane is over: how its commands ended, nobody saw."""
        return self._drop(list(self.running), at_ms)

    def _drop(self, gone: list[Ran], at_ms: int) -> list[ShellOperation]:
        self.running = [one for one in self.running if one not in gone]
        return [EndCommand(*one[:2], at_ms, None, None) for one in gone]
