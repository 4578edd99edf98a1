"""Runs begin, wait, are taken up and end."""

import asyncio

import pytest

from engine.flow_world import FlowWorld, flow, play
from wa.act.workflow import Busy, OnState
from wa.engine import run_steps
from wa.engine.workflows import Workflows
from wa.model.action import Action, ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import Act, Ending, Execute, Look, Notify, Park, Until
from wa.model.errors import NotFound, Refused, UsageError


def sends(context):
    saw = yield Look()
    if not saw.alive:
        return Ending("pane_gone")
    did = yield Act(Action(ActionKind.SEND, "proceed.", submit=True))
    if did.outcome is not ActOutcome.SUBMITTED:
        return Ending(did.outcome.value, failed=did.outcome is not ActOutcome.PLANNED)
    happened = yield Until(5, states=frozenset({PaneState.WORKING}))
    return Ending("resumed" if happened.what else "silent")


SENDS = flow("sends", sends, "turn.done")


def test_an_event_starts_a_run_and_its_send_reaches_the_pane(tmp_path):
    """Turned on for the pane: the send goes through the desk under the run's key, once."""

    async def scenario(world):
        uid = await world.add()
        await world.flows.switch("sends", uid, enabled=True)
        event = await world.say(uid, "turn.done", duration="3m")
        (run,) = await world.ended()
        assert (run.outcome, run.status, run.mode) == ("resumed", "done", "live")
        assert world.desk.typed == [(uid, "proceed.")]
        ((pane, _, actor, key, _),) = world.desk.asked
        assert (pane, actor.kind, actor.name, key) == (uid, "workflow", "sends", f"{run.id}:1")
        assert run.context["trigger"]["event_id"] == event
        assert run.context["trigger"]["fields"] == {"duration": "3m"}
        assert run.context["profile"] == {"limits": {"close": ["Stop"]}}

    play(tmp_path, scenario, SENDS)


def test_a_workflow_that_nobody_turned_on_types_nothing(tmp_path):
    """It is played in observe mode: what it would send is decided, written down, and not sent."""

    async def scenario(world):
        uid = await world.add()
        await world.say(uid, "turn.done")
        (run,) = await world.ended()
        assert (run.mode, run.status, run.outcome) == ("observe", "observed", "planned")
        assert world.desk.typed == []
        assert world.desk.asked[0][4] is True
        steps = await world.read.steps(run.id)
        assert steps[1].command["action"]["text"] == "proceed."
        assert steps[1].reply["outcome"] == "planned"

    play(tmp_path, scenario, SENDS)


def test_only_what_may_type_keeps_a_server_from_resting(tmp_path):
    """While every workflow only observes, a tenth of a second is nothing; once one is on, it is."""

    async def scenario(world):
        uid = await world.add()
        assert not world.hub.wanted
        await world.flows.switch("sends", uid, enabled=True)
        assert world.hub.wanted
        await world.flows.switch("sends", uid, enabled=False)
        assert not world.hub.wanted

    play(tmp_path, scenario, SENDS)


def test_an_event_is_judged_once(tmp_path):
    """However often wa is started; what was said before its first start is nobody's."""

    async def scenario(world):
        uid = await world.add()
        await world.say(uid, "turn.done")
        async with world.running():
            await world.flows.switch("sends", None, enabled=True)
            await world.say(uid, "turn.done", number=2)
            await world.ended()
        for _ in range(2):
            async with world.running():
                await world.until(lambda: world.flows._news.is_set() is False)
        assert len(await world.read.runs()) == 1
        assert len(world.desk.typed) == 1

    play(tmp_path, scenario, SENDS, running=False)


def test_events_that_nobody_saw_are_found_at_the_start(tmp_path):
    """Up to an age; older ones begin nothing, and are not found again."""

    async def scenario(world):
        uid = await world.add()
        async with world.running():
            await world.flows.switch("sends", None, enabled=True)
        await world.say(uid, "turn.done", ago_s=30)
        await world.say(uid, "turn.done", ago_s=3600)
        await world.say(uid, "usage.limit")
        async with world.running():
            await world.ended()
        async with world.running():
            await world.until(world.read.seen)
        assert [run.outcome for run in await world.read.runs()] == ["resumed"]
        assert await world.read.seen() == await world.reader.last_event_id()

    play(tmp_path, scenario, SENDS, running=False)


