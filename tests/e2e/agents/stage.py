"""A real agent in a pane, a real sidecar that watches it, and what the user's two commands say about it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.live import LiveMux
from contract.wire import Wire
from support.agents import Cli, bare_environment, environment, search_path
from support.sidecar import Home, eventually
from wa.protocol import mux as p

ROWS, COLS = 45, 120
WITHIN_S = 45.0
KEYS = {"enter": b"\r", "esc": b"\x1b", "interrupt": b"\x03", "down": b"\x1b[B"}


@dataclass
class Stage:
    """One multiplexer, one sidecar; panes come and go."""

    mux: LiveMux
    wire: Wire
    home: Home
    folder: Path
    """Holds what each agent sees and writes."""
    api: str
    within_s: float = WITHIN_S
    """How long a person waits for anything."""
    _runs: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def agent(
        self,
        cli: Cli,
        scenario: str,
        *options: str,
        subscription: bool = False,
        command: str | None = None,
        shell: str = "sh",
    ) -> Iterator[PaneOnStage]:
        """The CLI, started by hand in *shell*. With *command* that is typed instead, by a user who never signed in."""
        run = f"{cli.label}-{next(self._runs)}"
        home, work, url = self.folder / run / "home", self.folder / run / "work", f"{self.api}/s/{scenario}/{run}"
        work.mkdir(parents=True)
        env = (
            environment(cli, home, url, work, subscription=subscription)
            if command is None
            else bare_environment(cli, home, work)
        )
        pane = self._shell(env | {"PATH": search_path(cli), "TERM": "xterm-256color"}, work, run, shell)
        pane.enter((command or " ".join((*cli.command, *options))).replace("{url}", url))
        try:
            yield pane
        finally:
            left = below(int((work.parent / "shell.pid").read_text()))
            self.wire.ask(p.KillPane(pane.pane_id), p.UnitResponse)
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _shell(self, env: dict[str, str], cwd: Path, run: str, shell: str) -> PaneOnStage:
        words = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in sorted(env.items())), "PS1=$ "]
        words += ["sh", "-c", f"echo $$ > ../shell.pid; exec {shell}"]
        command = p.CommandBuilder(tuple(os.fsencode(word) for word in words), ())
        size = p.TerminalSize(ROWS, COLS, COLS * 8, ROWS * 16, 0)
        request = p.SpawnV2(p.DefaultDomain(), None, command, str(cwd), size, "agents")
        spawned = self.wire.ask(request, p.SpawnResponse)
        pane_id = spawned.pane_id
        known = eventually(lambda: [u for u, pane in self.home.panes().items() if pane["pane_id"] == pane_id])
        return PaneOnStage(self, pane_id, known[-1], run, spawned.tab_id)


def below(root: int) -> list[int]:
    """Every process that *root* started: claude 2.1.12 outlives its terminal."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in map(str.split, listed.splitlines())}
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


@dataclass
class PaneOnStage:
    stage: Stage
    pane_id: int
    uid: str
    run: str
    """Its name in the mock's log, and of its folder."""
    tab_id: int

    # What a person does.

    def press(self, *keys: str) -> None:
        """Names of KEYS, or letters."""
        for key in keys:
            self.stage.wire.ask(p.WriteToPane(self.pane_id, KEYS.get(key) or key.encode()), p.UnitResponse)
            self.pause(0.05)

    def answer(self, key: str, then: str) -> None:
        """Presses *key* for the dialog on the screen until *then* shows; a dialog that just came up may not listen yet."""

        def done() -> bool:
            if "".join(then.split()) in "".join(self.screen().split()):
                return True
            if self.status()["state"].startswith("waiting."):
                self.press(key)
                self.pause(1.0)
            return False

        self._wait(done, f"{then!r} after {key}")

    def enter(self, line: str) -> None:
        self.stage.wire.ask(p.WriteToPane(self.pane_id, line.encode() + b"\r"), p.UnitResponse)

    def prompt(self, text: str) -> None:
        self.stage.wire.ask(p.SendPaste(self.pane_id, text), p.UnitResponse)
        self.shows(text)
        self.pause(0.3)
        self.press("enter")

    def slash(self, command: str) -> None:
        """Typed letter by letter: the agents complete as one types."""
        self.press(*command)
        self.shows(command)
        self.pause(0.5)
        self.press("enter")

    def pause(self, seconds: float) -> None:
        """As a hand does between keys: agents take what comes faster for a paste. The mux's pushes are taken meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.stage.wire.pump(left)

    def screen(self) -> str:
        return "\n".join(row.rstrip() for row in self.stage.wire.viewport(self.pane_id))

    def shows(self, text: str) -> None:
        self._wait(lambda: "".join(text.split()) in "".join(self.screen().split()), f"{text!r} on the screen")

    # What wa says.

    def status(self) -> dict[str, Any]:
        panes: list[dict[str, Any]] = self.stage.home.json("status")["panes"]
        return next((pane for pane in panes if pane["pane_uid"] == self.uid), {})

    def events(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.stage.home.json("events", "--pane", self.uid)["events"]
        return told

    def becomes(self, *states: str, agent: str | None = None) -> dict[str, Any]:
        """The status once the state is one of *states*."""
        last: dict[str, Any] = {}

        def look() -> bool:
            nonlocal last
            last = self.status()
            return last.get("state") in states and (agent is None or last.get("agent") == agent)

        self._wait(look, f"state {' or '.join(states)}", lambda: f"{last.get('agent')} is {last.get('state')}")
        assert last["since"], "it does not say since when"
        return last

    def notified(self, title: str) -> str:
        """What a person was told under this title, once."""
        found: list[str] = []

        def look() -> bool:
            notices = self.stage.home.json("notices", "--pane", self.uid)["notices"]
            found[:] = [notice["body"] for notice in notices if notice["title"] == title]
            return bool(found)

        self._wait(look, f"a notice {title!r}", lambda: "")
        assert len(found) == 1, found
        return found[0]

    def told(self, *names: str, **fields: object) -> dict[str, Any]:
        """The last event of one of these names with these fields. Fails where the same is told twice."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            nonlocal found
            events = [event for event in self.events() if event["event"] in names]
            found = [event for event in events if fields.items() <= dict(event["fields"]).items()]
            return bool(found)

        wanted = f"{' or '.join(names)} {fields or ''}"
        self._wait(look, wanted, lambda: str([(e["event"], e["fields"]) for e in self.events()]))
        said = [(event["event"], repr(event["fields"])) for event in found]
        assert len(set(said)) == len(said), f"told twice: {said}"
        return found[-1]

    def never_told(self, *names: str) -> None:
        wrong = [(event["event"], event["fields"]) for event in self.events() if event["event"] in names]
        assert not wrong, f"it told {wrong}"

    def _wait(self, condition: Any, what: str, otherwise: Any = lambda: "") -> None:
        try:
            eventually(lambda: (self.pause(0.05), condition())[1], self.stage.within_s)
        except AssertionError:
            raise AssertionError(f"no {what}; {otherwise()}\n{self.screen()}") from None
