"""Which pane a hook is of, and what it says there."""

import asyncio
import os
import pty
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from wa.agents.loader import Agents
from wa.engine import hook_signals
from wa.engine.hook_signals import BEHIND, NO_PANE, NO_SESSION, STRANGER, UNKNOWN, HookSignals
from wa.engine.troubles import Troubles
from wa.model.agent import PaneState
from wa.model.hook import TESTED
from wa.sources.proc import kernel_number

NOW = 1_795_300_000_000
BEGAN_TICKS = 1_000


class Clock:
    def now_ms(self):
        return NOW


class World:
    """A /proc with one shell, an agent in it and its hook; panes on real terminals."""

    def __init__(self, folder):
        self.proc = folder / "proc"
        self.proc.mkdir()
        (self.proc / "stat").write_text(f"cpu 1\nbtime {NOW // 1000 - 3600}\n")
        self.pairs = [pty.openpty() for _ in range(2)]
        self.ttys = [os.ttyname(slave) for _, slave in self.pairs]
        self.panes = [self.pane(f"p{number}", tty) for number, tty in enumerate(self.ttys, 1)]
        self.said = []
        agents = SimpleNamespace(agents=Agents(None), hook=lambda pane, said: self.said.append((pane.uid, said)))
        self.troubles = Troubles(Clock())
        self.hooks = HookSignals(self.panes, agents, Clock(), self.troubles, self.proc)
        self.process(10, 1, "zsh", tty=0)
        self.process(20, 10, "claude --continue", tty=0)
        self.process(30, 20, "/bin/sh -c wa", tty=None)
        self.process(40, 30, "wa hook claude_code Stop", tty=None)

    def close(self):
        for pair in self.pairs:
            for end in pair:
                os.close(end)

    def pane(self, uid, tty, host=""):
        return SimpleNamespace(
            uid=uid,
            alive=True,
            mux=SimpleNamespace(host=host),
            listed=SimpleNamespace(tty_name=tty),
            agent=SimpleNamespace(agent=None, session_id=None),
        )

    def process(self, pid, parent, line, *, tty, front=True, ticks=BEGAN_TICKS):
        entry = self.proc / str(pid)
        entry.mkdir(exist_ok=True)
        name = line.split(" ")[0].rpartition("/")[2]
        device = 0 if tty is None else kernel_number(Path(self.ttys[tty]).stat().st_rdev)
        group, leader = (pid, pid if front else 7) if tty is not None else (pid, -1)
        later = " ".join(["0"] * 13)
        (entry / "stat").write_text(f"{pid} ({name}) odd) S {parent} {group} 10 {device} {leader} {later} {ticks} 0")
        (entry / "comm").write_text(f"{name}\n")
        (entry / "cmdline").write_bytes("\0".join(line.split(" ")).encode() + b"\0")

    def gone(self, *pids):
        for pid in pids:
            for file in (self.proc / str(pid)).iterdir():
                file.unlink()
            (self.proc / str(pid)).rmdir()

    def take(self, name="Stop", *, peer=40, agent="claude_code", at_ms=NOW, pids=(30, 20, 10), **payload):
        frame = {
            "name": name,
            "agent": agent,
            "at_ms": at_ms,
            "pids": list(pids),
            "tty": "/dev/pts/1",
            "payload": payload,
        }
        self.hooks.take_hook(frame, peer)
        return self.said[-1] if self.said else None

    @property
    def dropped(self):
        return dict(self.hooks.dropped)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


def test_the_terminal_of_the_agent_names_the_pane(world):
    """The hook itself has none, as those of Claude Code."""
    uid, said = world.take("Stop", session_id="s1", prompt_id="t1", last_assistant_message="hunter2")

    assert uid == "p1"
    assert (said.agent, said.session_id, said.signal.says) == ("claude_code", "s1", PaneState.IDLE)
    assert (said.told.event, said.told.ident, said.signal.expires_ms) == ("turn.done", "t1", NOW + 3_000)
    assert "hunter2" not in repr(said)
    assert world.hooks.report() == {"taken": 1, "dropped": {}, "tested": {}}


def test_what_a_frame_says_of_its_terminal_is_not_believed(world):
    """The kernel's word of the sender is, while it lives: claimed processes of another pane change nothing."""
    world.process(50, 1, "claude", tty=1)

    assert world.take(pids=(50,))[0] == "p1"
    assert world.take(pids=(50,), peer=50 + 1)[0] == "p2"  # the sender is gone


def test_a_hook_from_the_spool_needs_the_same_process(world):
    """A number that another process has by now names nobody."""
    world.gone(30, 40)

    assert world.take(peer=None)[0] == "p1"
    world.said.clear()
    world.process(20, 10, "claude", tty=0, ticks=3600 * 100 + 100_000)
    assert world.take(peer=None) is None
    assert world.dropped == {STRANGER: 1}


def test_an_agent_in_an_agent_that_is_gone_is_not_taken_for_the_other(world):
    """Between its hook in the spool and the pane's agent more is missing than a shell; and its session is not the pane's."""
    world.gone(30, 40)

    assert world.take(peer=None, pids=(30, 25, 20, 10)) is None
    world.panes[0].agent = SimpleNamespace(agent="claude_code", session_id="outer")
    assert world.take(peer=None, session_id="inner") is None
    assert world.take(peer=None, session_id="outer")[0] == "p1"
    assert world.dropped == {STRANGER: 2}


