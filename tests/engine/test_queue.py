"""What waits is sent when the agent is idle and nobody is there, in its order, and once."""

import asyncio

import pytest

from engine.desk_world import HUMAN, SEND, desk_world, play
from engine.wire import until
from wa.engine import queue as module
from wa.engine import tasks
from wa.engine.hub import Hub, Kind
from wa.engine.queue import Queue
from wa.model.action import Acted, Action, ActionKind, ActOutcome, HumanSign, Stage
from wa.model.agent import PaneState
from wa.model.errors import NotFound, Refused
from wa.store.acting_records import Intent


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY_S", 0.0)
    monkeypatch.setattr(module, "LAST_RETRY_S", 0.0)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.05)


def queue_of(w, hub=None):
    return Queue(w.desk, w.registry, w.persons, hub or Hub(), w.clock)


async def put(w, pane, *texts):
    return [(await w.desk.enqueue(pane.uid, SEND._replace(text=text), HUMAN, f"k{text}")).id for text in texts]


async def statuses(w):
    return [one.status for one in await w.history.queue(waiting=False)]


def now(w, pane, state):
    """The agent does this from now on."""
    pane.state = state
    pane.agent = pane.agent._replace(state=state, since_ms=w.clock.now_ms())
    w.clock.at_ms += 2000


def test_a_text_is_sent_when_the_agent_is_idle_and_the_next_when_it_is_so_again(tmp_path):
    """In the order in which they came."""

    async def scenario(w):
        pane = await w.pane()
        now(w, pane, PaneState.WORKING)
        await put(w, pane, "one", "two")
        queue = queue_of(w)
        assert await queue.drain() is True
        assert w.hands.written == []
        now(w, pane, PaneState.IDLE)
        await queue.drain()
        await queue.drain()
        assert w.hands.written == [(pane.uid, "one"), (pane.uid, "\r")]
        assert await statuses(w) == ["sent", "waiting"]
        now(w, pane, PaneState.WORKING)
        await queue.drain()
        now(w, pane, PaneState.IDLE)
        await queue.drain()
        assert [text for _, text in w.hands.written] == ["one", "\r", "two", "\r"]
        assert await queue.drain() is False
        (one, _) = await w.history.queue(waiting=False)
        assert (await w.history.action(one.action)).outcome == "submitted"

    play(tmp_path, scenario)


@pytest.mark.parametrize("what", ["draft", "dialog", "pause", "person", "gone", "moment ago", "unread"])
def test_what_speaks_against_it_leaves_it_waiting_untried(tmp_path, what):
    """No attempt is even written down."""

    async def scenario(w):
        pane = await w.pane()
        await put(w, pane, "one")
        now(w, pane, PaneState.IDLE)
        if what == "draft":
            pane.agent = pane.agent._replace(draft="half")
        elif what == "dialog":
            pane.agent = pane.agent._replace(dialog=object())
        elif what == "pause":
            await w.pauses.pause("all", "", for_ms=None, reason="")
        elif what == "person":
            w.persons.signs[pane.uid] = HumanSign(typed_s=1.0)
        elif what == "gone":
            w.registry.remove(pane)
        elif what == "moment ago":
            pane.agent = pane.agent._replace(since_ms=w.clock.now_ms())
        else:
            pane.started = False
        assert await queue_of(w).drain() is True
        assert (w.hands.written, await w.history.actions(), await statuses(w)) == ([], [], ["waiting"])

    play(tmp_path, scenario)


