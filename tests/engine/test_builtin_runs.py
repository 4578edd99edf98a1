"""The workflows that come with wa, in the engine that plays them: a real journal and real triggers, panes and hands in memory."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from engine.flow_world import play
from wa.act.builtin.compaction import HANDLE_COMPACTION
from wa.act.builtin.limits import HANDLE_USAGE_LIMITS
from wa.act.builtin.restart import RESTART_AGENT
from wa.model.action import Acted, ActOutcome
from wa.model.agent import Limit, PaneState
from wa.store.acting import ActingStore
from wa.store.acting_records import Intent

PROMPT = HANDLE_COMPACTION.settings["prompt"]
QUICK_LIMITS = HANDLE_USAGE_LIMITS._replace(
    settings={**HANDLE_USAGE_LIMITS.settings, "box_wait_s": 0.05, "margin_s": 0.1, "spread_s": 0.1, "confirm_s": 0.1}
)
QUICK_COMPACTION = HANDLE_COMPACTION._replace(settings={**HANDLE_COMPACTION.settings, "settle_s": 0.05})


def iso(at_ms):
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


async def limited(world, uid, in_s=0.3):
    """The pane is at a limit that ends so soon; the event says so."""
    until_ms = world.clock.now_ms() + round(in_s * 1000)
    world.state(uid, PaneState.LIMITED, limit=Limit("at 1:08 AM", until_ms, None, None, False))
    await world.say(uid, "usage.limit", resets_at=iso(until_ms), reset="at 1:08 AM", n=until_ms)


def test_a_limit_is_parked_and_resumed_once(tmp_path):
    """From the stored event to the prompt; the person is told that it is parked."""

    async def scenario(world):
        uid = await world.add()
        await world.flows.switch("handle_usage_limits", None, enabled=True)
        await limited(world, uid)
        (run,) = await world.ended()
        assert (run.outcome, run.status) == ("resumed", "done")
        assert world.desk.typed == [(uid, "proceed.")]
        assert [title for _, title, _, _ in world.teller.told] == ["Usage limit"]

    play(tmp_path, scenario, QUICK_LIMITS)


def test_two_compactions_of_one_turn_are_one_prompt(tmp_path):
    """The second one is answered by the run that waits already."""

    async def scenario(world):
        uid = await world.add(state=PaneState.WORKING)
        await world.flows.switch("handle_compaction", None, enabled=True)
        await world.say(uid, "compaction.done", n=1)
        await world.until(lambda: world.flows.keeper.holder(uid))
        await world.say(uid, "compaction.done", n=2)
        await world.until(lambda: world.flows.keeper.holder(uid).step == "Until")
        world.state(uid, PaneState.IDLE)
        await world.ended()
        assert world.desk.typed == [(uid, PROMPT)]
        assert len(await world.read.runs()) == 1
        # The compaction of a later turn is another one.
        world.state(uid, PaneState.IDLE)
        await world.say(uid, "compaction.done", n=3)
        await world.ended(2)
        assert world.desk.typed == [(uid, PROMPT)] * 2

    play(tmp_path, scenario, QUICK_COMPACTION)


def test_two_of_one_batch_are_one_run(tmp_path):
    """They were found together, after a restart."""

    async def scenario(world):
        uid = await world.add()
        async with world.running() as flows:
            await flows.switch("handle_compaction", None, enabled=True)
        del world.flows
        await world.say(uid, "compaction.done", n=1)
        await world.say(uid, "compaction.done", n=2)
        async with world.running():
            await world.ended()
            assert world.desk.typed == [(uid, PROMPT)]
            assert len(await world.read.runs()) == 1

    play(tmp_path, scenario, QUICK_COMPACTION, running=False)


def test_a_compaction_waits_for_a_run_of_another_workflow(tmp_path):
    """The limit's run has the pane; the prompt follows it."""

    async def scenario(world):
        uid = await world.add()
        for name in ("handle_compaction", "handle_usage_limits"):
            await world.flows.switch(name, None, enabled=True)
        await limited(world, uid)
        await world.until(lambda: world.flows.keeper.holder(uid))
        await world.say(uid, "compaction.done")
        await world.until(lambda: world.desk.typed == [(uid, "proceed.")])
        world.state(uid, PaneState.IDLE)
        await world.ended(2, within_s=40)
        assert world.desk.typed == [(uid, "proceed."), (uid, PROMPT)]

    play(tmp_path, scenario, QUICK_LIMITS, QUICK_COMPACTION)


def test_observe_mode_types_nothing_and_says_what_it_would(tmp_path):
    """Nobody turned it on."""

    async def scenario(world):
        uid = await world.add()
        await limited(world, uid)
        (run,) = await world.ended()
        assert (run.outcome, run.status) == ("planned", "observed")
        assert world.desk.typed == []
        assert world.teller.told == []

    play(tmp_path, scenario, QUICK_LIMITS)


def test_a_dry_run_by_hand_comes_to_its_end_at_once(tmp_path):
    """Also for an agent that says that it goes on by itself, hours from now."""

    async def scenario(world):
        uid = await world.add()
        until_ms = world.clock.now_ms() + 10_000_000
        for itself in (False, True):
            world.state(uid, PaneState.LIMITED, limit=Limit("at 1:08 AM", until_ms, None, None, itself))
            ident = await world.flows.begin_by_hand("handle_usage_limits", uid, dry_run=True)
            await world.ended(1 + itself)
            run = await world.read.run(ident)
            assert run.outcome == ("resumed_itself" if itself else "planned")
        assert world.desk.typed == []

    play(tmp_path, scenario, HANDLE_USAGE_LIMITS)


