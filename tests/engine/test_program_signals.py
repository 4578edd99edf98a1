"""Reports through `wa run`: which pane they are of, and what they mean."""

import os
import pty
from pathlib import Path
from types import SimpleNamespace

import pytest

from wa.agents.loader import Agents
from wa.engine.hook_signals import BEHIND, NO_PANE, HookSignals
from wa.engine.program_signals import ProgramSignals, shim_around
from wa.engine.troubles import Troubles
from wa.model.agent import PaneState, SignalSource
from wa.sources.proc import kernel_number

NOW = 1_795_300_000_000
RUN = "/usr/bin/python3 /home/u/.local/bin/wa run -- claude --continue"


class Clock:
    def now_ms(self):
        return NOW


class World:
    """A shell, `wa run` in front of it, and behind an inner terminal the agent and its hook."""

    def __init__(self, folder):
        self.proc = folder / "proc"
        self.proc.mkdir()
        (self.proc / "stat").write_text(f"cpu 1\nbtime {NOW // 1000 - 3600}\n")
        self.pairs = [pty.openpty() for _ in range(2)]
        self.outer, self.inner = (os.ttyname(slave) for _, slave in self.pairs)
        self.pane = SimpleNamespace(
            uid="p1",
            alive=True,
            mux=SimpleNamespace(host=""),
            listed=SimpleNamespace(tty_name=self.outer),
            agent=SimpleNamespace(agent=None, session_id=None),
        )
        self.said = []
        agents = SimpleNamespace(agents=Agents(None), hook=lambda pane, said: self.said.append((pane.uid, said)))
        self.troubles = Troubles(Clock())
        self.programs = ProgramSignals([self.pane], agents, Clock(), self.troubles, self.proc)
        self.hooks = HookSignals([self.pane], agents, Clock(), self.troubles, self.proc)
        self.process(10, 1, "zsh", self.outer, session=10, front=20)
        self.process(20, 10, RUN, self.outer, session=10, front=20)
        self.process(30, 20, RUN, self.inner, session=30, front=40)
        self.process(40, 30, "claude --continue", self.inner, session=30, front=40)
        self.process(50, 40, "wa hook claude_code Stop", None, session=50, front=-1)

    def process(self, pid, parent, line, tty, *, session, front):
        entry = self.proc / str(pid)
        entry.mkdir(exist_ok=True)
        name = line.split(" ")[0].rpartition("/")[2]
        device = 0 if tty is None else kernel_number(Path(tty).stat().st_rdev)
        later = " ".join(["0"] * 13)
        (entry / "stat").write_text(f"{pid} ({name}) S {parent} {pid} {session} {device} {front} {later} 1000 0")
        (entry / "comm").write_text(f"{name}\n")
        (entry / "cmdline").write_bytes("\0".join(line.split(" ")).encode() + b"\0")

    def take(self, state, *, peer=20, **fields):
        self.programs.take({"at_ms": NOW, "state": state, "argv0": "claude", **fields}, peer)
        return self.said[-1][1].signal if self.said else None


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    for pair in made.pairs:
        for end in pair:
            os.close(end)


@pytest.mark.parametrize(
    ("state", "kind", "says"),
    [
        ("working", None, PaneState.WORKING),
        ("idle", None, PaneState.IDLE),
        ("done", None, PaneState.IDLE),
        ("blocked", "permission", PaneState.WAITING_APPROVAL),
        ("blocked", "question", PaneState.WAITING_QUESTION),
        ("blocked", "auth", PaneState.WAITING_LOGIN),
        ("blocked", None, None),
        ("blocked", "else", None),
        ("error", None, None),
        ("clear", None, None),
    ],
)
def test_what_a_report_means(world, state, kind, says):
    """A state of the pane, as long as a hook's; an error and what is over say none: the screen knows more."""
    signal = world.take(state, detail=kind)

    assert (signal.says, signal.source, signal.agent) == (says, SignalSource.HOOK, "claude_code")
    assert NOW < signal.expires_ms <= NOW + 15_000


@pytest.mark.parametrize(
    "fields",
    [
        {"peer": None},
        {"at_ms": NOW - 11_000},
        {"id": "sub/agent"},
        {"argv0": "vim"},
        {"argv0": 7},
        {"argv0": "cla\x1bude"},
    ],
)
def test_what_is_no_state_of_the_pane(world, fields):
    """From the spool, too old, of a part of the program, of no agent, nonsense."""
    assert world.take("working", **fields) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda w: setattr(w.pane, "alive", False),
        lambda w: setattr(w.pane.mux, "host", "far"),
        lambda w: w.process(20, 10, RUN, w.outer, session=10, front=10),
        lambda w: w.process(20, 10, RUN, None, session=10, front=-1),
    ],
)
def test_a_sender_that_stands_in_front_of_no_pane_is_counted(world, change):
    """Closed, on another machine, in the background, without a terminal."""
    change(world)

    assert world.take("working") is None
    assert [text for text in world.troubles.lately() if "wa run" in str(text)]


def test_the_hooks_of_an_agent_behind_wa_run_are_of_the_pane(world):
    """Its own terminal is no pane's; that of `wa run` is."""
    assert shim_around(40, world.proc) == 20
    world.hooks.take_hook({"name": "Stop", "agent": "claude_code", "at_ms": NOW, "payload": {}}, 50)

    assert world.said[-1][0] == "p1"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda w: w.process(20, 10, "xterm", w.outer, session=10, front=20), NO_PANE),
        (lambda w: w.process(30, 20, "xterm -e claude", w.inner, session=30, front=40), NO_PANE),
        (lambda w: w.process(20, 10, RUN, w.outer, session=10, front=10), BEHIND),
    ],
)
def test_another_terminal_in_between_is_not_the_panes(world, change, why):
    """A window of its own started from the pane, and a `wa run` in the background."""
    change(world)
    world.hooks.take_hook({"name": "Stop", "agent": "claude_code", "at_ms": NOW, "payload": {}}, 50)

    assert (world.said, dict(world.hooks.dropped)) == ([], {why: 1})
