"""Schedules begin runs in panes; which panes a workflow is for; files that come and go while the sidecar runs."""

import asyncio

import pytest

from engine.flow_world import flow, play
from wa.act.workflow import OnSchedule, OnState, Panes
from wa.engine.run_starts import fits
from wa.model.agent import PaneState
from wa.model.command import Ending, Notify, Until

EVERY_MS = 3_600_000


def tells(context):
    yield Notify(context.trigger.event, context.trigger.pane_uid)
    return Ending("told")


HOURLY = flow("hourly", tells, starts=(OnSchedule(every_s=3600),), lease=False, max_age_s=3000.0)


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """The wall clock of these tests is moved by hand."""
    monkeypatch.setattr("wa.engine.run_starts.CLOCK_CHECK_S", 0.02)
    monkeypatch.setattr("wa.engine.workflows.POLL_S", 0.05)


def test_a_schedule_begins_a_run_in_each_agents_pane_once_a_turn(tmp_path):
    """A workflow that has just come begins with its next turn; a shell is no agent's pane."""

    async def scenario(world):
        one, two = await world.add(0), await world.add(1)
        await world.add(2, agent=None, state=PaneState.SHELL)
        async with world.running():
            await world.flows.switch("hourly", None, enabled=True)
            await asyncio.sleep(0.2)
            assert world.teller.told == []
            world.clock.to_next_hour()
            await world.ended(2)
            await asyncio.sleep(0.2)
        async with world.running():
            await asyncio.sleep(0.2)
        assert [told[2] for told in world.teller.told] == [one, two]

    play(tmp_path, scenario, HOURLY, running=False)


def test_a_turn_that_nobody_was_there_for_is_made_up_for_while_it_is_young(tmp_path):
    """Up to `max_age`; and none of those before it."""

    async def scenario(world):
        await world.add(0)
        async with world.running():
            await world.flows.switch("hourly", None, enabled=True)
            await asyncio.sleep(0.1)
            world.clock.to_next_hour()
            await world.ended()
        world.clock.to_next_hour()
        world.clock.to_next_hour(after_s=600)
        async with world.running():
            await world.ended(2)
        world.clock.to_next_hour(after_s=3300)
        async with world.running():
            await asyncio.sleep(0.2)
        assert len(await world.read.runs()) == 2

    play(tmp_path, scenario, HOURLY, running=False)


def test_a_clock_that_is_set_back_begins_no_turn_again(tmp_path):
    """Turns have names."""

    async def scenario(world):
        await world.add(0)
        await asyncio.sleep(0.1)
        world.clock.to_next_hour()
        await world.ended()
        before = world.clock.ahead_ms
        world.clock.ahead_ms -= EVERY_MS
        await asyncio.sleep(0.1)
        world.clock.ahead_ms = before
        await asyncio.sleep(0.2)
        names = [run.key for run in await world.read.runs()]
        assert len(names) == len(set(names))
        assert sum(name.endswith(names[-1].rpartition(":")[2]) for name in names) == 1

    play(tmp_path, scenario, HOURLY)


def test_a_file_is_in_force_when_it_is_written_and_gone_when_it_is_not(tmp_path):
    """Hot reload: a workflow that comes while the sidecar runs is started by the next event."""
    folder = tmp_path / "workflows"
    folder.mkdir()
    text = '[trigger]\nevent = "turn.done"\n[[step]]\nnotify = "done in {pane}"\n'

    async def scenario(world):
        uid = await world.add(0)
        (folder / "tell.toml").write_text(text)
        await world.until(lambda: world.flows.catalogue.get("tell"))
        await world.flows.switch("tell", None, enabled=True)
        await world.say(uid, "turn.done", n=1)
        await world.ended()
        assert world.teller.told[0][1] == f"done in {uid}"
        (folder / "tell.toml").unlink()
        await world.until(lambda: world.flows.catalogue.get("tell") is None)
        await world.say(uid, "turn.done", n=2)
        await asyncio.sleep(0.2)
        assert len(await world.read.runs()) == 1

    play(tmp_path, scenario, folder=folder)


def test_who_names_a_workflow_means_its_file_as_it_is_now(tmp_path, monkeypatch):
    """`wa workflow list` shows a file at once, so what is done with its name works at once, too."""
    monkeypatch.setattr("wa.engine.workflows.POLL_S", 3600.0)
    folder = tmp_path / "workflows"
    folder.mkdir()
    text = '[trigger]\nmanual = true\n[[step]]\nnotify = "SAID in {pane}"\n'

    async def scenario(world):
        uid = await world.add(0)
        (folder / "tell.toml").write_text(text.replace("SAID", "one"))
        await world.flows.switch("tell", None, enabled=True)
        await world.flows.begin_by_hand("tell", uid, dry_run=False)
        await world.ended()
        (folder / "tell.toml").write_text(text.replace("SAID", "and two"))
        await world.flows.begin_by_hand("tell", uid, dry_run=False)
        await world.ended(2)
        assert [told[1] for told in world.teller.told] == [f"one in {uid}", f"and two in {uid}"]

    play(tmp_path, scenario, folder=folder)


