"""What hooks say joins what the screens of a pane show."""

import asyncio

import pytest

from engine.agent_world import play, screen_pane
from engine.fakes import FakeServer
from engine.wire import until
from support.codex_rows import BANNER, COMPOSER, DIALOG, WORKING
from wa.detect.hook_events import WAIT_MS, Told
from wa.detect.session_ops import CloseSession, CloseTurn, IdSource, NoteEvent, NoteSessionId
from wa.engine.agents import HookSaid
from wa.engine.explain import explain
from wa.model.agent import PaneState, Signal, SignalSource

DONE = "  Worked for 8s • 22:17"


@pytest.fixture
def server():
    made = FakeServer()
    made.add(screen_pane())
    return made


def said(w, state=None, event=None, *, session_id="s-1", thread=False, agent="codex", lasts_ms=3_000, ident=None):
    at_ms = w.server.clock.now_ms()
    signal = (
        None
        if state is None
        else Signal(SignalSource.HOOK, state, agent, f"{agent}.hook.Stop", "Stop", at_ms, at_ms + lasts_ms)
    )
    told = None if event is None else Told(agent, event, at_ms, "Stop", ident, session_id)
    return HookSaid(agent, at_ms, session_id, thread, signal, told)


async def idle(w):
    pane = await w.watched(0)
    w.show(0, *BANNER, *COMPOSER)
    await until(lambda: w.states()[-1:] == ["idle"])
    return pane


def later(w, monkeypatch):
    """The two seconds are over when the test says so."""
    due = []
    loop = asyncio.get_running_loop()
    real = loop.call_later
    monkeypatch.setattr(
        loop, "call_later", lambda s, what, *args: due.append((what, args)) if s >= 2 and args else real(s, what, *args)
    )

    def ring():
        w.server.clock.ahead_ms += WAIT_MS + 50
        for what, args in due:
            what(*args)
        due.clear()

    return ring


def test_a_hook_makes_a_state_that_explain_shows(tmp_path, server):
    """Before the screen does, with where it comes from; the id of the session is certain."""

    async def scenario(w):
        pane = await idle(w)
        w.agents.hook(pane, said(w, PaneState.WORKING, lasts_ms=30_000))
        await until(lambda: w.states()[-1:] == ["working"])
        why = explain(pane, w.agents.of(pane), w.server.clock.now_ms())
        assert (why["signals"][0]["source"], why["signals"][0]["rule"], why["signals"][0]["won"]) == (
            "hook",
            "codex.hook.Stop",
            True,
        )
        assert why["detail"]["session_id"] == "s-1"
        await until(lambda: w.events.operations(NoteSessionId))
        (noted,) = w.events.operations(NoteSessionId)
        assert (noted.session_id, noted.confidence, noted.source) == ("s-1", 1.0, IdSource.HOOK)

    play(tmp_path, scenario, server=server)


def test_a_dialog_on_the_screen_is_not_hidden(tmp_path, server):
    """A hook that says idle, or working, while the box stands there."""

    async def scenario(w):
        pane = await idle(w)
        w.show(0, *BANNER, *DIALOG)
        await until(lambda: w.states()[-1:] == ["waiting.approval"])
        for state in (PaneState.IDLE, PaneState.WORKING):
            w.agents.hook(pane, said(w, state))
            await asyncio.sleep(0)
        assert w.agents.of(pane).state.state is PaneState.WAITING_APPROVAL

    play(tmp_path, scenario, server=server)


def test_the_end_of_a_turn_is_told_once_by_both(tmp_path, server, monkeypatch):
    """The screen prints it, then the hook comes, twice; nothing is added when the screen's time is over."""

    async def scenario(w):
        ring = later(w, monkeypatch)
        pane = await idle(w)
        w.show(0, *BANNER, *WORKING, *COMPOSER)
        await until(lambda: w.states()[-1:] == ["working"])
        w.show(0, *BANNER, DONE, *COMPOSER)
        await until(lambda: "turn.done" in w.heard())
        w.agents.hook(pane, said(w, PaneState.IDLE, "turn.done", ident="t1"))
        w.agents.hook(pane, said(w, PaneState.IDLE, "turn.done", ident="t1"))
        ring()
        assert w.heard().count("turn.done") == 1

    play(tmp_path, scenario, server=server)


