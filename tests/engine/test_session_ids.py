"""Which session file belongs to the agent in a pane, and what it says."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

import wa.engine.session_ids as module
from engine.agent_world import TTY, play, screen_pane
from engine.fakes import FakeServer
from engine.wire import until
from support.codex_rows import BANNER, COMPOSER, WORKING
from support.programs_on_tty import holding
from wa.detect.session_ops import CloseSession, NoteSessionId, NoteSpent
from wa.model.identity import MuxInstance
from wa.protocol.session_files import LiveSession, TokenCount, Tokens, TurnEnded, TurnStarted
from wa.sources.session_files import Candidate, SessionFiles
from wa.sources.session_homes import Homes
from wa.sources.session_ties import process_of

ONE, TWO, THREE = (f"01a1fe0{n}-0ec0-7892-83ab-1e87b8d16840" for n in range(3))
NOTHING = ["Something that no rule knows", "and no composer"]


class Files:
    """Answers as told; notes what was asked."""

    def __init__(self, *found):
        self.found = list(found)
        self.status = None
        self.asked = []
        self.under_way = self.most = 0
        self.pause = asyncio.Event()
        self.pause.set()
        self.records = asyncio.Queue()
        self.followed = []

    async def candidates(self, agent, cwd, started_ms, **known):
        self.asked.append({"agent": agent, "cwd": cwd, "started_ms": started_ms, **known})
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.pause.wait()
        finally:
            self.under_way -= 1
        return list(self.found)

    async def live(self, tty):
        return self.status

    async def began(self, agent, tty):
        return None

    async def follow(self, agent, path, *, nudge=None):
        self.followed.append(path)
        while True:
            for record in await self.records.get():
                yield record


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(module, "FIRST_S", 0.05)
    monkeypatch.setattr(module, "SETTLE_S", 0.01)
    monkeypatch.setattr(module, "BLIND_S", 0.05)


@pytest.fixture
def server():
    made = FakeServer()
    made.add(screen_pane(cwd="file:///work"))
    return made


def sure(session_id=ONE, path="/home/me/s.jsonl"):
    return Candidate(session_id, path and Path(path), 1.0, "its process holds it open")


async def idle(w, pane_id=0):
    pane = await w.watched(pane_id)
    w.show(pane_id, *BANNER, *COMPOSER)
    return await until(lambda: pane.agent.state == "idle" and pane)


def ids(w):
    return [(one.session_id, one.confidence, one.source) for one in w.events.operations(NoteSessionId)]


def test_the_session_that_fits_is_shown_and_stored(tmp_path, server):
    """Asked with what the pane knows: agent, folder, terminal."""
    files = Files(sure())

    async def scenario(w):
        pane = await idle(w)
        await until(lambda: pane.agent.session_id == ONE)
        await until(lambda: ids(w) == [(ONE, 1.0, "session_file")])
        first = files.asked[0]
        assert (first["agent"], first["cwd"], first["tty"]) == ("codex", "file:///work", TTY)
        assert (first["prompts_ms"], first["printed"], first["taken"]) == ((), (), set())
        asked = len(files.asked)
        await asyncio.sleep(0.2)
        assert len(files.asked) == asked, "sure: nothing is asked until a turn begins"
        w.show(0, *BANNER, *WORKING, *COMPOSER)
        await until(lambda: pane.agent.state == "working")
        await until(lambda: len(files.asked) > asked)
        assert len(files.asked[-1]["prompts_ms"]) == 1

    play(tmp_path, scenario, server=server, files=files)


def test_two_that_fit_are_none_and_what_was_believed_is_withdrawn(tmp_path, server):
    """A guess that no longer holds is taken back, in the database too."""
    files = Files(Candidate(ONE, Path("/a"), 0.6, "later"))

    async def scenario(w):
        pane = await idle(w)
        await until(lambda: pane.agent.session_id == ONE)
        files.found.append(Candidate(TWO, Path("/b"), 0.6, "later"))
        await until(lambda: pane.agent.session_id is None)
        files.found = [Candidate(TWO, Path("/b"), 0.5, "continued"), Candidate(ONE, Path("/a"), 0.2, "contradicted")]
        await until(lambda: pane.agent.session_id == TWO)
        await until(lambda: len(ids(w)) == 3)
        assert [found[0] for found in ids(w)] == [ONE, None, TWO]

    play(tmp_path, scenario, server=server, files=files)


def test_what_files_once_said_is_never_taken_for_printed(tmp_path, server):
    """A guess must not make itself sure."""
    files = Files(Candidate(ONE, Path("/a"), 0.6, "later"))

    async def scenario(w):
        pane = await idle(w)
        await until(lambda: pane.agent.session_id == ONE)
        await until(lambda: len(files.asked) > 2)
        assert all(asked["printed"] == () for asked in files.asked)
        files.found = [Candidate(TWO, Path("/b"), 0.5, "continued")]
        await until(lambda: pane.agent.session_id == TWO)

    play(tmp_path, scenario, server=server, files=files)


def test_a_pane_has_one_question_under_way(tmp_path, server):
    """However long it takes and whatever happens meanwhile; the capture goes on."""
    files = Files()

    async def scenario(w):
        files.pause.clear()
        pane = await idle(w)
        await until(lambda: files.under_way)
        for rows in (WORKING, [], WORKING):
            w.show(0, *BANNER, *rows, *COMPOSER)
            await until(lambda rows=rows: pane.agent.state == ("working" if rows else "idle"))
        assert (files.under_way, len(files.asked)) == (1, 1)
        files.pause.set()
        await until(lambda: len(files.asked) > 2)
        assert files.most == 1

    play(tmp_path, scenario, server=server, files=files)


def test_sure_sessions_of_other_panes_are_told(tmp_path, server):
    """So that two agents in one folder do not stand in each other's way."""
    server.add(screen_pane(1, cwd="file:///work"))
    files = Files(sure())

    async def scenario(w):
        first, second = await idle(w), await idle(w, 1)
        await until(lambda: first.agent.session_id and second.agent.session_id)
        assert any(asked["taken"] == {ONE} for asked in files.asked)

    play(tmp_path, scenario, server=server, files=files)


