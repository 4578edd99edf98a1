"""A database that answers nothing for a while holds workflows up, and ends none of them."""

import asyncio

import pytest

from engine.flow_world import flow, play
from wa.act.workflow import OnSchedule, OnState
from wa.model.action import Acted, Action, ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import Act, Ending, Notify, Until
from wa.model.errors import StoreError


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    for name in ("run_steps.AGAIN_S", "run_starts.AGAIN_S", "run_driver.RETRY_S", "workflows.RETRY_S"):
        monkeypatch.setattr(f"wa.engine.{name}", 0.01)
    monkeypatch.setattr("wa.engine.run_starts.CLOCK_CHECK_S", 0.02)


def fails_first(monkeypatch, owner, name, times=2, *, after=0):
    """So often the call fails, *after* so many that did not; how often it was made stands in the list that is returned."""
    real, calls = getattr(owner, name), []

    async def call(*args, **kwargs):
        calls.append(args)
        if after < len(calls) <= after + times:
            raise StoreError("the disk is full")
        return await real(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)
    return calls


def tells(context):
    yield Notify(context.trigger.event, context.trigger.pane_uid)
    return Ending("told")


def waits(context):
    happened = yield Until(60, events=frozenset({"turn.done"}))
    return Ending(happened.what or "nothing")


def test_a_wait_goes_on(tmp_path, monkeypatch):
    """The question is put again."""

    async def scenario(world):
        uid = await world.add()
        calls = fails_first(monkeypatch, world.read, "said_since")
        await world.flows.begin_by_hand("waits", uid, dry_run=False)
        await world.until(lambda: len(calls) > 2)
        await world.say(uid, "turn.done")
        (run,) = await world.ended()
        assert run.outcome == "turn.done"

    play(tmp_path, scenario, flow("waits", waits, "manual"))


def test_events_are_judged_once_it_answers(tmp_path, monkeypatch):
    """From the one on that an earlier sidecar judged last."""

    async def scenario(world):
        uid = await world.add()
        fails_first(monkeypatch, world.read, "seen", after=1)
        async with world.running() as flows:
            await flows.switch("tells", None, enabled=True)
            await world.say(uid, "turn.done")
            (run,) = await world.ended()
            assert run.outcome == "told"

    play(tmp_path, scenario, flow("tells", tells, "turn.done"), running=False)


def test_a_run_that_broke_is_ended_all_the_same(tmp_path, monkeypatch):
    """Its end is written as soon as that can be."""

    def raises(*_):
        raise RuntimeError("of the engine")

    async def scenario(world):
        uid = await world.add()
        world.teller.tell = raises
        calls = fails_first(monkeypatch, world.flows.keeper._write, "end")
        await world.flows.switch("tells", None, enabled=True)
        await world.flows.begin_by_hand("tells", uid, dry_run=False)
        (run,) = await world.ended()
        assert (run.outcome, len(calls)) == ("broken", 3)

    play(tmp_path, scenario, flow("tells", tells, "turn.done"))


def test_a_state_that_lasted_starts_its_run_later(tmp_path, monkeypatch):
    """Whether it was left since the last run, and how often it began, is asked again."""
    starts = (OnState(frozenset({PaneState.IDLE}), 0.02),)

    async def scenario(world):
        for name in ("last_began", "begun_since"):
            fails_first(monkeypatch, world.read, name)
        async with world.running():
            await world.flows.switch("held", None, enabled=True)
            uid = await world.add()
            world.state(uid, PaneState.IDLE)
            (run,) = await world.ended()
            assert run.outcome == "told"

    play(tmp_path, scenario, flow("held", tells, starts=starts, lease=False, cooldown_s=1.0), running=False)


def test_schedules_go_on(tmp_path, monkeypatch):
    """Whether an earlier sidecar had the turn is asked again, and the next turn begins."""
    hourly = flow("hourly", tells, starts=(OnSchedule(every_s=3600),), lease=False, max_age_s=3000.0)

    async def scenario(world):
        await world.add()
        world.clock.to_next_hour()
        calls = fails_first(monkeypatch, world.read, "last_began")
        async with world.running():
            await world.until(lambda: len(calls) > 2)
            world.clock.to_next_hour()
            (run,) = await world.ended()
            assert run.outcome == "told"

    play(tmp_path, scenario, hourly, running=False)


def test_what_an_earlier_sidecar_left_open_in_a_pane_that_is_gone_reaches_the_desk(tmp_path, monkeypatch):
    """The desk writes it to its end; a send that was never begun does not trouble it."""
    monkeypatch.setattr("wa.engine.run_steps.APPEARS_WITHIN_S", 0.05)

    def sends(context):
        did = yield Act(Action(ActionKind.SEND, "proceed.", submit=True))
        return Ending(did.outcome.value)

    async def scenario(world):
        uid = await world.add()
        world.desk.hold = asyncio.Event()
        async with world.running() as flows:
            await flows.switch("sends", None, enabled=True)
            await flows.begin_by_hand("sends", uid, dry_run=False)
            await world.until(lambda: world.desk.asked)
        world.registry.remove(world.registry.get(uid))
        asked = []

        async def act(pane_uid, action, actor, *, key, **_):
            asked.append(key)
            return Acted(ActOutcome.PANE_GONE, "It is gone.")

        world.desk.act = act
        async with world.running():
            (run,) = await world.ended()
            assert (run.outcome, asked) == ("pane_gone", [f"{run.id}:0"])

    play(tmp_path, scenario, flow("sends", sends, "turn.done"), running=False)
