"""What a killed sidecar left open is looked at and written to its end, without typing."""

import asyncio

import pytest

from engine.desk_world import FLOW, HUMAN, SEND, desk_world, play
from wa.engine import open_intents
from wa.engine.open_intents import settle
from wa.model.action import ActOutcome
from wa.model.agent import PaneState
from wa.model.errors import StoreError
from wa.store.acting_records import QueuedRecord


async def left_open(path, moment, *, key="", actor=HUMAN, run=None):
    """A desk that is killed at *moment*."""
    async with desk_world(path) as w:
        pane, reached = await w.pane(), asyncio.Event()
        if run is not None:
            await w.run_of("live", run)

        async def stay():
            reached.set()
            await asyncio.Event().wait()

        w.hands.before = {moment: stay}
        asking = asyncio.ensure_future(w.desk.act(pane.uid, SEND, actor, key=key, run=run))
        await reached.wait()
        await w.desk.close()
        await asyncio.gather(asking, return_exceptions=True)


def settled(tmp_path, moment, **seen):
    """The record after the next sidecar has looked at the pane as it is then."""
    asyncio.run(left_open(tmp_path / "wa.db", moment))

    async def scenario(w):
        pane = await w.pane()
        for name, value in seen.items():
            setattr(pane, name, value)
        assert await settle(w.store, w.registry, w.hands, w.clock) == 1
        assert w.hands.written == w.hands.found == []
        (record,) = await w.history.actions()
        assert (record.stage, record.ended_ms) == ("ended", w.clock.now_ms())
        return record

    return play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("moment", "seen", "outcome", "words"),
    [
        ("ask", {}, "interrupted", "before anything was typed"),
        ("paste", {"draft": "proceed."}, "interrupted", "stands in the composer"),
        ("paste", {"draft": "pro\nceed."}, "interrupted", "stands in the composer"),
        ("paste", {}, "interrupted", "not known"),
        ("return", {"draft": "proceed."}, "interrupted", "stands in the composer"),
        ("return", {"state": PaneState.WORKING}, "submitted", "works"),
        ("return", {"state": PaneState.IDLE}, "interrupted", "not known"),
        ("return", {"draft": "another text"}, "interrupted", "not known"),
        ("return", {"alive": False}, "pane_gone", "closed"),
    ],
)
def test_what_the_screen_shows_decides(tmp_path, moment, seen, outcome, words):
    """As the table of docs/topics/acting.md says, for those who do not come again."""
    record = settled(tmp_path, moment, **seen)

    assert record.outcome == outcome
    assert words in record.detail
    assert bool(record.evidence.get("left")) is ("stands" in words)


def test_a_pane_that_is_not_seen_again_is_waited_for_and_no_longer(tmp_path, monkeypatch):
    """Then nothing is known."""
    monkeypatch.setattr(open_intents, "SEEN_WITHIN_S", 0.05)
    asyncio.run(left_open(tmp_path / "wa.db", "return"))

    async def scenario(w):
        assert await settle(w.store, w.registry, w.hands, w.clock) == 1
        return (await w.history.actions())[0]

    record = play(tmp_path, scenario)
    assert (record.outcome, "not seen again" in record.detail) == ("interrupted", True)


def test_a_run_under_way_and_a_text_that_waits_come_again_themselves(tmp_path):
    """They are left as they are; once the run has ended, they are settled."""
    asyncio.run(left_open(tmp_path / "wa.db", "paste", key="7:1", actor=FLOW, run=7))

    async def queue_one(w):
        await w.store.enqueue(QueuedRecord(0, "p1", "q", 1, "human", "", "later", True, 10**12, "waiting", None, None))

    play(tmp_path, queue_one)
    asyncio.run(left_open(tmp_path / "wa.db", "paste", key="queue:1:0"))

    async def scenario(w):
        await w.pane()
        assert await settle(w.store, w.registry, w.hands, w.clock) == 0
        assert len(await w.store.open_actions()) == 2
        await w.writer.transact(lambda c: c.execute("UPDATE workflow_runs SET ended_ms = 5"))
        await w.store.settle_queued(1, "cancelled")
        assert await settle(w.store, w.registry, w.hands, w.clock) == 2
        assert {one.outcome for one in await w.history.actions()} == {ActOutcome.INTERRUPTED.value}

    play(tmp_path, scenario)


def test_a_database_that_does_not_answer_is_asked_again(tmp_path, monkeypatch):
    """What was left open does not stay so until the next start; and what somebody has taken up again meanwhile is theirs."""
    monkeypatch.setattr(open_intents, "RETRY_S", 0.01)
    for key in ("one", "two"):
        asyncio.run(left_open(tmp_path / "wa.db", "paste", key=key))

    async def scenario(w):
        await w.pane()
        for name in ("waiting", "open_actions", "end"):
            fails_once(w.store, name)
        assert await settle(w.store, w.registry, w.hands, w.clock, "two".__eq__) == 1
        assert [one.key for one in await w.store.open_actions()] == ["two"]

    play(tmp_path, scenario)


def fails_once(store, name):
    real, failed = getattr(store, name), []

    async def call(*words):
        if not failed:
            failed.append(words)
            raise StoreError("the disk is full")
        return await real(*words)

    setattr(store, name, call)