def test_files_are_looked_at_however_much_happens(tmp_path):
    """A hundred agents say something all the time."""
    folder = tmp_path / "workflows"
    folder.mkdir()

    async def scenario(world):
        (folder / "tell.toml").write_text('[trigger]\nmanual = true\n[[step]]\nnotify = "done"\n')

        async def loaded():
            while world.flows.catalogue.get("tell") is None:
                world.flows.saved()
                await asyncio.sleep(0)

        await asyncio.wait_for(loaded(), 10)

    play(tmp_path, scenario, folder=folder)


@pytest.mark.parametrize(
    ("panes", "fit"),
    [
        (Panes(), True),
        (Panes(project="/src/shop"), True),
        (Panes(project="/src/shop/"), True),
        (Panes(project="/src"), True),
        (Panes(project="/"), True),
        (Panes(project="/src/sho"), False),
        (Panes(project="/src/shop/api"), False),
        (Panes(mux="local", title="WORK"), True),
        (Panes(mux="gui-1"), False),
        (Panes(title="play"), False),
    ],
)
def test_which_panes_a_workflow_is_for(panes, fit):
    """By folder, multiplexer and title; a folder's name is not its beginning."""
    assert fits(panes, mux="local", title="my work", folders=["/src/shop"]) is fit


def test_a_home_is_a_home(monkeypatch):
    """Written with a tilde here or there."""
    monkeypatch.setenv("HOME", "/home/dev")

    assert fits(Panes(project="~/shop"), mux="", title="", folders=["/home/dev/shop/api"])
    assert fits(Panes(project="/home/dev/shop"), mux="", title="", folders=["~/shop"])
    assert not fits(Panes(project="~/shop"), mux="", title="", folders=["/home/other/shop"])


STILL = flow(
    "still",
    tells,
    starts=(OnState(frozenset({PaneState.WORKING}), setting="still_s", still=True),),
    settings={"still_s": 0.4},
    lease=False,
)


def got_on(world, uid):
    """Nothing tells of it."""
    pane = world.registry.get(uid)
    pane.agent = pane.agent._replace(progress_ms=world.clock.now_ms())


def test_an_agent_that_gets_on_is_not_still_however_long_it_works(tmp_path, monkeypatch):
    """Then it comes to a stop: one run; it gets on and stops once more: another. A spinner is no progress."""
    monkeypatch.setattr("wa.engine.run_starts.STILL_CHECK_S", 0.05)

    async def scenario(world):
        uid = await world.add()
        await world.flows.switch("still", None, enabled=True)
        world.state(uid, PaneState.WORKING)
        for _ in range(10):
            await asyncio.sleep(0.1)
            got_on(world, uid)
        assert await world.read.runs() == []
        (run,) = await world.ended()
        assert run.context["trigger"]["fields"]["held_s"] == 0.4
        await asyncio.sleep(1.0)
        assert len(await world.read.runs()) == 1
        got_on(world, uid)
        await world.ended(2)
        world.state(uid, PaneState.IDLE)
        world.state(uid, PaneState.WORKING)
        await world.ended(3)

    play(tmp_path, scenario, STILL)


def test_zero_seconds_are_never(tmp_path):
    """So it is turned off."""

    async def scenario(world):
        uid = await world.add()
        await world.flows.switch("still", None, enabled=True)
        world.state(uid, PaneState.WORKING)
        await asyncio.sleep(0.2)
        assert await world.read.runs() == []

    play(tmp_path, scenario, STILL._replace(settings={"still_s": 0.0}))


def test_progress_ends_a_wait_for_it(tmp_path):
    """Before anything else happens."""

    def waits(context):
        happened = yield Until(30.0, frozenset({"progress", "turn.done"}))
        return Ending(happened.what)

    async def scenario(world):
        uid = await world.add(state=PaneState.WORKING)
        await world.say(uid, "rate.retry")
        await world.until(lambda: world.flows.keeper.drivers and world.flows.keeper.drivers[0].step == "Until")
        got_on(world, uid)
        world.flows.saved()
        await world.say(uid, "mcp.error")
        (run,) = await world.ended()
        assert run.outcome == "progress"

    play(tmp_path, scenario, flow("waits", waits, "rate.retry", lease=False))
