"""Nothing reaches a pane that was not decided and written down first, and nothing reaches it twice."""

import asyncio
from unittest.mock import ANY

import pytest

from engine.desk_world import FLOW, HUMAN, SEND, desk_world, play
from engine.wire import until
from wa.decide.policy import Policy, Rule, Verdict
from wa.engine import owed
from wa.model.action import Acted, Action, ActionKind, Actor, ActorKind, ActOutcome, HumanSign, Stage, WhileBusy
from wa.model.agent import Dialog, PaneState
from wa.model.errors import NotFound, Refused, StoreError, TerminalUnreachable

BOX = Dialog(
    "codex.limit", "usage.limit", "You have hit your limit", ("Keep current model", "Switch to mini", "Stop"), 0
)
ASK_ALL = Policy((Rule("mine", Verdict.ASK, "I want to see it"),), pane_cooldown_s=0)
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def choose(*labels):
    return Action(ActionKind.CHOOSE, labels=labels)


def test_what_is_allowed_is_written_down_before_each_step_and_with_its_end(tmp_path):
    """The intent before the paste, the stage before the carriage return, the evidence after."""

    async def scenario(w):
        pane, stages = await w.pane(), []

        async def look():
            (record,) = await w.history.actions()
            stages.append((record.stage, record.decision, list(w.hands.written)))

        w.hands.before = {"typing": look, "paste": look, "return": look}
        acted = await w.desk.act(pane.uid, SEND, HUMAN)
        (record,) = await w.history.actions()
        assert stages == [
            ("decided", "allow", []),
            ("typing", "allow", []),
            ("submitting", "allow", [(pane.uid, "proceed."), (pane.uid, "\r")]),
        ]
        assert (acted.outcome, acted.action_id) == (ActOutcome.SUBMITTED, record.id)
        assert (record.stage, record.outcome, record.actor_kind, record.rule) == (
            "ended",
            "submitted",
            "human",
            "shipped.human",
        )
        assert record.evidence == {"row": "› proceed.", "seen_after_ms": 12.0, "taken_after_ms": 34.0}

    play(tmp_path, scenario)


def test_an_action_is_done_once_under_its_key(tmp_path):
    """Ten who ask at once and one who asks later get the same answer; one text reaches the pane."""

    async def scenario(w):
        pane, run = await w.pane(), await w.run_of("live")
        acts = [w.desk.act(pane.uid, SEND, FLOW, key="7:1", run=run, step=1) for _ in range(10)]
        answers = await asyncio.gather(*acts)
        answers.append(await w.desk.act(pane.uid, SEND, FLOW, key="7:1", run=run, step=1))
        assert {answer.outcome for answer in answers} == {ActOutcome.SUBMITTED}
        assert len({answer.action_id for answer in answers}) == 1
        assert answers[-1].taken_after_ms == 34.0
        assert w.hands.written == [(pane.uid, "proceed."), (pane.uid, "\r")]

    play(tmp_path, scenario)


@pytest.mark.parametrize("actor", [FLOW, HUMAN])
def test_a_workflows_action_goes_on_when_nobody_waits_and_a_persons_is_broken_off(tmp_path, actor):
    """Ctrl-C means that no carriage return follows, and is written down; a run's step ends as it began."""

    async def scenario(w):
        pane, run, gate = await w.pane(), await w.run_of("live"), asyncio.Event()
        w.hands.before = {"submitting": gate.wait}
        asking = asyncio.ensure_future(w.desk.act(pane.uid, SEND, actor, key="k", run=run))
        await until(lambda: w.hands.written)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.sleep(0)
        gate.set()
        outcome = (await w.desk.act(pane.uid, SEND, actor, key="k", run=run)).outcome
        typed = [text for _, text in w.hands.written]
        if actor is FLOW:
            assert (outcome, typed) == (ActOutcome.SUBMITTED, ["proceed.", "\r"])
        else:
            assert (outcome, typed) == (ActOutcome.INTERRUPTED, ["proceed."])
            assert (await w.history.actions())[0].evidence == {"left": True}

    play(tmp_path, scenario)


