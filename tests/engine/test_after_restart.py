"""Agents that ended with their mux: which runs begin, once, over restarts of the sidecar; a real journal, a mux in memory."""

import asyncio

import pytest

from engine.flow_world import play
from store.world import MUX, pane
from wa.act.builtin.restart import RESTART_AGENT
from wa.detect import session_ops as ops
from wa.engine.pane import WatchedPane
from wa.ingest.tracker import PaneTracker
from wa.model.action import Action, ActionKind, Actor, ActorKind, ActOutcome
from wa.model.agent import NO_AGENT, PaneState
from wa.model.command import Opened
from wa.store.acting import ActingStore
from wa.store.acting_records import Intent
from wa.store.agent_records import AgentBatch
from wa.wezterm.terminal import SourceKind

AFTER, LATER = MUX._replace(started="4712-100"), MUX._replace(started="4713-101")
QUICK = RESTART_AGENT._replace(
    settings={
        **RESTART_AGENT.settings,
        "after": ("mux",),
        "commands": {"codex": "codex resume {session_id}"},
        "settle_s": 0.0,
        "stable_s": 0.05,
        "start_wait_s": 3.0,
        "back_off_s": 0.05,
    }
)
ONE, TWO = "0198c1f2-1111-7222-8333-444455556666", "0198c1f2-2222-7222-8333-444455556666"


class FakeOpener:
    """A pane for each key, with a shell."""

    def __init__(self, world):
        self.world, self.opened, self.wishes, self.hold = world, {}, [], None

    async def open(self, wish, place):
        if place.plan:
            return Opened(ActOutcome.PLANNED, at_ms=self.world.clock.now_ms())
        if place.key not in self.opened:
            number = 100 + len(self.opened)
            uid = await self.world.writer.pane_uid(AFTER, pane(number, cwd=wish.cwd), 1)
            made = WatchedPane(uid, AFTER, pane(number, cwd=wish.cwd), PaneTracker(number), SourceKind.PUSH)
            made.started = True
            made.agent = NO_AGENT._replace(state=PaneState.SHELL, since_ms=self.world.clock.now_ms())
            self.world.registry.add(made)
            self.opened[place.key] = uid
            self.wishes.append((place.pane_uid, wish))
        if self.hold is not None:
            await self.hold.wait()
        return Opened(ActOutcome.PRESSED, self.opened[place.key], "opened", False, self.world.clock.now_ms())


async def session(world, uid, session_id=ONE, *, confidence=1.0, ended=None, number=1, agent="codex"):
    """As a book tells of it."""
    now_ms = world.clock.now_ms()
    ref = ops.SessionRef(number, agent)
    noted = [ops.OpenSession(ref, now_ms, False)]
    if session_id:
        noted.append(ops.NoteSessionId(ref, now_ms, session_id, confidence, "printed"))
    if ended is not None:
        noted.append(ops.CloseSession(ref, now_ms, ended))
    await world.writer.agent_events([AgentBatch(uid, tuple(noted))])


async def end_mux(world, mux=MUX, *, watched=True, after=AFTER):
    """It ends, and another run of it comes up without its panes."""
    if watched:
        await world.writer.mux_lost(mux, world.clock.now_ms())
    for one in [one for one in world.registry if one.mux == mux]:
        one.alive = False
        world.registry.remove(one)
    await world.writer.close_absent(after, [], world.clock.now_ms())


def scene(tmp_path, scenario, *, enabled=True, running=True):
    async def inside(world):
        world.opener = FakeOpener(world)
        async with world.running():
            if enabled:
                await world.flows.switch("restart_agent", None, enabled=True)
            if running:
                return await scenario(world)
        return await scenario(world)

    return play(tmp_path, inside, QUICK, running=False)


