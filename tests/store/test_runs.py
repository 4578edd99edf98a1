"""Runs of workflows in the store."""

import asyncio
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.world import MUX, opened, pane
from wa.detect import session_ops as ops
from wa.model.agent import NO_AGENT, PaneState, Transition
from wa.model.errors import NotFound
from wa.store.agent_records import AgentBatch
from wa.store.run_reading import RunReader
from wa.store.run_records import End, NewRun, Reply, Step, clean_json
from wa.store.run_writing import RunWriter

SECRET = "sk-ant-api03-" + "Zx9" * 30 + "AA"


def play(tmp_path, scenario, **settings):
    async def inside():
        async with opened(tmp_path / "wa.db", **settings) as (writer, reader):
            uid = await writer.pane_uid(MUX, pane(), 1)
            return await scenario(writer, RunWriter(writer), RunReader(reader), uid)

    return asyncio.run(inside())


def new(uid, key="k1", *, started_ms=1000, workflow="flow", mode="live", status="running", **context):
    return NewRun(workflow, "1", uid, key, context, mode, status, started_ms)


def test_a_run_and_its_journal_are_read_back(tmp_path):
    """In order, with replies where there are some."""

    async def scenario(writer, write, read, uid):
        (run,) = await write.begin([new(uid, seed=4)], seen=12)
        assert await write.go_on(run, step=Step(0, 1001, {"kind": "Look"}, "running"))
        assert await write.go_on(
            run, reply=Reply(0, 1002, {"kind": "Woke"}), step=Step(1, 1003, {"kind": "Park"}, "parked", 9000)
        )
        (found,) = await read.open()
        assert (found.id, found.pane_uid, found.context, found.status, found.wake_ms) == (
            run, uid, {"seed": 4}, "parked", 9000,
        )  # fmt: skip
        steps = await read.steps(run)
        assert [(step.number, step.command["kind"], step.reply) for step in steps] == [
            (0, "Look", {"kind": "Woke"}),
            (1, "Park", None),
        ]
        assert await read.seen() == 12
        assert await write.end(run, End(9100, "done", "resumed", "fine"), reply=Reply(1, 9100, {"kind": "Woke"}))
        assert await read.open() == []
        (found,) = await read.runs()
        assert (found.status, found.outcome, found.detail, found.ended_ms, found.wake_ms) == (
            "done", "resumed", "fine", 9100, None,
        )  # fmt: skip
        assert (await read.steps(run))[1].replied_ms == 9100

    play(tmp_path, scenario)


def test_two_triggers_of_one_key_are_one(tmp_path):
    """The second begins nothing; the newest event seen never goes back."""

    async def scenario(writer, write, read, uid):
        first = await write.begin([new(uid), new(uid, "k2")], seen=5)
        again = await write.begin([new(uid), new(uid, "k3")], seen=4)
        assert None not in first
        assert again[0] is None
        assert again[1] is not None
        assert await read.seen() == 5

    play(tmp_path, scenario)


def test_a_run_that_has_ended_or_was_forgotten_takes_nothing_more(tmp_path):
    """Whoever plays it is told."""

    async def scenario(writer, write, read, uid):
        (run,) = await write.begin([new(uid)])
        assert await write.end(run, End(2000, "done", "x", ""))
        assert not await write.end(run, End(2001, "done", "y", ""))
        assert not await write.go_on(run, step=Step(0, 2001, {}, "running"))
        assert not await write.mark(run, "running")
        (other,) = await write.begin([new(uid, "k2")])
        await writer.forget(pane_uid=uid)
        assert not await write.go_on(other, step=Step(0, 2001, {}, "running"))
        assert await read.runs() == []
        assert await write.begin([new("p99", "k3")]) == [None]

    play(tmp_path, scenario)


def test_no_secret_reaches_the_file(tmp_path):
    """Whatever a workflow asks, hears or says is redacted on its way in."""

    async def scenario(writer, write, read, uid):
        (run,) = await write.begin([new(uid, prompt=f"use {SECRET}")])
        await write.go_on(run, step=Step(0, 1, {"text": f"use {SECRET}"}, "running"))
        await write.go_on(run, reply=Reply(0, 2, {"draft": [SECRET]}))
        await write.end(run, End(3, "failed", "odd", f"said {SECRET}"))
        assert "use" in str(await read.steps(run))

    play(tmp_path, scenario)
    for file in tmp_path.iterdir():
        assert b"Zx9Zx9" not in file.read_bytes()


@given(st.recursive(st.none() | st.integers() | st.text() | st.just(f"a {SECRET} b"), lambda one: st.lists(one)))
def test_cleaning_twice_is_cleaning_once(value):
    """A journal that was cleaned compares equal to what is cleaned again."""
    once = clean_json(value)

    assert clean_json(once) == once
    assert "Zx9Zx9" not in str(once)