def test_one_action_at_a_time_goes_to_a_pane_and_panes_do_not_wait_for_each_other(tmp_path):
    """Two texts never mix."""

    async def scenario(w):
        one, two, gate = await w.pane(0), await w.pane(1), asyncio.Event()

        async def hold():
            if w.hands.written[-1][0] == one.uid:
                await gate.wait()

        w.hands.before = {"submitting": hold}
        first = asyncio.ensure_future(w.desk.act(one.uid, SEND._replace(text="a"), HUMAN))
        await until(lambda: w.hands.written)
        second = asyncio.ensure_future(w.desk.act(one.uid, SEND._replace(text="b"), HUMAN))
        other = await w.desk.act(two.uid, SEND._replace(text="c"), HUMAN)
        assert other.outcome is ActOutcome.SUBMITTED
        assert not second.done()
        gate.set()
        await asyncio.gather(first, second)
        assert [text for uid, text in w.hands.written if uid == one.uid] == ["a", "\r", "b", "\r"]

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ({"dialog": BOX, "draft": None}, ActOutcome.DIALOG_OPEN),
        ({"draft": "half a thought"}, ActOutcome.DRAFT),
        ({"state": PaneState.SHELL, "agent": None}, ActOutcome.REFUSED),
    ],
)
def test_what_stands_in_the_way_has_a_name_and_nothing_is_typed(tmp_path, what, outcome):
    """By a workflow that is on."""

    async def scenario(w):
        pane, run = await w.pane(**what), await w.run_of("live")
        acted = await w.desk.act(pane.uid, SEND, FLOW, run=run)
        assert (acted.outcome, w.hands.written, w.hands.found) == (outcome, [], [])
        assert acted.evidence["next_step"]
        assert (await w.acted())[0][:2] == (outcome.value, "deny")

    play(tmp_path, scenario)


@pytest.mark.parametrize("moment", ["ask", "typing"])
@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"dialog": BOX}, ActOutcome.DIALOG_OPEN),
        ({"draft": "somebody types"}, ActOutcome.DRAFT),
        ({"state": PaneState.EXITED}, ActOutcome.REFUSED),
        ({"alive": False}, ActOutcome.PANE_GONE),
        ({"excluded": "title"}, ActOutcome.REFUSED),
    ],
)
def test_what_changes_between_the_decision_and_the_write_is_decided_anew(tmp_path, moment, change, outcome):
    """The write that it was about is not made."""

    async def scenario(w):
        pane, run = await w.pane(), await w.run_of("live")

        async def happen():
            for name, value in change.items():
                setattr(pane, name, value)

        w.hands.before = {moment: happen}
        acted = await w.desk.act(pane.uid, SEND, FLOW, run=run)
        assert (acted.outcome, w.hands.written) == (outcome, [])
        assert (await w.acted())[0][:2] == (outcome.value, "deny")

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("kind", "moment"), [("send", "ask"), ("send", "typing"), ("send", "submitting"), ("keys", "ask")]
)
def test_what_a_person_sends_to_an_agent_does_not_go_to_the_shell_after_it(tmp_path, kind, moment):
    """Meant is who had the pane when it was decided, also where the agent ended before anything was written."""
    action = SEND if kind == "send" else Action(ActionKind.KEYS, keys=("x",))

    async def scenario(w):
        pane = await w.pane()

        async def ends():
            pane.state = PaneState.EXITED

        w.hands.before = {moment: ends}
        acted = await w.desk.act(pane.uid, action, HUMAN)
        assert acted.outcome is ActOutcome.SCREEN_MOVED
        assert [text for _, text in w.hands.written] == ([SEND.text] if moment == "submitting" else [])

    play(tmp_path, scenario)


def test_what_had_to_wait_for_another_action_goes_to_no_shell_that_came_meanwhile(tmp_path):
    """Whoever asked knew the agent that was there then; the next who asks knows the shell."""

    async def scenario(w):
        pane, asked = await w.pane(), asyncio.Event()

        async def ends():
            await asked.wait()
            pane.state = PaneState.EXITED
            pane.agent = pane.agent._replace(state=PaneState.EXITED)

        w.hands.before = {"return": ends}
        first = asyncio.ensure_future(w.desk.act(pane.uid, SEND, HUMAN))
        await until(lambda: len(w.hands.written) == 2)
        waiting = asyncio.ensure_future(w.desk.act(pane.uid, SEND._replace(text="rm it"), HUMAN))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asked.set()
        second = await waiting
        assert ((await first).outcome, second.outcome) == (ActOutcome.SUBMITTED, ActOutcome.SCREEN_MOVED)
        third = await w.desk.act(pane.uid, SEND._replace(text="ls"), HUMAN)
        assert third.outcome is ActOutcome.SUBMITTED
        assert [text for _, text in w.hands.written] == [SEND.text, "\r", "ls", "\r"]

    play(tmp_path, scenario)