def parks(context):
    saw = yield Look()
    yield Park(saw.at_ms + context.settings["ms"], 0.0)
    yield Act(Action(ActionKind.SEND, "proceed.", submit=True))
    return Ending("resumed")


def test_a_parked_run_goes_on_after_a_restart_at_its_time(tmp_path):
    """The timer is in the database; the run wakes once, in the next sidecar or in a later one."""
    long = flow("parks", parks, "usage.limit", settings={"ms": 60_000})

    async def scenario(world):
        uid = await world.add(state=PaneState.LIMITED)
        async with world.running():
            await world.flows.switch("parks", None, enabled=True)
            await world.say(uid, "usage.limit")
            (run,) = await world.until(world.read.open)
            await world.until(lambda: is_parked(world))
        wake_ms = (await world.read.open())[0].wake_ms
        assert wake_ms > world.clock.now_ms() + 50_000
        async with world.running():
            await asyncio.sleep(0.05)
            assert world.desk.typed == []
        world.clock.ahead_ms = 61_000
        async with world.running():
            await world.ended()
        assert world.desk.typed == [(uid, "proceed.")]
        assert run.id == (await world.read.runs())[0].id

    play(tmp_path, scenario, long, running=False)


async def is_parked(world):
    runs = await world.read.open()
    return runs and runs[0].status == "parked"


def test_one_run_has_a_pane_and_the_others_wait_or_are_dropped(tmp_path):
    """As their workflow says; one that does not act needs no lease."""

    def patient(context):
        yield Until(20, events=frozenset({"session.end"}))
        yield Act(Action(ActionKind.SEND, context.trigger.event, submit=True))
        return Ending("sent")

    def tells(context):
        yield Notify("t", "b")
        return Ending("told")

    first = flow("first", patient, "usage.limit")
    waits = flow("waits", sends, "turn.done")
    drops = flow("drops", sends, "turn.done", when_busy=Busy.DROP)
    looks = flow("looks", tells, "turn.done", lease=False)

    async def scenario(world):
        uid, other = await world.add(0), await world.add(1)
        for name in ("first", "waits", "drops", "looks"):
            await world.flows.switch(name, None, enabled=True)
        await world.say(uid, "usage.limit")
        await world.until(lambda: world.flows.keeper.holder(uid))
        await world.say(uid, "turn.done")
        await world.ended(workflow="looks")
        assert [run.status for run in await world.read.runs(workflow="waits")] == ["waiting"]
        assert await world.read.runs(workflow="drops") == []
        assert world.desk.typed == []
        # Another pane is another lease.
        world.desk.then = None
        await world.say(other, "turn.done", n=2)
        await world.until(lambda: len(world.desk.typed) == 1)
        world.desk.then = PaneState.WORKING
        await world.say(uid, "session.end")
        await world.until(lambda: len(world.desk.typed) == 3)
        assert world.desk.typed[1:] == [(uid, "usage.limit"), (uid, "proceed.")]
        runs = await world.ended(2, workflow="waits", within_s=15)
        assert {run.outcome for run in runs} <= {"resumed", "silent"}

    play(tmp_path, scenario, first, waits, drops, looks)


def test_a_trigger_that_waited_too_long_begins_nothing(tmp_path):
    """By the age limit of its workflow."""

    def holds(context):
        yield Until(20, events=frozenset({"session.end"}))
        return Ending("held")

    late = flow("late", sends, "turn.done", max_age_s=0.05)

    async def scenario(world):
        uid = await world.add()
        await world.flows.switch("holds", None, enabled=True)
        await world.flows.switch("late", None, enabled=True)
        await world.say(uid, "usage.limit")
        await world.until(lambda: world.flows.keeper.holder(uid))
        await world.say(uid, "turn.done")
        await world.until(lambda: world.flows.keeper.waiting)
        await asyncio.sleep(0.1)
        await world.say(uid, "session.end")
        (run,) = await world.ended(workflow="late")
        assert run.outcome == "too_late"
        assert world.desk.typed == []

    play(tmp_path, scenario, flow("holds", holds, "usage.limit"), late)