def test_an_agent_that_ended_with_its_mux_is_resumed_in_a_pane_of_its_own(tmp_path):
    """By its id, in its folder; a person is told."""

    async def scenario(world):
        uid = await world.add()
        await session(world, uid)
        await end_mux(world)
        world.flows.mux_came(AFTER)
        (run,) = await world.ended()
        assert (run.outcome, run.mode, run.pane_uid) == ("resumed_in_new_pane", "live", uid)
        ((was, wish),) = world.opener.wishes
        assert (was, wish.cwd, wish.session_id) == (uid, "/src/shop", ONE)
        ((where, typed),) = world.desk.typed
        assert (where, typed) == (world.opener.opened[f"{run.id}:0"], f"codex resume {ONE}")
        assert [title for _, title, _, _ in world.teller.told] == [f"codex was resumed in {where}"]

    scene(tmp_path, scenario)


def test_a_reconnect_to_the_same_run_resumes_nobody_and_one_after_a_restart_nobody_twice(tmp_path):
    """However often the connection breaks; one that ended with the next run too is resumed once more, for its new pane."""

    async def scenario(world):
        uid = await world.add()
        await session(world, uid)
        await world.writer.mux_lost(MUX, world.clock.now_ms())
        for _ in range(3):
            await world.writer.close_absent(MUX, [0], world.clock.now_ms())
            world.flows.mux_came(MUX)
        await end_mux(world)
        for _ in range(3):
            world.flows.mux_came(AFTER)
            await world.ended()
        assert len(await world.read.runs()) == len(world.opener.wishes) == len(world.desk.typed) == 1
        (where,) = world.opener.opened.values()
        await session(world, where)
        await end_mux(world, AFTER, after=LATER)
        world.flows.mux_came(LATER)
        await world.ended(2)
        assert [was for was, _ in world.opener.wishes] == [uid, where]

    scene(tmp_path, scenario)


@pytest.mark.parametrize("ended", [ops.EndMode.EXITED, ops.EndMode.CLOSED, ops.EndMode.PANE_CLOSED])
def test_an_agent_that_ended_before_its_mux_stays_ended(tmp_path, ended):
    """It exited, said good-bye, or its pane was closed."""

    async def scenario(world):
        await session(world, await world.add(), ended=ended)
        other = await world.add(1)
        await session(world, other, TWO)
        await end_mux(world)
        world.flows.mux_came(AFTER)
        (run,) = await world.ended()
        assert run.pane_uid == other

    scene(tmp_path, scenario)


def test_agents_whose_session_is_not_known_for_sure_are_named_and_not_resumed(tmp_path):
    """No id, an unsure one, one of which nobody saw the end; the same id twice is resumed once."""

    async def scenario(world):
        await session(world, await world.add(1), "")
        await session(world, await world.add(2), TWO, confidence=0.8)
        await session(world, await world.add(3), ONE)
        await session(world, await world.add(4), ONE)
        await end_mux(world)
        world.flows.mux_came(AFTER)
        runs = await world.ended(4)
        assert sorted(run.outcome for run in runs) == [
            "no_session_id",
            "resumed_in_new_pane",
            "same_session",
            "unsure_session_id",
        ]
        assert [typed for _, typed in world.desk.typed] == [f"codex resume {ONE}"]
        assert len(world.teller.told) == 4

    scene(tmp_path, scenario)


def test_where_nobody_watched_the_mux_end_a_person_is_told_the_command(tmp_path):
    """The agent may have ended before."""

    async def scenario(world):
        await session(world, await world.add())
        await end_mux(world, watched=False)
        world.flows.mux_came(AFTER)
        (run,) = await world.ended()
        assert run.outcome == "not_watched"
        assert f"codex resume {ONE}" in world.teller.told[0][2]
        assert world.desk.typed == []

    scene(tmp_path, scenario)


def test_one_that_is_off_observes(tmp_path):
    """Nothing is opened, typed or told; turned on afterwards it does not act on what is long over."""

    async def scenario(world):
        await session(world, await world.add())
        await end_mux(world)
        world.flows.mux_came(AFTER)
        (run,) = await world.ended()
        assert (run.mode, run.outcome) == ("observe", "planned")
        await world.flows.switch("restart_agent", None, enabled=True)
        world.flows.mux_came(AFTER)
        await asyncio.sleep(0.05)
        assert (world.opener.wishes, world.desk.typed, world.teller.told) == ([], [], [])

    scene(tmp_path, scenario, enabled=False)


