"""The workflows that come with wa, in the engine that plays them: a real journal and real triggers, panes and hands in memory."""

from datetime import UTC, datetime

from engine.flow_world import play
from wa.act.builtin.compaction import HANDLE_COMPACTION
from wa.act.builtin.limits import HANDLE_USAGE_LIMITS
from wa.act.builtin.restart import RESTART_AGENT
from wa.model.agent import Limit, PaneState

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