def test_turning_it_off_ends_its_runs_and_turning_it_on_begins_them_anew(tmp_path):
    """A run that only observed becomes a live one of the same trigger."""
    long = flow("parks", parks, "usage.limit", settings={"ms": 60_000})

    async def scenario(world):
        uid = await world.add(state=PaneState.LIMITED)
        await world.say(uid, "usage.limit")
        await world.until(lambda: is_parked(world))
        (anew,) = await world.flows.switch("parks", uid, enabled=True)
        (old,) = await world.ended()
        assert (old.mode, old.status) == ("observe", "aborted")
        run = await world.read.run(anew)
        assert (run.mode, run.context["trigger"]["event_id"]) == ("live", old.context["trigger"]["event_id"])
        assert world.flows.is_on("parks", uid)
        assert not world.flows.is_on("parks", None)
        await world.flows.switch("parks", None, enabled=False)
        assert (await world.read.run(anew)).status == "aborted"
        assert not world.flows.is_on("parks", uid)
        with pytest.raises(NotFound):
            await world.flows.switch("nothing", None, enabled=True)

    play(tmp_path, scenario, long)


def test_settings_of_the_users_leave_a_workflow_on_that_is_on_by_itself(tmp_path):
    """One that only tells needs no switch, wherever its settings stand; one that types needs it still."""
    tells = flow("tells", parks, settings={"ms": 60_000}, default_enabled=True)
    types = flow("types", parks, settings={"ms": 60_000})
    for name in ("tells", "types"):
        (tmp_path / f"{name}.toml").write_text("[settings]\nms = 1\n")

    async def scenario(world):
        assert world.flows.catalogue.workflows["tells"].settings == {"ms": 1}
        assert world.flows.is_on("tells", await world.add())
        assert not world.flows.is_on("types", None)

    play(tmp_path, scenario, tells, types, folder=tmp_path)


def test_what_is_being_typed_comes_to_its_end_before_a_run_is_aborted(tmp_path):
    """Nothing stays half typed."""

    async def scenario(world):
        uid = await world.add()
        world.desk.hold = asyncio.Event()
        await world.flows.switch("sends", None, enabled=True)
        await world.say(uid, "turn.done")
        await world.until(lambda: world.desk.asked)
        (run,) = await world.read.open()
        aborting = asyncio.ensure_future(world.flows.abort([run.id], "enough"))
        await asyncio.sleep(0.05)
        assert not aborting.done()
        world.desk.hold.set()
        assert await aborting == [run.id]
        found = await world.read.run(run.id)
        assert (found.status, found.outcome, found.detail) == ("aborted", "aborted", "enough")
        assert (await world.read.steps(run.id))[1].reply["outcome"] == "submitted"

    play(tmp_path, scenario, SENDS)


def test_by_hand_and_dry_it_says_what_it_would_send(tmp_path):
    """A dry run ends at once, with the exact sends in its journal, whatever the workflow waits for."""
    long = flow("parks", parks, settings={"ms": 3_600_000})

    async def scenario(world):
        uid = await world.add()
        await world.flows.switch("parks", None, enabled=True)
        run = await world.flows.begin_by_hand("parks", uid, dry_run=True)
        (ended,) = await world.ended()
        assert (ended.id, ended.mode, ended.status) == (run, "dry", "observed")
        acts = [step for step in await world.read.steps(run) if step.command["kind"] == "Act"]
        assert [step.command["action"]["text"] for step in acts] == ["proceed."]
        assert world.desk.typed == []
        live = await world.flows.begin_by_hand("parks", uid, dry_run=False)
        assert (await world.read.run(live)).mode == "live"
        with pytest.raises(Refused):
            await world.flows.begin_by_hand("parks", uid, dry_run=False)
        with pytest.raises(UsageError):
            await world.flows.begin_by_hand("parks", None, dry_run=False)

    play(tmp_path, scenario, long)


def test_a_dry_run_of_a_workflow_that_tries_for_ever_ends(tmp_path):
    """It is cut where it repeats itself."""

    def tries(context):
        while True:
            saw = yield Look()
            yield Act(Action(ActionKind.SEND, "again", submit=True))
            yield Park(saw.at_ms + 60_000)

    def waits(context):
        while True:
            saw = yield Look()
            yield Park(saw.at_ms + 60_000)

    async def scenario(world):
        uid = await world.add()
        for name in ("tries", "waits"):
            await world.flows.begin_by_hand(name, uid, dry_run=True)
        runs = await world.ended(2)
        assert {run.outcome for run in runs} == {"observed"}
        assert world.desk.typed == []

    play(tmp_path, scenario, flow("tries", tries), flow("waits", waits))


