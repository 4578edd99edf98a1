"""A book that begins anew goes on where the one before stood; and the store performs what a book says."""

import tempfile
from pathlib import Path

from hypothesis import given, settings

from detect.test_session_book import BANNER, END, LIMIT
from detect.test_session_book_properties import STEPS, play
from detect.told import ID, Tables, World, said
from store.world import new_log, opened, run
from wa.detect.own_id import Candidate
from wa.detect.session_book import SessionBook
from wa.model.agent import PaneState
from wa.store.agent_records import AgentBatch
from wa.store.agent_redact import clean_detection


class Recorder(Tables):
    """Keeps the operations, in order."""

    def __init__(self):
        super().__init__()
        self.all = []

    def perform(self, operations):
        self.all += operations
        super().perform(operations)


def recorded(world):
    world.tables = Recorder()
    return world


async def after_restart(path, world):
    """What a new sidecar knows of the pane."""
    async with opened(path) as (writer, reader):
        log = await new_log(writer)
        await writer.agent_events([AgentBatch(log.uid, tuple(world.tables.all))])
        return await reader.remembered(log.uid)


SIGN_IN = said("auth.device_code", code="AAAA-BBBB", url="https://auth.example/device?user_code=AAAA-BBBB")
STANDING = (
    said("session.start", **BANNER),
    SIGN_IN,
    said("error.api", status=503, message="export ANTHROPIC_API_KEY=sk-ant-api03-q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQa"),
    said("usage.limit", **LIMIT, plan="Plus"),
    said("usage.popup", options=("Stop", "Wait"), selected="Stop"),
)


def test_what_stands_there_is_not_recorded_again(tmp_path):
    """Secrets in it make no difference; session, turn, limit and id go on."""
    world = recorded(World(clean=clean_detection))
    world.state(PaneState.SHELL, agent=None)
    world.look(*STANDING)
    world.state(PaneState.WORKING)
    world.tables.perform(world.book.feed_candidates([Candidate(ID, 0.7, "file")], world.at_ms))
    world.state(PaneState.WAITING_CHOICE)
    known = run(lambda: after_restart(tmp_path / "wa.db", world))

    book = SessionBook(remembered=known, clean=clean_detection)
    again = [operation for one in STANDING for operation in book.feed(one, world.at_ms + 10_000)]
    assert again == []
    assert (book.session, book.session_id, book.started_ms) == (world.book.session, ID, world.book.started_ms)

    resumed = World()
    resumed.book, resumed.tables, resumed.at_ms = book, world.tables, world.at_ms
    resumed.state(PaneState.IDLE, after_ms=60_000)
    resumed.look(said("session.end", **END))

    (session,) = resumed.tables.sessions.values()
    assert [one.outcome for one in session.turns.values()] == ["done"]
    assert (len(session.limits), session.lifted, session.mode) == (1, {1: 1300}, "closed")


def test_of_a_session_that_is_over_nothing_is_said_again(tmp_path):
    """Its banner and its exit text are still in sight; the next one gets the next number."""
    world = recorded(World())
    world.state(PaneState.SHELL, agent=None)
    shown = said("session.start", **BANNER), said("session.end", **END), said("session.resume_hint", session_id=ID)
    world.look(*shown)
    known = run(lambda: after_restart(tmp_path / "wa.db", world))

    book = SessionBook(remembered=known)
    assert [operation for at in (1, 2) for one in shown for operation in book.feed(one, world.at_ms + at)] == []
    begun = book.feed(said("session.start", **BANNER, plan="Plus"), world.at_ms + 90_000)
    assert [one.session.number for one in begun] == [2, 2, 2]


def test_of_a_pane_without_sessions_nothing_is_known(tmp_path):
    """A book begins from nothing."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            return await reader.remembered((await new_log(writer)).uid)

    assert run(test) is None


@settings(max_examples=25)
@given(STEPS)
def test_the_store_performs_what_a_book_says(steps):
    """The tables of the database are those that the operations describe."""
    tables = Recorder()
    play(SessionBook(), steps, tables)

    async def test(folder):
        async with opened(Path(folder) / "wa.db") as (writer, reader):
            log = await new_log(writer)
            for operation in tables.all:
                await writer.agent_events([AgentBatch(log.uid, (operation,))])
            sessions = [await reader.session(one.id) for one in reversed(await reader.sessions())]
            return sessions, await reader.events(), await reader.transitions()

    with tempfile.TemporaryDirectory() as folder:
        sessions, events, transitions = run(lambda: test(folder))

    assert [
        (one.session.agent, one.session.started_ms, one.session.joined, one.session.ended_ms, one.session.session_id)
        for one in sessions
    ] == [(one.agent, one.started_ms, one.joined, one.ended_ms, one.session_id) for one in tables.sessions.values()]
    for stored, meant in zip(sessions, tables.sessions.values(), strict=True):
        assert [(one.started_ms, one.ended_ms, one.outcome) for one in stored.turns] == [
            (one.started_ms, one.ended_ms, one.outcome) for one in meant.turns.values()
        ]
        assert {one.number: one.printed for one in stored.limits} == {
            number: one.printed for number, one in meant.limits.items()
        }
        assert {one.number for one in stored.limits if one.lifted_ms is not None} == set(meant.lifted)
        assert [one.number for one in stored.compactions] == list(meant.compactions)
    assert len(events) <= len(tables.events)
    assert {(one.at_ms, one.event) for one in events} == {(one.at_ms, one.detection.event) for one in tables.events}
    assert len(transitions) <= len(tables.transitions)