def test_switches_are_kept_one_for_all_panes_and_one_for_each(tmp_path):
    """The one for all panes takes the place of the single ones; an unknown pane is refused."""

    async def scenario(writer, write, read, uid):
        await write.switch("flow", uid, enabled=True, at_ms=1)
        await write.switch("flow", uid, enabled=False, at_ms=2)
        await write.switch("other", None, enabled=True, at_ms=3)
        found = [(one.name, one.pane_uid, one.enabled) for one in await read.switches()]
        assert found == [("flow", uid, False), ("other", None, True)]
        await write.switch("flow", None, enabled=True, at_ms=4)
        found = [(one.name, one.pane_uid, one.enabled) for one in await read.switches()]
        assert found == [("flow", None, True), ("other", None, True)]
        with pytest.raises(NotFound):
            await write.switch("flow", "p99", enabled=True, at_ms=5)

    play(tmp_path, scenario)


def test_old_runs_go_and_open_ones_stay(tmp_path):
    """Retention by age takes what has ended."""
    day = 86_400_000

    async def scenario(writer, write, read, uid):
        (old,) = await write.begin([new(uid)])
        (parked,) = await write.begin([new(uid, "k2", status="parked")])
        await write.go_on(old, step=Step(0, 1001, {}, "running"))
        await write.end(old, End(2000, "done", "x", ""))
        await writer.retain(40 * day)
        assert [run.id for run in await read.runs()] == [parked]
        assert await read.steps(old) == []

    play(tmp_path, scenario, retain_age_ms=30 * day)


def test_forgetting_since_an_instant_takes_the_runs_that_did_something_since(tmp_path):
    """A run that went on after it goes whole."""

    async def scenario(writer, write, read, uid):
        (early,) = await write.begin([new(uid)])
        await write.end(early, End(1500, "done", "x", ""))
        (late,) = await write.begin([new(uid, "k2", started_ms=1400)])
        await write.go_on(late, step=Step(0, 1900, {}, "running"))
        await writer.forget(since_ms=1800)
        assert [run.id for run in await read.runs()] == [early]

    play(tmp_path, scenario)


def test_a_closed_pane_that_is_forgotten_takes_its_switches_along(tmp_path):
    """With its runs and their journals; a pane that lives keeps its switches."""

    async def scenario(writer, write, read, uid):
        other = await writer.pane_uid(MUX, pane(1), 1)
        for one in (uid, other):
            await write.switch("flow", one, enabled=True, at_ms=1)
            (run,) = await write.begin([new(one, f"k{one}")])
            await write.go_on(run, step=Step(0, 1001, {}, "running"))
        await writer.close_panes([uid], 2000)
        await writer.forget(pane_uid=uid)
        await writer.forget(pane_uid=other)
        assert [one.pane_uid for one in await read.switches()] == [other]
        assert await read.runs() == []
        count = "SELECT count(*) FROM workflow_steps"
        assert await writer.transact(lambda connection: connection.execute(count).fetchone()) == (0,)

    play(tmp_path, scenario)


def test_whether_a_pane_was_in_another_state_since(tmp_path):
    """Asked for one pane, or several; states that count as the same do not count."""

    def came_to(state, at_ms):
        return ops.NoteTransition(Transition(at_ms, PaneState.UNKNOWN, NO_AGENT._replace(state=state)), None)

    async def scenario(writer, write, read, uid):
        await writer.agent_events(
            [
                AgentBatch(
                    uid, (came_to(PaneState.IDLE, 10), came_to(PaneState.WORKING, 20), came_to(PaneState.IDLE, 30))
                )
            ]
        )
        assert await read.was_elsewhere([uid], {"idle"}, 5)
        assert not await read.was_elsewhere([uid], {"idle"}, 20)
        assert not await read.was_elsewhere([uid], {"idle", "working"}, 5)
        assert not await read.was_elsewhere(["p99"], {"idle"}, 5)

    play(tmp_path, scenario)


def test_when_runs_began(tmp_path):
    """For pauses between them; dry runs do not count, and manual ones are no turn of the workflow's own."""

    async def scenario(writer, write, read, uid):
        await write.begin(
            [new(uid, "a", started_ms=5), new(uid, "b", started_ms=9), new(uid, "c", started_ms=11, mode="dry")]
        )
        await write.begin([new(uid, "flow:manual:1", started_ms=20), new(None, "d", started_ms=7)])
        assert await read.begun_since("flow", uid, 6) == [9, 20]
        assert await read.last_began("flow", uid) == 9
        assert await read.last_began("flow", None) == 7
        assert await read.last_began("none", None) is None
        with pytest.raises(NotFound):
            await read.run(99)

    play(tmp_path, scenario)


def test_the_journal_survives_a_kill(tmp_path):
    """What was answered as written is in the file, whoever opens it next."""

    async def scenario(writer, write, read, uid):
        (run,) = await write.begin([new(uid)], seen=3)
        await write.go_on(run, step=Step(0, 1, {"kind": "Look"}, "running"))
        copy = sqlite3.connect(f"file:{tmp_path}/wa.db?mode=ro", uri=True)
        assert copy.execute("SELECT count(*) FROM workflow_steps").fetchone() == (1,)
        copy.close()

    play(tmp_path, scenario)