def test_a_broken_workflow_ends_its_run_and_nothing_else(tmp_path):
    """By name, with the error; the pane is free for the next."""

    def broken(context):
        yield Look()
        raise RuntimeError("oh no")

    async def scenario(world):
        uid = await world.add()
        await world.flows.switch("broken", None, enabled=True)
        await world.flows.switch("sends", None, enabled=True)
        await world.say(uid, "turn.done")
        runs = await world.ended(2)
        assert {run.outcome for run in runs} == {"broken", "resumed"}

    play(tmp_path, scenario, flow("broken", broken, "turn.done"), SENDS)


def test_a_run_whose_workflow_is_gone_or_another_is_given_up_by_name(tmp_path):
    """After a restart with other workflows: nothing is typed on a guess."""
    long = flow("parks", parks, "usage.limit", settings={"ms": 60_000})

    async def scenario(world):
        uid, other = await world.add(0), await world.add(1)
        async with world.running():
            await world.flows.switch("parks", None, enabled=True)
            await world.flows.switch("gone", None, enabled=True)
            await world.say(uid, "usage.limit")
            await world.say(other, "turn.done")
            await world.until(lambda: both_parked(world))
        world.shipped = (long._replace(version="2"),)
        world.clock.ahead_ms = 100_000
        async with world.running():
            runs = await world.ended(2)
        assert {(run.workflow, run.outcome, run.status) for run in runs} == {
            ("parks", "superseded", "failed"),
            ("gone", "no_such_workflow", "failed"),
        }
        assert world.desk.typed == []

    play(tmp_path, scenario, long, flow("gone", parks, "turn.done", settings={"ms": 60_000}), running=False)


async def both_parked(world):
    return [run.status for run in await world.read.open()] == ["parked", "parked"]


def test_a_wait_ends_by_an_event_that_was_stored_while_nobody_looked(tmp_path):
    """Between two sidecars: what was said since the step before counts."""

    def waits(context):
        happened = yield Until(60, events=frozenset({"turn"}))
        return Ending(happened.what.replace(".", "_") or "nothing")

    async def scenario(world):
        uid = await world.add()
        async with world.running():
            await world.say(uid, "usage.limit")
            await world.until(world.read.open)
        await world.say(uid, "turn.interrupted")
        async with world.running():
            (run,) = await world.ended()
        assert run.outcome == "turn_interrupted"

    play(tmp_path, scenario, flow("waits", waits, "usage.limit"), running=False)


def test_a_state_must_be_held(tmp_path):
    """A wait for a state that is left before its time goes on."""

    def waits(context):
        happened = yield Until(10, states=frozenset({PaneState.IDLE}), held_s=0.2)
        saw = yield Look()
        return Ending(happened.what, str(happened.at_ms - saw.since_ms))

    async def scenario(world):
        uid = await world.add(state=PaneState.WORKING)
        await world.say(uid, "usage.limit")
        await world.until(world.read.open)
        world.state(uid, PaneState.IDLE)
        await asyncio.sleep(0.05)
        world.state(uid, PaneState.WORKING)
        await asyncio.sleep(0.3)
        assert await world.read.open()
        world.state(uid, PaneState.IDLE)
        (run,) = await world.ended()
        assert run.outcome == "idle"
        assert int(run.detail) >= 200

    play(tmp_path, scenario, flow("waits", waits, "usage.limit"))


def test_a_turn_that_is_shorter_than_the_way_to_the_wait_is_heard(tmp_path):
    """The state came and went while the send was under way: it counts, and it counts after a restart."""

    def waits(context):
        yield Act(Action(ActionKind.SEND, "go", submit=True))
        happened = yield Until(5, states=frozenset({PaneState.WORKING}))
        return Ending(happened.what or "silent")

    async def scenario(world):
        uid = await world.add()
        await world.flows.switch("waits", None, enabled=True)
        act = world.desk.act

        async def quick(*args, **kwargs):
            acted = await act(*args, **kwargs)
            world.state(uid, PaneState.IDLE)
            return acted

        world.desk.act = quick
        await world.say(uid, "usage.limit")
        (run,) = await world.ended()
        assert run.outcome == "working"

    play(tmp_path, scenario, flow("waits", waits, "usage.limit"))