def test_panes_of_other_hosts_and_shells_are_not_asked_about(tmp_path, server):
    """Files of this machine say nothing about another."""
    files = Files(sure())

    class Elsewhere(FakeServer):
        @property
        def instance(self):
            return MuxInstance(self.name, "buildhost", "/run/fake", "run-1")

    remote = Elsewhere()
    remote.add(screen_pane(cwd="file:///work"))

    async def scenario(w):
        await idle(w)
        await asyncio.sleep(0.2)
        assert files.asked == []

    play(tmp_path, scenario, server=remote, files=files)


def spent(w):
    return [(one.own_id, one.turn, one.models[0].output) for one in w.events.operations(NoteSpent) if one.models]


def answered(now, output=7):
    tokens = Tokens(100, 60, output, 2)
    return TokenCount(now, "gpt-6", None, tokens, tokens, tokens, None, None)


async def at_work(w, pane):
    w.show(0, *BANNER, *WORKING, *COMPOSER)
    await until(lambda: pane.agent.state == "working")


def test_tokens_of_the_file_reach_the_turn_that_the_pane_showed(tmp_path, server):
    """Once each; what the file still says after the end is noted too."""
    files = Files(sure())

    async def scenario(w):
        pane = await idle(w)
        await until(lambda: files.followed)
        await at_work(w, pane)
        now = w.server.clock.now_ms()
        files.records.put_nowait([TurnStarted(now, None), answered(now)])
        await until(lambda: spent(w) == [(ONE, 1, 7)])
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: pane.agent.state == "idle")
        w.programs.names[TTY] = "bash"
        w.show(0, "$ ")
        await until(lambda: w.events.operations(CloseSession))
        own = Tokens(100, 60, 9, 2)
        files.records.put_nowait([TokenCount(now, "gpt-6", None, None, None, own, None, None)])
        await until(lambda: spent(w) == [(ONE, 1, 7), (ONE, 0, 2)])

    play(tmp_path, scenario, server=server, files=files)


def test_a_file_that_is_only_likely_says_nothing_of_the_state(tmp_path, server):
    """Its tokens count where its turn began with the pane's."""
    files = Files(Candidate(ONE, Path("/a"), 0.93, "a turn began"))

    async def scenario(w):
        pane = await idle(w)
        await until(lambda: files.followed)
        await at_work(w, pane)
        now = w.server.clock.now_ms()
        files.records.put_nowait(
            [TurnStarted(now, None), answered(now), TurnStarted(now + 90_000, None), answered(now)]
        )
        await until(lambda: spent(w) == [(ONE, 1, 7)])
        w.show(0, *NOTHING)
        files.records.put_nowait([TurnEnded(now + 91_000, None, 1, "done")])
        await asyncio.sleep(0.2)
        assert "idle" not in w.states()[2:]

    play(tmp_path, scenario, server=server, files=files)


def test_what_a_file_says_counts_where_the_screen_says_nothing(tmp_path, server):
    """And never against what is seen."""
    files = Files(sure())

    async def scenario(w):
        pane = await idle(w)
        await until(lambda: files.followed)
        now_ms = w.server.clock.now_ms()
        files.records.put_nowait([TurnStarted(now_ms, "t")])
        await until(lambda: any(one.source == "session_file" for one in pane.agent.signals))
        assert pane.agent.state == "idle"
        assert pane.agent.signals[0].source == "screen"
        w.show(0, *NOTHING)
        await until(lambda: pane.agent.state == "working")
        assert pane.agent.signals[0].rule == "codex.session_file.turn_started"
        w.server.clock.ahead_ms += 61_000
        w.show(0, *NOTHING, "more")
        await until(lambda: w.agents.of(pane).reading.state == "unknown")
        w.server.clock.ahead_ms += 2_500
        w.show(0, *NOTHING, "and more")
        await until(lambda: pane.agent.state not in ("working", "idle"))

    play(tmp_path, scenario, server=server, files=files)