def test_a_run_goes_on_after_the_sidecar_was_gone(tmp_path):
    """Parked before, resumed after; once."""

    async def scenario(world):
        uid = await world.add()
        async with world.running() as flows:
            await flows.switch("handle_usage_limits", None, enabled=True)
            await limited(world, uid, in_s=1.0)
            await world.until(lambda: world.teller.told)
        async with world.running():
            (run,) = await world.ended()
            assert run.outcome == "resumed"
            assert world.desk.typed == [(uid, "proceed.")]

    play(tmp_path, scenario, QUICK_LIMITS, running=False)


def test_an_agent_that_is_gone_without_a_word_is_resumed_where_that_is_wanted(tmp_path):
    """By the state; a shell without an agent begins nothing."""
    quick = {"after": ("gone",), "commands": {"codex": "cod resume {session_id}"}, "settle_s": 0.01, "stable_s": 0.1}
    workflow = RESTART_AGENT._replace(
        settings={**RESTART_AGENT.settings, **quick}, starts=(RESTART_AGENT.starts[0]._replace(held_s=0.05),)
    )

    async def scenario(world):
        world.desk.then = PaneState.STARTING
        shell = await world.add(1, state=PaneState.WORKING, agent=None)
        uid = await world.add(0, state=PaneState.WORKING)
        await world.flows.switch("restart_agent", None, enabled=True)
        world.state(shell, PaneState.SHELL)
        world.state(uid, PaneState.EXITED, session_id="0198c1f2-1111-7222-8333-444455556666")
        (run,) = await world.ended(within_s=20)
        assert run.outcome == "resumed"
        assert world.desk.typed == [(uid, "cod resume 0198c1f2-1111-7222-8333-444455556666")]

    play(tmp_path, scenario, workflow)


class Asking:
    """A desk that wants a person asked, once for each text, as the real one does."""

    def __init__(self, world):
        self.world, self.done = world, world.desk.act

    async def act(self, pane_uid, action, actor, *, key="", dry_run=False, run=None, step=None):
        granted = await self.status(action) == "granted"
        if granted or dry_run:
            return await self.done(pane_uid, action, actor, key=key, dry_run=dry_run, run=run, step=step)
        self.world.desk.asked.append((pane_uid, action, actor, key, dry_run))
        now_ms = self.world.clock.now_ms()
        intent = Intent(key, pane_uid, now_ms, actor, action, "ask", "mine", "ask me", False, run, step)
        asked = await ActingStore(self.world.writer).ask(intent, now_ms + 60_000)
        return Acted(ActOutcome.ASKED, "Ask me.", {"approval": asked.id})

    async def status(self, action):
        grants = await ActingStore(self.world.writer).grants(self.world.clock.now_ms())
        return next((one.status for one in grants if one.fingerprint == action.fingerprint), None)


async def answer(world, *, granted, tell=True):
    store = ActingStore(world.writer)
    (waiting,) = [one for one in await store.grants(world.clock.now_ms()) if one.status == "asked"]
    now_ms = world.clock.now_ms()
    await store.settle_grant(waiting.id, granted=granted, at_ms=now_ms, expires_ms=now_ms + 60_000)
    if tell:
        world.flows.answered(waiting.pane_uid)


SCRIPT = """
about = "Says one thing."
[trigger]
event = "compaction.done"
[[step]]
send = "the one thing"
"""


@pytest.mark.parametrize("by_script", [True, False])
@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize("killed", [True, False])
def test_a_persons_answer_wakes_the_workflow_that_asked(tmp_path, by_script, granted, killed):
    """At once; also one that came while no sidecar ran. A no ends it by its name."""
    folder = tmp_path / "workflows"
    folder.mkdir()
    if by_script:
        (folder / "says.toml").write_text(SCRIPT)
    name = "says" if by_script else "handle_compaction"

    async def scenario(world):
        uid = await world.add()
        asking = Asking(world)
        world.desk.act = asking.act
        async with world.running() as flows:
            await flows.switch(name, None, enabled=True)
            await world.say(uid, "compaction.done", n=1)
            await world.until(
                lambda: (
                    any(one.run.workflow.name == name and one.step == "Until" for one in flows.keeper.drivers)
                    and world.desk.asked
                )
            )
            await asyncio.sleep(0.1)
            assert len(world.desk.asked) == 1
            if not killed:
                began = time.monotonic()
                await answer(world, granted=granted)
                (run,) = await world.ended(workflow=name)
                assert time.monotonic() - began < 2.0
        if killed:
            await answer(world, granted=granted, tell=False)
            async with world.running():
                (run,) = await world.ended(workflow=name)
        assert run.outcome == (("done" if by_script else "primed") if granted else "denied")
        assert len(world.desk.typed) == granted

    play(tmp_path, scenario, *(() if by_script else (QUICK_COMPACTION,)), folder=folder, running=False)


def test_a_question_that_expires_ends_the_wait(tmp_path):
    """As nobody having said anything."""
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "says.toml").write_text(SCRIPT)

    async def scenario(world):
        uid = await world.add()
        world.desk.act = Asking(world).act
        await world.flows.switch("says", None, enabled=True)
        await world.say(uid, "compaction.done", n=1)
        await world.until(lambda: world.desk.asked and world.flows.keeper.drivers[0].step == "Until")
        world.clock.faster_ms = 61_000
        world.flows.answered(uid)
        (run,) = await world.ended()
        assert (run.outcome, world.desk.typed) == ("asked", [])

    play(tmp_path, scenario, folder=tmp_path / "workflows")