def test_a_pane_that_closes_ends_what_waits_in_it(tmp_path):
    """At once: the wait says that nothing came, and that the pane is gone."""

    def waits(context):
        happened = yield Until(60, states=frozenset({PaneState.SHELL}))
        saw = yield Look()
        return Ending("gone" if happened.fields.get("gone") and not saw.alive else "odd")

    async def scenario(world):
        uid = await world.add()
        await world.say(uid, "usage.limit")
        await world.until(world.read.open)
        await asyncio.sleep(0.05)
        watched = world.registry.get(uid)
        watched.alive = False
        world.state(uid, PaneState.UNKNOWN)
        (run,) = await world.ended()
        assert run.outcome == "gone"

    play(tmp_path, scenario, flow("waits", waits, "usage.limit"))


@pytest.mark.parametrize("ahead_ms", [-7_200_000, 0])
def test_a_clock_that_is_set_back_does_not_keep_a_run_asleep(tmp_path, monkeypatch, ahead_ms):
    """So much time has passed by the other clock; set right, the wall clock alone wakes it."""
    monkeypatch.setattr("wa.engine.run_steps.CLOCK_CHECK_S", 0.02)

    async def scenario(world):
        uid = await world.add(state=PaneState.LIMITED)
        await world.flows.switch("parks", None, enabled=True)
        await world.say(uid, "usage.limit")
        await world.until(lambda: is_parked(world))
        world.clock.ahead_ms = ahead_ms
        await asyncio.sleep(0.1)
        assert world.desk.typed == []
        world.clock.faster_ms = 61_000
        await world.ended()
        assert world.desk.typed == [(uid, "proceed.")]

    play(tmp_path, scenario, flow("parks", parks, "usage.limit", settings={"ms": 60_000}))


def test_a_state_that_lasts_starts_one_run_until_it_is_left(tmp_path):
    """Also over a restart of wa: the same quiet is not a new one."""
    start = OnState(frozenset({PaneState.IDLE}), 0.1)

    def tells(context):
        yield Notify("idle", context.trigger.pane_uid)
        return Ending("told")

    async def scenario(world):
        uid = await world.add(state=PaneState.WORKING)
        async with world.running():
            await world.flows.switch("idle", None, enabled=True)
            before = world.state(uid, PaneState.IDLE)
            await world.note(uid, before)
            await world.ended()
            await asyncio.sleep(0.3)
        async with world.running():
            world.state(uid, PaneState.IDLE)
            await asyncio.sleep(0.4)
            assert len(world.teller.told) == 1
            before = world.state(uid, PaneState.WORKING)
            await world.note(uid, before)
            before = world.state(uid, PaneState.IDLE)
            await world.note(uid, before)
            await world.ended(2)
        world.state(uid, PaneState.WORKING)
        await world.note(uid, PaneState.IDLE)
        world.state(uid, PaneState.IDLE)
        async with world.running():
            await world.ended(3)
        assert [told[2] for told in world.teller.told] == [uid] * 3

    play(tmp_path, scenario, flow("idle", tells, starts=(start,), lease=False), running=False)


def test_all_panes_of_a_project_together_start_one_run(tmp_path):
    """When the last of them is idle; panes of other projects do not matter."""
    from wa.act.workflow import Panes

    start = OnState(frozenset({PaneState.IDLE}), 0.05, together=True)

    def tells(context):
        yield Notify("all idle", ", ".join(context.trigger.fields["panes"]))
        return Ending("told")

    together = flow("together", tells, starts=(start,), lease=False, panes=Panes(project="/src/shop"))

    async def scenario(world):
        one, two = await world.add(0), await world.add(1, state=PaneState.WORKING, cwd="/src/shop/api")
        await world.add(2, state=PaneState.WORKING, cwd="/src/shopping")
        await world.flows.switch("together", None, enabled=True)
        world.state(one, PaneState.IDLE)
        await asyncio.sleep(0.2)
        assert world.teller.told == []
        world.state(two, PaneState.IDLE)
        (run,) = await world.ended()
        assert (run.pane_uid, world.teller.told[0][2]) == (None, f"{one}, {two}")

    play(tmp_path, scenario, together)