def test_a_turn_that_prints_nothing_at_its_end_is_told_by_the_hook(tmp_path, server, monkeypatch):
    """Once, stored and published, as the end of that turn."""

    async def scenario(w):
        ring = later(w, monkeypatch)
        pane = await idle(w)
        w.show(0, *BANNER, *WORKING, *COMPOSER)
        await until(lambda: w.states()[-1:] == ["working"])
        w.agents.hook(pane, said(w, PaneState.IDLE, "turn.done"))
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: w.states()[-1:] == ["idle"])
        assert "turn.done" not in w.heard()
        ring()
        await until(lambda: len(w.agents.notes) == 0)
        made = [one.detection for one in w.events.operations(NoteEvent) if one.detection.event == "turn.done"]
        assert [(one.rule, one.place.region, one.place.first_row) for one in made] == [
            ("codex.hook.Stop", "hook", None)
        ]
        assert w.heard().count("turn.done") == 1
        assert {one.turn for one in w.events.operations(CloseTurn)} == {1}
        w.show(0, *BANNER, DONE, *COMPOSER)
        await until(lambda: any(row.text == DONE for row in pane.screen.rows))
        await asyncio.sleep(0.1)
        assert w.heard().count("turn.done") == 1

    play(tmp_path, scenario, server=server)


def test_threads_that_are_not_the_sessions_say_nothing(tmp_path, server, monkeypatch):
    """Codex's `notify` is called for the thread that finds a title too, and nobody knows yet which is which."""

    async def scenario(w):
        ring = later(w, monkeypatch)
        pane = await idle(w)
        w.agents.hook(pane, said(w, PaneState.IDLE, "turn.done", session_id="title", thread=True, ident="x"))
        w.agents.hook(pane, said(w, session_id="s-1"))
        w.agents.hook(pane, said(w, PaneState.IDLE, "turn.done", session_id="title", thread=True, ident="y"))
        w.agents.hook(pane, said(w, PaneState.IDLE, "turn.done", session_id="s-1", thread=True, ident="z"))
        ring()
        assert w.heard().count("turn.done") == 1
        assert w.agents.of(pane).agent == "codex"
        await until(lambda: len(w.agents.notes) == 0)
        assert {one.session_id for one in w.events.operations(NoteSessionId)} == {"s-1"}

    play(tmp_path, scenario, server=server)


def test_a_hook_waits_for_the_agent_to_be_seen(tmp_path, server):
    """It is told while the agent starts, before wa knows the pane's program; ten seconds later it is too late."""

    async def scenario(w):
        pane = await w.watched(0)
        w.programs.names.clear()
        w.agents.hook(pane, said(w, session_id="early"))
        w.show(0, *BANNER, *COMPOSER)
        w.programs.names["/dev/pts/9999999"] = "codex"
        await until(lambda: w.states()[-1:] == ["idle"])
        await until(lambda: pane.agent.session_id == "early")

    play(tmp_path, scenario, server=server)


def test_the_end_of_a_session_is_told_after_its_agent_is_gone(tmp_path, server, monkeypatch):
    """Hooks of the end come when the pane shows a shell again; it closes the session that it names."""

    async def scenario(w):
        ring = later(w, monkeypatch)
        pane = await idle(w)
        w.programs.names["/dev/pts/9999999"] = "sh"
        w.server.clock.ahead_ms += 1_000
        w.show(0, "$ ")
        await until(lambda: w.states()[-1:] and w.states()[-1] in ("exited", "shell"))
        w.agents.hook(pane, said(w, event="session.end"))
        ring()
        await until(lambda: len(w.agents.notes) == 0)
        assert w.heard().count("session.end") == 1
        assert len({one.session for one in w.events.operations(CloseSession)}) == 1

    play(tmp_path, scenario, server=server)


def test_a_pane_that_is_excluded_hears_no_hooks(tmp_path, server):
    """Nothing of it is stored or told."""

    async def scenario(w):
        pane = await idle(w)
        pane.excluded = "title"
        before = len(w.told)
        w.agents.hook(pane, said(w, PaneState.WORKING, "turn.done"))
        await asyncio.sleep(0.05)
        assert len(w.told) == before

    play(tmp_path, scenario, server=server)