def test_a_switch_of_the_pane_that_was_counts(tmp_path):
    """Turned on for one of two panes."""

    async def scenario(world):
        one, two = await world.add(1), await world.add(2)
        await world.flows.switch("restart_agent", one, enabled=True)
        await session(world, one, ONE)
        await session(world, two, TWO)
        await end_mux(world)
        world.flows.mux_came(AFTER)
        runs = await world.ended(2)
        assert {(run.pane_uid, run.mode) for run in runs} == {(one, "live"), (two, "observe")}
        assert [was for was, _ in world.opener.wishes] == [one]

    scene(tmp_path, scenario, enabled=False)


@pytest.mark.parametrize("stage", ["before", "opening", "typing"])
def test_a_sidecar_that_ends_on_the_way_goes_on_with_the_same_pane(tmp_path, stage):
    """One pane, one command, whenever it was."""

    async def scenario(world):
        async with world.running():
            await session(world, await world.add())
            if stage == "opening":
                world.opener.hold = asyncio.Event()
            elif stage == "typing":
                world.desk.hold = asyncio.Event()
            await end_mux(world)
            if stage != "before":
                world.flows.mux_came(AFTER)
                await world.until(lambda: world.desk.asked if stage == "typing" else world.opener.wishes)
        world.opener.hold = world.desk.hold = None
        async with world.running() as flows:
            flows.mux_came(AFTER)
            (run,) = await world.ended()
            assert run.outcome == "resumed_in_new_pane"
        assert (len(world.opener.wishes), len(world.desk.typed)) == (1, 1)

    scene(tmp_path, scenario, running=False)


def test_a_crash_in_the_new_pane_is_the_affair_of_the_run_that_opened_it(tmp_path):
    """It has the lease there: no second run begins beside it."""

    async def scenario(world):
        uid = await world.add()
        await session(world, uid)
        await end_mux(world)
        world.desk.hold = asyncio.Event()
        world.flows.mux_came(AFTER)
        await world.until(lambda: world.desk.asked)
        (where,) = world.opener.opened.values()
        assert world.flows.keeper.holder(where).run.pane_uid == uid
        await world.say(where, "error.crash")
        world.desk.hold.set()
        await world.ended()
        assert world.flows.keeper.holder(where) is None
        assert len(await world.read.runs()) == 1

    scene(tmp_path, scenario)


def test_a_parked_run_of_the_pane_that_is_gone_does_not_hold_it_up(tmp_path):
    """It sleeps until a reset that is hours away."""

    async def scenario(world):
        uid = await world.add()
        await session(world, uid)
        world.flows.keeper._holder[uid] = 4711  # as a run that sleeps has it
        await end_mux(world)
        world.flows.mux_came(AFTER)
        (run,) = await world.ended()
        assert run.outcome == "resumed_in_new_pane"

    scene(tmp_path, scenario)


def test_an_answer_about_a_pane_that_is_gone_is_heard(tmp_path, monkeypatch):
    """The question was whether another one may be opened in its place."""
    monkeypatch.setattr("wa.engine.run_steps.APPEARS_WITHIN_S", 0.0)

    async def scenario(world):
        uid = await world.add()
        await session(world, uid)
        await end_mux(world)
        store, now_ms = ActingStore(world.writer), world.clock.now_ms()
        actor = Actor(ActorKind.WORKFLOW, "restart_agent")
        intent = Intent("k", uid, now_ms, actor, Action(ActionKind.SPAWN, text="/src/shop"), "ask", "mine", "ask me")
        question = await store.ask(intent, now_ms + 60_000)
        real, first = world.opener.open, [Opened(ActOutcome.ASKED, None, "ask me", False, now_ms, question.id)]

        async def open_asking(wish, place):
            return first.pop() if first else await real(wish, place)

        world.opener.open = open_asking
        world.flows.mux_came(AFTER)
        await world.until(lambda: world.flows.keeper.drivers and world.flows.keeper.drivers[0].step == "Until")
        await store.settle_grant(question.id, granted=True, at_ms=now_ms, expires_ms=now_ms + 60_000)
        world.flows.answered(uid)
        (run,) = await world.ended()
        assert run.outcome == "resumed_in_new_pane"

    scene(tmp_path, scenario)