def test_what_was_asked_for_an_agent_goes_to_no_shell_that_came_meanwhile(tmp_path):
    """However short the while: the disk, or the look, takes some. Who means the shell says so once more."""

    async def scenario(w):
        pane, by_key = await w.pane(), w.store.by_key

        async def slow(key):
            pane.state = PaneState.EXITED
            pane.agent = pane.agent._replace(state=PaneState.EXITED)
            return await by_key(key)

        w.store.by_key = slow
        acted = await w.desk.act(pane.uid, SEND, HUMAN)
        assert (acted.outcome, w.hands.written) == (ActOutcome.SCREEN_MOVED, [])
        w.store.by_key = by_key
        assert (await w.desk.act(pane.uid, SEND, HUMAN)).outcome is ActOutcome.SUBMITTED

    play(tmp_path, scenario)


def test_an_outcome_that_the_database_did_not_take_is_written_as_soon_as_it_does(tmp_path, monkeypatch):
    """Until then the key answers with it all the same, and nothing is typed again."""
    monkeypatch.setattr(owed, "RETRY_S", 0.01)

    async def scenario(w):
        pane, end, full = await w.pane(), w.store.end, asyncio.Event()

        async def fails(*words):
            full.set()
            raise StoreError("the disk is full")

        w.store.end = fails
        acted = await w.desk.act(pane.uid, SEND, HUMAN, key="k")
        assert await w.desk.act(pane.uid, SEND, HUMAN, key="k") == acted._replace(evidence=ANY)
        assert w.hands.written == [(pane.uid, SEND.text), (pane.uid, "\r")]
        full.clear()
        await full.wait()
        assert len(await w.store.open_actions()) == 1
        taken = asyncio.Event()

        async def takes(*words):
            found = await end(*words)
            taken.set()
            return found

        w.store.end = takes
        await taken.wait()
        assert [outcome for outcome, _, _ in await w.acted()] == ["submitted"]

    play(tmp_path, scenario)


def test_an_intent_that_the_disk_stopped_is_written_to_its_end(tmp_path, monkeypatch):
    """Nothing was typed, and nothing stays open."""
    monkeypatch.setattr(owed, "RETRY_S", 0.01)

    async def scenario(w):
        pane, end, ended = await w.pane(), w.store.end, asyncio.Event()

        async def full(*_, **__):
            raise StoreError("the disk is full")

        async def ends(*words):
            found = await end(*words)
            ended.set()
            return found

        w.store.advance, w.store.end = full, ends
        acted = await w.desk.act(pane.uid, SEND, HUMAN)
        assert (acted.outcome, acted.evidence["rule"]) == (ActOutcome.REFUSED, "never.unwritten")
        await ended.wait()
        assert (await w.store.open_actions(), w.hands.written) == ([], [])
        assert [outcome for outcome, _, _ in await w.acted()] == ["refused"]

    play(tmp_path, scenario)


def test_a_pause_or_a_person_that_comes_after_the_paste_holds_the_carriage_return(tmp_path):
    """What stands in the composer then is told."""

    async def scenario(w):
        run = await w.run_of("live")
        for number, come in enumerate(("pause", "person")):
            pane = await w.pane(number)

            async def happen(come=come, pane=pane):
                if come == "pause":
                    await w.pauses.pause("pane", pane.uid, for_ms=None, reason="")
                else:
                    w.persons.signs[pane.uid] = HumanSign(typed_s=0.5)

            w.hands.before = {"submitting": happen}
            acted = await w.desk.act(pane.uid, SEND, FLOW, run=run)
            assert acted.evidence["left"] is True
            assert (acted.outcome, acted.evidence["was"]) == (ActOutcome.INTERRUPTED, "human_typing")
            assert [text for uid, text in w.hands.written if uid == pane.uid] == ["proceed."]

    play(tmp_path, scenario)


def test_an_observed_workflow_plans_and_types_nothing(tmp_path):
    """In a run that observes, in none, in one that has ended, and where a dry run is asked for: with the exact words."""

    async def scenario(w):
        pane = await w.pane()
        live, observed = await w.run_of("live", 7), await w.run_of("observe", 8)
        await w.writer.transact(lambda c: c.execute("UPDATE workflow_runs SET ended_ms = 5 WHERE id = 7"))
        for more in ({"run": observed}, {}, {"run": live}, {"run": 99}, {"dry_run": True}):
            acted = await w.desk.act(pane.uid, SEND, FLOW, **more)
            assert acted.outcome is ActOutcome.PLANNED
            assert acted.evidence["plan"] == {"kind": "send", "text": "proceed.", "submit": True}
            assert "proceed." in acted.detail
        acted = await w.desk.act(pane.uid, SEND, HUMAN, dry_run=True)
        assert acted.outcome is ActOutcome.PLANNED
        pane.state = PaneState.WORKING
        assert (await w.desk.act(pane.uid, SEND, HUMAN, dry_run=True)).outcome is ActOutcome.BUSY
        assert (await w.desk.act(pane.uid, SEND, FLOW, run=observed)).outcome is ActOutcome.PLANNED
        assert w.hands.found == w.hands.written == []
        assert [one.dry_run for one in await w.history.actions()] == [True] * 8

    play(tmp_path, scenario)