def test_an_attempt_that_came_too_early_is_made_again_and_one_that_failed_is_not(tmp_path):
    """Busy types nothing; a text that was not seen may stand there, and is never typed twice."""

    async def scenario(w):
        pane = await w.pane()
        await put(w, pane, "one")
        now(w, pane, PaneState.IDLE)
        queue = queue_of(w)
        perform = w.hands.perform

        async def busy(*_, **__):
            return Acted(ActOutcome.BUSY, "The agent works.")

        w.hands.perform = busy
        for _ in range(3):
            await queue.drain()
        assert await statuses(w) == ["waiting"]
        w.hands.perform = perform
        w.hands.outcome = Acted(ActOutcome.NOT_SEEN, "not seen", {"left": True})
        await queue.drain()
        await queue.drain()
        (item,) = await w.history.queue(waiting=False)
        assert (item.status, item.detail) == ("failed", "not_seen: not seen")
        assert [one.key for one in await w.history.actions()] == [f"queue:{item.id}:{n}" for n in range(4)]

    play(tmp_path, scenario)


def test_attempts_become_rare(tmp_path, monkeypatch):
    """Each is written down."""
    monkeypatch.setattr(module, "FIRST_RETRY_S", 100.0)

    async def scenario(w):
        pane = await w.pane()
        await put(w, pane, "one")
        now(w, pane, PaneState.IDLE)
        w.hands.outcome = Acted(ActOutcome.BUSY, "The agent works.")
        queue = queue_of(w)
        for _ in range(5):
            await queue.drain()
        assert len(await w.history.actions()) == 1

    monkeypatch.setattr(module, "LAST_RETRY_S", 100.0)
    play(tmp_path, scenario)


def test_what_is_cancelled_in_time_is_not_sent_and_what_is_being_sent_is_not_cancelled(tmp_path):
    """Nobody is told that it was cancelled while it is typed."""

    async def scenario(w):
        pane, gate = await w.pane(), asyncio.Event()
        first, second = await put(w, pane, "one", "two")
        now(w, pane, PaneState.IDLE)
        queue = queue_of(w)
        assert (await queue.cancel(second)).status == "cancelled"
        w.hands.before = {"submitting": gate.wait}
        draining = asyncio.ensure_future(queue.drain())
        await until(lambda: w.hands.written)
        with pytest.raises(Refused):
            await queue.cancel(first)
        gate.set()
        await draining
        with pytest.raises(Refused):
            await queue.cancel(first)
        with pytest.raises(NotFound):
            await queue.cancel(99)
        assert await statuses(w) == ["sent", "cancelled"]
        assert await queue.drain() is False

    play(tmp_path, scenario)


def test_what_waits_for_too_long_expires(tmp_path):
    """And is told so."""

    async def scenario(w):
        pane = await w.pane()
        await put(w, pane, "one")
        w.clock.at_ms += 3_600_000
        now(w, pane, PaneState.IDLE)
        assert await queue_of(w).drain() is False
        assert (w.hands.written, await statuses(w)) == ([], ["expired"])

    play(tmp_path, scenario)


def test_it_is_kept_over_a_restart_and_an_attempt_in_the_middle_is_taken_up(tmp_path):
    """Under the key of that attempt: the hands are told how far it came."""

    async def first():
        async with desk_world(tmp_path / "wa.db") as w:
            pane = await w.pane()
            await put(w, pane, "one")
            now(w, pane, PaneState.IDLE)
            w.hands.before = {"return": asyncio.Event().wait}
            draining = asyncio.ensure_future(queue_of(w).drain())
            await until(lambda: len(w.hands.written) == 2)
            draining.cancel()
            await w.desk.close()
            await asyncio.gather(draining, return_exceptions=True)

    async def second(w):
        pane = await w.pane()
        now(w, pane, PaneState.IDLE)
        await queue_of(w).drain()
        assert w.hands.found == [Stage.SUBMITTING]
        assert (await statuses(w), len(await w.history.actions())) == (["sent"], 1)

    asyncio.run(first())
    play(tmp_path, second)