def test_a_workflow_may_begin_only_so_often(tmp_path):
    """Its cooldown, and its bound in an hour, count over restarts."""

    def tells(context):
        return Ending("told")
        yield

    often = flow("often", tells, "turn.done", per_hour=2)
    calm = flow("calm", tells, "turn.done", cooldown_s=60.0)

    async def scenario(world):
        uid = await world.add()
        for number in range(4):
            async with world.running():
                await world.say(uid, "turn.done", n=number)
                await world.until(lambda: all_seen(world))
        assert len(await world.read.runs(workflow="often")) == 2
        assert len(await world.read.runs(workflow="calm")) == 1

    play(tmp_path, scenario, often, calm, running=False)


async def all_seen(world):
    return await world.read.seen() == await world.reader.last_event_id()


def test_forgetting_a_pane_ends_its_runs(tmp_path):
    """Their journal is gone, so they cannot go on."""
    long = flow("parks", parks, "usage.limit", settings={"ms": 60_000})

    async def scenario(world):
        uid = await world.add(state=PaneState.LIMITED)
        await world.flows.switch("parks", None, enabled=True)
        await world.say(uid, "usage.limit")
        await world.until(lambda: is_parked(world))
        await world.writer.forget(pane_uid=uid)
        await world.flows.forgotten(uid)
        assert world.flows.keeper.drivers == []
        assert world.flows.keeper.holder(uid) is None
        assert await world.read.runs() == []

    play(tmp_path, scenario, long)


def test_a_program_is_run_with_words_and_json_and_not_in_a_dry_run(tmp_path):
    """Its JSON comes back; in a dry run it is not started."""
    script = tmp_path / "check"
    script.write_text('#!/bin/sh\ncat >"$1"\necho \'{"verdict": "again"}\'\n')
    script.chmod(0o755)
    out = tmp_path / "out; touch pwned"

    def runs(context):
        done = yield Execute((str(script), str(out)), {"reset": context.trigger.fields.get("reset")})
        return Ending("ran", str(done.output))

    async def scenario(world):
        uid = await world.add()
        await world.flows.begin_by_hand("runs", uid, dry_run=True)
        await world.ended()
        assert not out.exists()
        await world.flows.switch("runs", None, enabled=True)
        await world.say(uid, "usage.limit", reset="3pm $(id)")
        run = (await world.ended(2))[-1]
        assert run.detail == "{'verdict': 'again'}"
        assert out.read_text() == '{"reset": "3pm $(id)"}'

    play(tmp_path, scenario, flow("runs", runs, "usage.limit"))


def test_a_database_that_takes_nothing_holds_a_run_up(tmp_path, monkeypatch):
    """Nothing is typed before it is written down."""
    from wa.model.errors import StoreError

    monkeypatch.setattr("wa.engine.run_driver.RETRY_S", 0.02)

    async def scenario(world: FlowWorld):
        flows: Workflows = world.flows
        uid = await world.add()
        await flows.switch("sends", None, enabled=True)
        journal = flows.keeper._write
        real, broken = journal.go_on, True

        async def go_on(run, **what):
            if broken and "step" in what and what["step"].number == 1:
                raise StoreError("disk full")
            return await real(run, **what)

        monkeypatch.setattr(journal, "go_on", go_on)
        await world.say(uid, "turn.done")
        await world.until(world.read.open)
        await asyncio.sleep(0.1)
        assert world.desk.asked == []
        broken = False
        await world.ended()
        assert world.desk.typed == [(uid, "proceed.")]

    play(tmp_path, scenario, SENDS)


def test_runs_that_wait_hold_up_no_other(tmp_path, monkeypatch):
    """As many as may act at once wait for an agent that does not answer, or for a pane that is not back: the next still acts."""
    monkeypatch.setattr(run_steps, "AT_ONCE", 2)
    monkeypatch.setattr(run_steps, "TURN_S", 0.05)

    async def scenario(world):
        uids = [await world.add(number) for number in range(6)]
        for uid in uids[:2]:
            world.registry.get(uid).started = False
        world.desk.hold, held = asyncio.Event(), uids[2:5]
        await world.flows.switch("sends", None, enabled=True)
        for uid in uids[:5]:
            await world.say(uid, "turn.done")
        await world.until(lambda: {pane for pane, *_ in world.desk.asked} == set(held))
        await world.say(uids[5], "turn.done")
        await world.until(lambda: uids[5] in {pane for pane, *_ in world.desk.asked})
        assert world.desk.typed == []
        world.desk.hold.set()
        assert len(await world.ended(4)) == 4

    play(tmp_path, scenario, SENDS)