def test_options_are_judged_by_what_they_do(tmp_path):
    """The shipped label closes the box; one that switches the model waits for a person, whoever named it first."""

    async def scenario(w):
        pane, run = await w.pane(dialog=BOX, draft=None, state=PaneState.LIMITED), await w.run_of("live")

        async def act(*labels, actor=FLOW):
            return (await w.desk.act(pane.uid, choose(*labels), actor, run=run)).outcome

        assert await act("Keep current model") is ActOutcome.SUBMITTED
        assert await act("Stop") is ActOutcome.SUBMITTED
        assert await act("Never there", "Keep current model") is ActOutcome.SUBMITTED
        written = list(w.hands.written)
        assert await act("Switch to mini") is ActOutcome.ASKED
        assert await act("Never there") is ActOutcome.NO_OPTION
        pane.dialog = None
        assert await act("Keep current model") is ActOutcome.NO_DIALOG
        assert w.hands.written == written

    play(tmp_path, scenario)


def test_an_option_that_turns_into_another_before_the_key_is_judged_anew(tmp_path):
    """The dialog that stands there counts, not the one that was looked at."""

    async def scenario(w):
        pane, run = await w.pane(dialog=BOX, draft=None), await w.run_of("live")

        async def happen():
            pane.dialog = BOX._replace(options=("Switch to mini",))

        w.hands.before = {"typing": happen}
        acted = await w.desk.act(pane.uid, choose("Keep current model", "Switch to mini"), FLOW, run=run)
        assert (acted.outcome, w.hands.written) == (ActOutcome.ASKED, [])

    play(tmp_path, scenario)


def test_the_option_that_ends_an_agent_is_part_of_ending_it(tmp_path):
    """An exit may confirm itself, and nothing else."""

    async def scenario(w):
        pane, run = await w.pane(), await w.run_of("live")
        leave = Action(ActionKind.EXIT)

        async def opens():
            pane.dialog = BOX

        for label, outcome in (("Stop", ActOutcome.SUBMITTED), ("Switch to mini", ActOutcome.ASKED)):
            pane.dialog = None
            w.hands.parts = {ActionKind.EXIT: [leave, choose(label)]}
            w.hands.before = {"paste": opens}
            assert (await w.desk.act(pane.uid, leave, FLOW, run=run)).outcome is outcome
        pane.dialog, w.hands.before = BOX, {}
        assert (await w.desk.act(pane.uid, leave, FLOW, run=run)).outcome is ActOutcome.DIALOG_OPEN

    play(tmp_path, scenario)


def test_a_question_waits_for_a_person_and_an_approval_is_used_once(tmp_path):
    """The same action passes once; another text, and the same again, are asked anew."""

    async def scenario(w):
        pane, run = await w.pane(), await w.run_of("live")
        first = await w.desk.act(pane.uid, SEND, FLOW, run=run)
        assert (first.outcome, w.hands.written) == (ActOutcome.ASKED, [])
        ident = first.evidence["approval"]
        assert (await w.desk.act(pane.uid, SEND, FLOW, run=run)).evidence["approval"] == ident
        (asked,) = await w.desk.approvals()
        assert (asked.asked_by, asked.reason, asked.what["text"]) == (
            "workflow handle_usage_limits",
            "I want to see it",
            "proceed.",
        )
        await w.desk.settle_grant(ident, granted=True)
        other = await w.desk.act(pane.uid, SEND._replace(text="proceed!"), FLOW, run=run)
        assert other.outcome is ActOutcome.ASKED
        done = await w.desk.act(pane.uid, SEND, FLOW, run=run)
        assert (done.outcome, len(w.hands.written)) == (ActOutcome.SUBMITTED, 2)
        assert (await w.history.action(done.action_id)).rule == "granted"
        assert (await w.desk.act(pane.uid, SEND, FLOW, run=run)).outcome is ActOutcome.ASKED

    play(tmp_path, scenario, policy=ASK_ALL)