def test_old_words_are_true_of_the_session_alone(world):
    """What waited for a minute makes no state and no event; the id is still the agent's."""
    _, said = world.take(at_ms=NOW - 61_000, session_id="s1")

    assert (said.session_id, said.signal, said.told) == ("s1", None, None)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda w: w.process(20, 10, "vim", tty=0), STRANGER),
        (lambda w: w.process(20, 10, "codex", tty=0), STRANGER),
        (lambda w: w.process(20, 10, "claude", tty=0, front=False), BEHIND),
        (lambda w: setattr(w.panes[0], "alive", False), NO_PANE),
        (lambda w: setattr(w.panes[0].mux, "host", "far"), NO_PANE),
        (lambda w: w.panes.append(w.pane("p9", w.ttys[0])), NO_PANE),
    ],
)
def test_without_a_pane_for_certain_it_is_dropped_and_counted(world, change, why):
    """No agent, another agent, one in the background, one without a terminal, a pane that is gone, far away, or not the only one."""
    change(world)

    assert world.take(session_id="s1") is None
    assert world.dropped == {why: 1}
    assert [trouble.what for trouble in world.troubles.lately()] == [why]


def test_an_agent_in_an_agent_is_not_the_panes(world, monkeypatch):
    """What a tool of the agent's starts is detached from the terminal; that is no trouble to tell of."""
    world.process(21, 20, "claude -p hello", tty=None)
    world.process(30, 21, "/bin/sh -c wa", tty=None)

    assert in_the_loop(world, monkeypatch, lambda: world.take(session_id="inner")) is None
    assert world.dropped == {NO_SESSION: 1}
    assert world.troubles.lately() == []


def test_a_server_of_the_agents_is_known_by_the_session(world, monkeypatch):
    """Codex runs hooks in a process without a terminal; the id of a session that one pane is known to have names that pane, if
    need be a little later.
    """
    world.process(20, 1, "codex app-server", tty=None)
    world.panes[1].agent = SimpleNamespace(agent="codex", session_id="s2")

    assert world.take(agent="codex", session_id="s2")[0] == "p2"

    def known_later():
        world.take(agent="codex", session_id="s3")
        assert len(world.said) == 1
        world.panes[0].agent = SimpleNamespace(agent="codex", session_id="s3")

    in_the_loop(world, monkeypatch, known_later)
    assert world.said[-1][0] == "p1"


def in_the_loop(world, monkeypatch, act):
    """What `act` gives; what was put off has happened too."""
    monkeypatch.setattr(hook_signals, "AGAIN_S", 0.0)

    async def inside():
        found = act()
        await asyncio.sleep(0.02)
        return found

    return asyncio.run(inside())


def test_an_agent_that_does_not_wait_for_its_last_hook(world):
    """Gemini CLI is gone by then; its session's end is told of the pane that had the session."""
    world.gone(20, 30, 40)
    world.panes[0].agent = SimpleNamespace(agent="gemini", session_id="s1")

    uid, said = world.take("SessionEnd", agent="gemini", session_id="s1", reason="exit")

    assert (uid, said.told.event) == ("p1", "session.end")
    world.said.clear()
    assert world.take("AfterAgent", agent="gemini", session_id="s1") is None


def test_what_an_event_does_not_say_is_not_made_up(world):
    """An unknown name, `/clear`, and Gemini CLI's daily PreCompress tell the session alone."""
    for name, fields in [("Fresh", {}), ("SessionEnd", {"reason": "clear"}), ("SessionStart", {"source": "compact"})]:
        _, said = world.take(name, session_id="s1", **fields)
        assert (said.signal, said.told) == (None, None)
    world.process(20, 10, "gemini", tty=0)
    _, said = world.take("PreCompress", agent="gemini", trigger="auto")
    assert said.signal is None
    _, said = world.take("PreCompress", agent="gemini", trigger="manual")
    assert said.signal.says is PaneState.COMPACTING


def test_a_failure_has_its_kind(world):
    """A limit is no error."""
    says = {
        kind: world.take("StopFailure", error=kind)[1].signal.says
        for kind in ("rate_limit", "authentication_failed", "overloaded")
    }

    assert list(says.values()) == [PaneState.LIMITED, PaneState.AUTH_ERROR, PaneState.ERROR]


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"agent": 7},
        {"agent": "vim"},
        {"agent": "codex", "pids": "x"},
        {"agent": "codex", "pids": [-1, True, "x", 1, 2**70]},
    ],
)
def test_nonsense_is_dropped(world, frame):
    """Whatever a program of this user's sends."""
    world.hooks.take_hook({"name": "Stop", "at_ms": NOW, "payload": [1], **frame}, None)

    assert not world.said
    assert set(world.dropped) <= {UNKNOWN, STRANGER}


def test_a_trial_is_counted_and_says_nothing(world):
    """`wa hooks test` needs no agent."""
    world.take(TESTED, peer=None, pids=())

    assert world.hooks.report() == {"taken": 0, "dropped": {}, "tested": {"claude_code": 1}}


def test_a_hook_is_tied_in_less_than_5_ms(world):
    """It runs in the loop that everything else waits for."""
    world.panes += [world.pane(f"p{number}", "/dev/null") for number in range(10, 110)]
    started = time.process_time()
    for _ in range(20):
        world.take()

    assert (time.process_time() - started) / 20 < 0.005