def test_it_wakes_when_a_state_changes_and_when_a_text_comes(tmp_path):
    """And looks by the clock only while something waits."""

    async def scenario(w):
        pane, hub = await w.pane(), Hub()
        queue = queue_of(w, hub)
        running = tasks.spawn(queue.run(), name="queue")
        try:
            now(w, pane, PaneState.WORKING)
            await put(w, pane, "one")
            await asyncio.sleep(0)
            now(w, pane, PaneState.IDLE)
            hub.publish(Kind.STATE, pane.uid, dict)
            await until(lambda: not w.desk._running and len(w.hands.written) == 2)
            now(w, pane, PaneState.WORKING)
            now(w, pane, PaneState.IDLE)
            await put(w, pane, "two")
            await until(lambda: len(w.hands.written) == 4)
        finally:
            await tasks.cancel([running])
        assert len(hub) == 0

    play(tmp_path, scenario)


def test_what_is_forgotten_while_it_is_sent_does_not_stop_the_queue(tmp_path):
    """The next text of another pane is sent."""

    async def scenario(w):
        one, two = await w.pane(0), await w.pane(1)
        await put(w, one, "one")
        now(w, one, PaneState.IDLE)
        now(w, two, PaneState.IDLE)
        queue = queue_of(w)

        async def forget():
            if w.hands.written[-1][0] == one.uid:
                await w.writer.forget(pane_uid=one.uid)

        w.hands.before = {"return": forget}
        await queue.drain()
        assert await statuses(w) == []
        await put(w, two, "two")
        await queue.drain()
        assert [text for _, text in w.hands.written] == ["one", "\r", "two", "\r"]

    play(tmp_path, scenario)


async def killed_before_it_was_noted(w, pane, acted):
    """The attempt has ended, and nothing of that stands in the queue."""
    (item,) = await w.history.queue()
    action = Action(ActionKind.SEND, text=item.text, submit=True)
    intent = Intent("queue:1:0", pane.uid, 1, HUMAN, action, "allow", "test", "", False, None, None)
    record, _ = await w.store.begin(intent)
    await w.store.advance(record.id, Stage.SUBMITTING, 1)
    await w.store.end(record.id, acted, 2)


@pytest.mark.parametrize(
    ("acted", "status"),
    [
        (Acted(ActOutcome.SUBMITTED, "The agent took it."), "sent"),
        (Acted(ActOutcome.UNREACHABLE, "The connection broke.", {"wrote": True}), "failed"),
        (Acted(ActOutcome.BUSY, "A turn began.", {"left": True}), "failed"),
    ],
)
def test_what_came_of_an_attempt_is_noted_later_where_a_kill_came_between(tmp_path, acted, status):
    """It is not sent again."""

    async def scenario(w):
        pane = await w.pane()
        await put(w, pane, "one")
        await killed_before_it_was_noted(w, pane, acted)
        now(w, pane, PaneState.IDLE)
        await queue_of(w).drain()
        assert (w.hands.written, await statuses(w)) == ([], [status])

    play(tmp_path, scenario)


def test_an_attempt_that_broke_off_after_a_key_is_not_made_again(tmp_path):
    """Nobody knows what arrived."""

    async def scenario(w):
        pane = await w.pane()
        await put(w, pane, "one")
        now(w, pane, PaneState.IDLE)
        w.hands.outcome = Acted(ActOutcome.UNREACHABLE, "The connection broke.", {"wrote": True})
        await queue_of(w).drain()
        assert await statuses(w) == ["failed"]

    play(tmp_path, scenario)


def test_what_waits_for_a_pane_that_has_closed_ends(tmp_path):
    """One that is not watched yet may come back."""

    async def scenario(w):
        pane, other = await w.pane(0), await w.pane(1)
        await put(w, pane, "one", "two")
        await put(w, other, "three")
        for gone in (pane, other):
            w.registry.remove(gone)
        await w.writer.close_panes([pane.uid], 1)
        queue = queue_of(w)
        assert await queue.drain() is True
        await queue.drain()
        assert await statuses(w) == ["failed", "failed", "waiting"]
        assert w.hands.written == []

    play(tmp_path, scenario)