def test_an_approval_is_not_used_up_by_what_typed_nothing(tmp_path):
    """It was for the action, and that was not done."""

    async def scenario(w):
        pane, run = await w.pane(), await w.run_of("live")
        asked = await w.desk.act(pane.uid, SEND, FLOW, run=run)
        await w.desk.settle_grant(asked.evidence["approval"], granted=True)
        pane.dialog = BOX
        assert (await w.desk.act(pane.uid, SEND, FLOW, run=run)).outcome is ActOutcome.DIALOG_OPEN
        pane.dialog = None
        assert (await w.desk.act(pane.uid, SEND, FLOW, run=run)).outcome is ActOutcome.SUBMITTED

    play(tmp_path, scenario, policy=ASK_ALL)


def test_an_approval_that_expires_or_is_taken_back_before_the_first_key_holds_no_more(tmp_path):
    """Nothing is typed."""

    async def scenario(w):
        pane, run = await w.pane(), await w.run_of("live")

        async def later():
            w.clock.at_ms += 31_000

        async def back():
            await w.desk.settle_grant(ident, granted=False)

        for hook in (later, back):
            w.hands.before = {}
            ident = (await w.desk.act(pane.uid, SEND, FLOW, run=run)).evidence["approval"]
            await w.desk.settle_grant(ident, granted=True)
            w.hands.before = {"typing": hook}
            acted = await w.desk.act(pane.uid, SEND, FLOW, run=run)
            assert (acted.outcome, w.hands.written) == (ActOutcome.REFUSED, [])

    play(tmp_path, scenario, policy=ASK_ALL)


def test_what_holds_a_secret_is_not_kept_until_somebody_approves_it(tmp_path):
    """It is refused, and nothing of it is on disk."""

    async def scenario(w):
        pane, run = await w.pane(), await w.run_of("live")
        acted = await w.desk.act(pane.uid, SEND._replace(text=f"TOKEN={TOKEN}"), FLOW, run=run)
        assert (acted.outcome, await w.desk.approvals()) == (ActOutcome.REFUSED, [])
        assert "secret" in acted.detail

    play(tmp_path, scenario, policy=ASK_ALL)
    assert TOKEN.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_budgets_hold_over_a_restart_and_between_panes_that_act_at_once(tmp_path):
    """Not one more than allowed, though all were decided in the same turn of the loop."""
    policy = Policy(actions_per_minute=5, pane_cooldown_s=0)

    async def scenario(w):
        run, panes = await w.run_of("live"), [await w.pane(n) for n in range(12)]
        acts = [w.desk.act(pane.uid, SEND, FLOW, run=run) for pane in panes]
        outcomes = [acted.outcome for acted in await asyncio.gather(*acts)]
        assert outcomes.count(ActOutcome.SUBMITTED) == 5
        assert outcomes.count(ActOutcome.REFUSED) == 7
        assert (await w.desk.act(panes[-1].uid, SEND, HUMAN)).outcome is ActOutcome.SUBMITTED

    async def again(w):
        pane = await w.pane(3)
        acted = await w.desk.act(pane.uid, SEND, FLOW, run=7)
        assert acted.evidence["rule"] == "budget.all"
        w.clock.at_ms += 61_000
        assert (await w.desk.act(pane.uid, SEND, FLOW, run=7)).outcome is ActOutcome.SUBMITTED

    play(tmp_path, scenario, policy=policy)
    play(tmp_path, again, policy=policy)


@pytest.mark.parametrize("actor", [FLOW, HUMAN])
@pytest.mark.parametrize(
    "outcome", [ActOutcome.SCREEN_MOVED, ActOutcome.UNREACHABLE, ActOutcome.BUSY, ActOutcome.NOT_TAKEN]
)
def test_a_workflow_is_never_told_that_nothing_was_typed_where_something_was(tmp_path, actor, outcome):
    """It tries again after such an outcome, and would type twice; a person is told the outcome itself."""

    async def scenario(w):
        pane, run = await w.pane(), await w.run_of("live")
        for evidence in ({"wrote": True}, {"left": True}):
            w.hands.outcome = Acted(outcome, "so it was", evidence)
            acted = await w.desk.act(pane.uid, SEND, actor, run=run)
            final = actor is HUMAN or outcome is ActOutcome.NOT_TAKEN
            assert acted.outcome is (outcome if final else ActOutcome.INTERRUPTED)
        w.hands.outcome = Acted(outcome, "so it was", {"wrote": False})
        assert (await w.desk.act(pane.uid, SEND, actor, run=run)).outcome is outcome

    play(tmp_path, scenario)