def test_old_turns_that_are_told_again_change_nothing(tmp_path, server):
    """Following begins with what was long ago."""
    files = Files(sure())

    async def scenario(w):
        pane = await idle(w)
        w.show(0, *NOTHING)
        await until(lambda: w.agents.of(pane).reading.state == "unknown")
        await until(lambda: files.followed)
        before_ms = w.agents._panes[pane.uid].book.started_ms - 1
        files.records.put_nowait([TurnStarted(before_ms, "old")])
        now_ms = w.server.clock.now_ms()
        turns = [
            TurnStarted(now_ms, "a"),
            TurnEnded(now_ms, "a", None, "done"),
            TurnStarted(now_ms, "b"),
            TurnEnded(now_ms, "b", None, "done"),
        ]
        await until(lambda: files.records.empty())
        files.records.put_nowait(turns)
        await until(lambda: any(one.source == "session_file" for one in pane.agent.signals))
        assert "working" not in w.states()
        assert all(one.rule.endswith("turn_ended") for one in pane.agent.signals if one.source == "session_file")

    play(tmp_path, scenario, server=server, files=files)


def test_a_session_that_is_over_is_neither_followed_nor_believed(tmp_path, server):
    """Its file may say working for ten minutes more."""
    files = Files(sure())

    async def scenario(w):
        pane = await idle(w)
        await until(lambda: files.followed)
        files.records.put_nowait([TurnStarted(w.server.clock.now_ms(), "t")])
        await until(lambda: any(one.source == "session_file" for one in pane.agent.signals))
        w.programs.names[TTY] = "vim"
        w.show(0, "~", "~", "some file")
        await until(lambda: pane.agent.state == "exited")
        await until(lambda: w.agents._ids._ties == {})
        w.server.clock.ahead_ms += 6_000
        w.show(0, "~", "~", "another file")
        await until(lambda: pane.agent.agent is None)
        assert pane.agent.state not in ("working", "idle")
        asked = len(files.asked)
        await asyncio.sleep(0.2)
        assert len(files.asked) == asked

    play(tmp_path, scenario, server=server, files=files)


def test_what_claude_code_says_of_itself_is_asked_while_the_screen_says_nothing(tmp_path, server):
    """Its pid file is true at any moment; it stops counting when nobody confirms it."""
    server.panes[0].title = "x"
    files = Files(sure(path=None))
    rows = ["╭─── Claude Code v2.1.328 ───╮", "", "> ", ""]

    async def scenario(w):
        w.programs.names[TTY] = "claude"
        pane = await w.watched(0)
        w.show(0, *rows[:1], *NOTHING)
        await until(lambda: pane.agent.agent == "claude_code")
        files.status = LiveSession(1, "1", ONE, None, None, "2.1.328", "waiting", "permission prompt", 5)
        await until(lambda: pane.agent.state == "waiting.approval")
        files.status = files.status._replace(status="busy", waiting_for=None)
        await until(lambda: pane.agent.state == "working")
        files.status = None
        w.server.clock.ahead_ms += module.BELIEVED_MS + 1
        w.show(0, *rows[:1], *NOTHING, "more")
        await until(lambda: not any(one.source == "session_file" for one in pane.agent.signals))

    play(tmp_path, scenario, server=server, files=files)


def test_a_disk_that_fails_ends_no_questions(tmp_path, server):
    """It may come back."""
    files = Files(sure())
    answer = files.candidates

    async def failing(*args, **known):
        files.candidates = answer
        raise OSError(5, "input/output error")

    files.candidates = failing

    async def scenario(w):
        pane = await idle(w)
        await until(lambda: pane.agent.session_id == ONE)

    play(tmp_path, scenario, server=server, files=files)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_process_in_the_panes_terminal_is_asked(tmp_path):
    """The real reader, a real process on a real terminal: what Claude Code 2.1.328 writes of itself."""
    home = tmp_path / "home"
    home.mkdir()
    homes = Homes.from_env({"HOME": str(home)})

    with holding("claude", home=home, cwd=tmp_path) as (tty, child):
        process = process_of(child.pid)
        path = homes.claude / "sessions" / f"{child.pid}.json"
        path.parent.mkdir(parents=True)
        path.write_text(
            json.dumps({"pid": child.pid, "procStart": process.start_ticks, "sessionId": THREE, "status": "busy"})
        )
        server = FakeServer()
        server.add(screen_pane(tty=tty))

        async def scenario(w):
            w.programs.names[tty] = "claude"
            pane = await w.watched(0)
            w.show(0, "❯ ", "something")
            await until(lambda: pane.agent.session_id == THREE)

        play(tmp_path, scenario, server=server, files=SessionFiles(homes))