def test_a_short_cooldown_is_waited_for_and_nobody_else_waits_with_it(tmp_path):
    """A person's action goes between; a long one is told."""

    async def scenario(w):
        pane, run, other = await w.pane(), await w.run_of("live", 7), await w.run_of("live", 8)
        assert (await w.desk.act(pane.uid, SEND, FLOW, run=run)).outcome is ActOutcome.SUBMITTED
        waiting = asyncio.ensure_future(w.desk.act(pane.uid, SEND._replace(text="two"), FLOW, run=other))
        await until(lambda: w.persons.polls >= 4)
        person = await w.desk.act(pane.uid, SEND._replace(text="mine"), HUMAN)
        assert (person.outcome, waiting.done()) == (ActOutcome.SUBMITTED, False)
        w.clock.at_ms += 200
        assert (await waiting).outcome is ActOutcome.SUBMITTED
        assert [text for _, text in w.hands.written if text != "\r"] == ["proceed.", "mine", "two"]

    async def long(w):
        pane, run, other = await w.pane(), await w.run_of("live", 7), await w.run_of("live", 8)
        await w.desk.act(pane.uid, SEND, FLOW, run=run)
        assert (await w.desk.act(pane.uid, SEND, FLOW, run=other)).evidence["rule"] == "budget.cooldown"

    play(tmp_path / "a", scenario, policy=Policy(pane_cooldown_s=0.2))
    play(tmp_path / "b", long, policy=Policy(pane_cooldown_s=60))


def test_what_was_typed_before_a_kill_is_looked_after_until_its_pane_is_seen(tmp_path, monkeypatch):
    """The mux may come later than the run; where it does not come, nobody is told to try again."""
    monkeypatch.setattr("wa.engine.desk.AGAIN_WITHIN_S", 0.3)

    async def first():
        async with desk_world(tmp_path / "wa.db") as w:
            pane, run = await w.pane(), await w.run_of("live")
            for key in ("7:1", "7:2"):
                w.hands.before = {"return": asyncio.Event().wait}
                asking = asyncio.ensure_future(w.desk.act(pane.uid, SEND, FLOW, key=key, run=run))
                await until(lambda: w.hands.written[-1:] == [(pane.uid, "\r")])
                await w.desk.close()
                await asyncio.gather(asking, return_exceptions=True)
                w.hands.written.clear()

    async def second(w):
        taking_up = asyncio.ensure_future(w.desk.act("p1", SEND, FLOW, key="7:1", run=7))
        await asyncio.sleep(0.05)
        pane = await w.pane()
        pane.started, w.hands.unreachable = False, "not connected yet"
        await asyncio.sleep(0.05)
        pane.started = True
        await asyncio.sleep(0.05)
        w.hands.unreachable = None
        assert (await taking_up).outcome is ActOutcome.SUBMITTED
        w.hands.unreachable = "not connected at all"
        acted = await w.desk.act("p1", SEND, FLOW, key="7:2", run=7)
        assert (acted.outcome, acted.evidence["was"]) == (ActOutcome.INTERRUPTED, "unreachable")
        assert await w.store.open_actions() == []

    asyncio.run(first())
    play(tmp_path, second)


def test_where_the_database_takes_nothing_nothing_is_typed(tmp_path):
    """And once the text stands there, no carriage return follows."""

    async def scenario(w):
        pane = await w.pane()

        async def full(*_, **__):
            raise StoreError("the disk is full")

        begin, advance = w.store.begin, w.store.advance
        w.store.begin = full
        acted = await w.desk.act(pane.uid, SEND, HUMAN)
        assert (acted.outcome, w.hands.written) == (ActOutcome.REFUSED, [])
        w.store.begin, w.store.advance = begin, full
        acted = await w.desk.act(pane.uid, SEND, HUMAN)
        assert (acted.outcome, w.hands.written) == (ActOutcome.REFUSED, [])

        async def once(action, stage, at_ms, *, grant=None):
            if stage is Stage.SUBMITTING:
                raise StoreError("the disk is full")
            await advance(action, stage, at_ms, grant=grant)

        w.store.advance = once
        acted = await w.desk.act(pane.uid, SEND, HUMAN)
        assert (acted.outcome, acted.evidence["left"]) == (ActOutcome.INTERRUPTED, True)
        assert w.hands.written == [(pane.uid, "proceed.")]

    play(tmp_path, scenario)


def test_what_cannot_be_read_is_not_typed_into(tmp_path):
    """Unreachable is an outcome, not an error."""

    async def scenario(w):
        pane = await w.pane()
        w.hands.unreachable = "the mux is not connected"
        acted = await w.desk.act(pane.uid, SEND, HUMAN)
        assert (acted.outcome, w.hands.written) == (ActOutcome.UNREACHABLE, [])
        assert (await w.acted())[0] == ("unreachable", "deny", "never.unseen")

    play(tmp_path, scenario)


def test_a_pane_that_is_gone_is_an_outcome(tmp_path):
    """Closed, or never there."""

    async def scenario(w):
        pane = await w.pane()
        pane.alive = False
        assert (await w.desk.act(pane.uid, SEND, HUMAN)).outcome is ActOutcome.PANE_GONE
        assert (await w.desk.act("p77", SEND, HUMAN)).outcome is ActOutcome.PANE_GONE
        assert [one[0] for one in await w.acted()] == ["pane_gone"]

    play(tmp_path, scenario)


def test_hands_that_fail_are_an_outcome_too(tmp_path):
    """And it is written down, so that nobody tries again under that key."""

    async def scenario(w):
        pane = await w.pane()

        async def fail():
            raise ZeroDivisionError

        w.hands.before = {"paste": fail}
        acted = await w.desk.act(pane.uid, SEND, HUMAN, key="k")
        assert acted.outcome is ActOutcome.INTERRUPTED
        w.hands.before = {}
        assert (await w.desk.act(pane.uid, SEND, HUMAN, key="k")).outcome is ActOutcome.INTERRUPTED
        assert w.hands.written == []

    play(tmp_path, scenario)


@pytest.mark.parametrize(("moment", "stage"), [("ask", "decided"), ("paste", "typing"), ("return", "submitting")])
def test_what_a_killed_sidecar_left_open_is_taken_up_by_its_key(tmp_path, moment, stage):
    """The hands are told how far it came; the new desk begins no second action."""

    async def first():
        async with desk_world(tmp_path / "wa.db") as w:
            pane, run, reached = await w.pane(), await w.run_of("live"), asyncio.Event()

            async def stay():
                reached.set()
                await asyncio.Event().wait()

            w.hands.before = {moment: stay}
            asking = asyncio.ensure_future(w.desk.act(pane.uid, SEND, FLOW, key="7:1", run=run))
            await reached.wait()
            await w.desk.close()
            await asyncio.gather(asking, return_exceptions=True)
            (record,) = await w.store.open_actions()
            assert record.stage == stage

    async def second(w):
        pane = await w.pane()
        acted = await w.desk.act(pane.uid, SEND, FLOW, key="7:1", run=7)
        assert (acted.outcome, w.hands.found) == (ActOutcome.SUBMITTED, [Stage(stage)])
        assert len(await w.history.actions()) == 1
        assert await w.store.open_actions() == []

    asyncio.run(first())
    play(tmp_path, second)


def test_what_was_approved_and_begun_goes_on_after_a_restart(tmp_path):
    """The approval was used when its first key was pressed, and is good for the rest."""

    async def first(w):
        pane, run = await w.pane(), await w.run_of("live")
        asked = await w.desk.act(pane.uid, SEND, FLOW, run=run)
        await w.desk.settle_grant(asked.evidence["approval"], granted=True)
        w.hands.before = {"submitting": asyncio.Event().wait}
        asking = asyncio.ensure_future(w.desk.act(pane.uid, SEND, FLOW, key="7:1", run=run))
        await until(lambda: w.hands.written)
        await w.desk.close()
        await asyncio.gather(asking, return_exceptions=True)

    async def second(w):
        pane = await w.pane()
        acted = await w.desk.act(pane.uid, SEND, FLOW, key="7:1", run=7)
        assert acted.outcome is ActOutcome.SUBMITTED

    play(tmp_path, first, policy=ASK_ALL)
    play(tmp_path, second, policy=ASK_ALL)


def test_a_text_that_comes_at_the_wrong_moment_waits_where_its_actor_wants_that(tmp_path):
    """Busy, a dialog, a draft: queued once; without the wish it is refused, and a secret is never kept."""

    async def scenario(w):
        pane, told = await w.pane(), []
        w.desk.queued = lambda: told.append(True)
        w.hands.outcome = Acted(ActOutcome.BUSY, "The agent works.")
        wish = SEND._replace(while_busy=WhileBusy.QUEUE)
        assert (await w.desk.act(pane.uid, SEND, HUMAN)).outcome is ActOutcome.BUSY
        acted = await w.desk.act(pane.uid, wish, HUMAN, key="k")
        assert (acted.outcome, told) == (ActOutcome.QUEUED, [True])
        assert (await w.desk.act(pane.uid, wish, HUMAN, key="k")).evidence["queued"] == acted.evidence["queued"]
        pane.draft = "half"
        assert (await w.desk.act(pane.uid, wish, HUMAN)).outcome is ActOutcome.QUEUED
        assert len(await w.store.waiting(pane.uid)) == 2
        secret = await w.desk.act(pane.uid, wish._replace(text=f"TOKEN={TOKEN}"), HUMAN)
        assert (secret.outcome, "secret" in secret.detail) == (ActOutcome.DRAFT, True)
        w.hands.outcome = Acted(ActOutcome.BUSY, "A turn began.", {"left": True})
        other = await w.pane(1)
        assert (await w.desk.act(other.uid, wish, HUMAN)).outcome is ActOutcome.BUSY

    play(tmp_path, scenario)


def test_a_text_that_may_wait_does_not_overtake_those_that_do(tmp_path):
    """Though the agent is idle just now; one that may not wait goes at once."""

    async def scenario(w):
        pane = await w.pane()
        wish = SEND._replace(while_busy=WhileBusy.QUEUE)
        await w.desk.enqueue(pane.uid, wish, HUMAN, "first")
        assert (await w.desk.act(pane.uid, wish, HUMAN)).outcome is ActOutcome.QUEUED
        assert (await w.desk.act(pane.uid, SEND, HUMAN)).outcome is ActOutcome.SUBMITTED
        assert len(await w.store.waiting(pane.uid)) == 2

    play(tmp_path, scenario)


def test_persons_are_asked_for_before_each_stage(tmp_path):
    """What was known when it was decided may be of a minute ago."""

    async def scenario(w):
        pane, run = await w.pane(), await w.run_of("live")
        await w.desk.act(pane.uid, SEND, FLOW, run=run)
        assert w.persons.polls >= 3

    play(tmp_path, scenario)


def test_what_would_be_decided_is_told_and_not_written_down(tmp_path):
    """For `wa policy explain`."""

    async def scenario(w):
        pane = await w.pane(dialog=BOX, draft=None)
        judged = await w.desk.judge(pane.uid, choose("Stop"), Actor(ActorKind.AGENT, "codex"))
        assert (judged.decision.rule, sorted(judged.action.effects)) == ("shipped.stop", ["stop"])
        assert await w.history.actions() == []
        with pytest.raises(NotFound):
            await w.desk.judge("p99", SEND, HUMAN)
        with pytest.raises((NotFound, Refused)):
            await w.desk.settle_grant(1, granted=True)

    play(tmp_path, scenario)


def test_what_is_not_typed_is_written_down_too(tmp_path):
    """A spawn has no pane; a kill of what wa did not start is refused; what the mux refuses is told."""

    async def scenario(w):
        pane, done = await w.pane(), []

        async def do():
            done.append(True)
            return 7

        async def fail():
            raise TerminalUnreachable("gone")

        spawn, kill = Action(ActionKind.SPAWN, text=f"sh -c TOKEN={TOKEN}"), Action(ActionKind.KILL)
        assert await w.desk.beside(None, spawn, HUMAN, do) == 7
        for action, where, actor in ((kill, pane, HUMAN), (spawn, None, FLOW)):
            with pytest.raises(Refused):
                await w.desk.beside(where, action, actor, do)
        pane.started_by_wa = True
        await w.desk.beside(pane, kill, HUMAN, do)
        with pytest.raises(TerminalUnreachable):
            await w.desk.beside(pane, kill, HUMAN, fail)
        assert len(done) == 2
        assert [(one.kind, one.pane_uid, one.outcome) for one in await w.history.actions()] == [
            ("spawn", None, "pressed"),
            ("kill", "p1", "refused"),
            ("spawn", None, "refused"),
            ("kill", "p1", "pressed"),
            ("kill", "p1", "unreachable"),
        ]
        assert (await w.desk.act(pane.uid, kill, HUMAN)).outcome is ActOutcome.REFUSED

    play(tmp_path, scenario)
    assert TOKEN.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize("moment", ["typing", "return"])
def test_a_pane_that_is_forgotten_in_the_middle_does_no_harm(tmp_path, moment):
    """What was under way ends, or is broken off before the next key; nobody hears an error."""

    async def scenario(w):
        pane = await w.pane()

        async def forget():
            await w.writer.close_panes([pane.uid], 5)
            await w.writer.forget(pane_uid=pane.uid)

        w.hands.before = {moment: forget}
        acted = await w.desk.act(pane.uid, SEND, HUMAN)
        assert acted.outcome is (ActOutcome.REFUSED if moment == "typing" else ActOutcome.SUBMITTED)
        assert len(w.hands.written) == (0 if moment == "typing" else 2)
        assert await w.history.actions() == []

    play(tmp_path, scenario)
