"""What is done to panes is on disk before it is done, once, and without secrets."""

import asyncio

import pytest

from store.world import everything_in, new_log, opened, run
from wa.model.action import Acted, Action, ActionKind, Actor, ActorKind, ActOutcome, Stage
from wa.model.errors import NotFound, Refused
from wa.store.acting import ActingHistory, ActingStore
from wa.store.acting_records import Intent, PauseRecord, QueuedRecord
from wa.store.acting_writing import MAX_ASKED, NotToBeKept

SEND = Action(ActionKind.SEND, text="proceed.", submit=True)
FLOW = Actor(ActorKind.WORKFLOW, "handle_usage_limits")
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
LEAK = Action(ActionKind.SEND, text=f"export GITHUB_TOKEN={TOKEN}", submit=True)
DONE = Acted(ActOutcome.SUBMITTED, "The pane took it.", {"row": "› proceed."})


def intent(uid, key="1:1", action=SEND, at_ms=1000, **more):
    return Intent(key, uid, at_ms, more.pop("actor", FLOW), action, "allow", "shipped.workflow", "it is on", **more)


def queued(uid, key="q1", text="later", at_ms=1000, expires_ms=9000):
    return QueuedRecord(0, uid, key, at_ms, "human", "cli", text, True, expires_ms, "waiting", None, None)


def with_store(tmp_path, scenario):
    """Runs `scenario(store, history, uid, writer)` with one pane."""

    async def inside():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            return await scenario(ActingStore(writer), ActingHistory(reader), log.uid, writer)

    return run(inside)


def test_an_action_is_written_down_once_under_its_key(tmp_path):
    """Who comes again with the key hears what was written first, and how far it came."""

    async def scenario(store, history, uid, _):
        first, new = await store.begin(intent(uid))
        again, second = await store.begin(intent(uid, at_ms=5000))
        assert (new, second, again) == (True, False, first)
        assert (first.stage, first.typed_ms, first.outcome) == ("decided", None, None)
        await store.advance(first.id, Stage.TYPING, 1001)
        await store.advance(first.id, Stage.SUBMITTING, 1002)
        found = await store.by_key("1:1")
        assert (found.stage, found.typed_ms) == ("submitting", 1001)
        assert [one.id for one in await store.open_actions()] == [first.id]
        await store.end(first.id, DONE, 1003)
        await store.end(first.id, Acted(ActOutcome.NOT_TAKEN, "late"), 1004)
        ended = await history.action(first.id)
        assert (ended.stage, ended.outcome, ended.evidence, ended.ended_ms) == (
            "ended",
            "submitted",
            {"row": "› proceed."},
            1003,
        )
        assert ended.what == {"kind": "send", "text": "proceed.", "submit": True}
        assert await store.open_actions() == []
        with pytest.raises(Refused):
            await store.advance(first.id, Stage.TYPING, 1005)

    with_store(tmp_path, scenario)


def test_two_who_come_at_once_with_one_key_are_one(tmp_path):
    """The database decides, whichever comes first."""

    async def scenario(store, _, uid, __):
        found = await asyncio.gather(*(store.begin(intent(uid, at_ms=1000 + n)) for n in range(20)))
        assert sum(new for _, new in found) == 1
        assert len({record.id for record, _ in found}) == 1

    with_store(tmp_path, scenario)


def test_no_secret_reaches_the_disk(tmp_path):
    """Not in a text, a label, a reason, a detail, in evidence at any depth, in a key, nor as a hash of the action."""

    async def scenario(store, history, uid, _):
        leak = LEAK._replace(labels=(f"Use {TOKEN}",), question=f"Really {TOKEN}?")
        record, _ = await store.begin(intent(uid, key=f"k {TOKEN}", action=leak)._replace(reason=f"because {TOKEN}"))
        await store.end(
            record.id, Acted(ActOutcome.PASTED, f"saw {TOKEN}", {f"x {TOKEN}": [{"row": f"deep {TOKEN}"}]}), 1001
        )
        assert (await store.by_key(f"k {TOKEN}")).id == record.id
        assert (await history.action(record.id)).fingerprint == ""
        with pytest.raises(NotToBeKept):
            await store.enqueue(queued(uid, text=LEAK.text))
        with pytest.raises(NotToBeKept):
            await store.ask(intent(uid, action=LEAK), 9000)
        await store.pause(PauseRecord("all", "", 1, None, f"since {TOKEN}"))
        return everything_in(tmp_path)

    found = with_store(tmp_path, scenario)

    assert TOKEN.encode() not in found
    assert LEAK.fingerprint.encode() not in found
    assert b"redacted:" in found


def test_budgets_count_what_automations_typed_or_are_about_to_type(tmp_path):
    """Not a person's actions, refusals, dry runs, and what ended before its first key; over a restart too."""

    async def scenario(store, _, uid, __):
        for number in range(3):
            record, _ = await store.begin(intent(uid, key=f"t{number}", at_ms=1000 + number, run=7, step=number))
            await store.advance(record.id, Stage.TYPING, 1000)
            await store.end(record.id, DONE, 1000)
        await store.begin(intent(uid, key="open", at_ms=1010))
        human = Actor(ActorKind.HUMAN, "cli")
        for key, more in (("h", {"actor": human}), ("d", {"dry_run": True})):
            record, _ = await store.begin(intent(uid, key=key, at_ms=1500, **more))
            await store.advance(record.id, Stage.TYPING, 1500)
        refused, _ = await store.begin(intent(uid, key="r", at_ms=1600)._replace(decision="deny"))
        await store.end(refused.id, Acted(ActOutcome.REFUSED, "no"), 1600)
        busy, _ = await store.begin(intent(uid, key="b", at_ms=1700))
        await store.end(busy.id, Acted(ActOutcome.BUSY, "works"), 1700)

    async def again(store, _, uid, __):
        ledger, grant = await store.ledger(uid, SEND, 2000)
        assert (ledger.pane_hour, ledger.all_minute, ledger.pane_last_ms, ledger.granted, grant) == (
            4,
            4,
            1010,
            False,
            None,
        )
        assert (await store.ledger(uid, SEND, 62_000))[0].all_minute == 0
        assert (await store.ledger(uid, SEND, 3_700_000))[0].pane_hour == 0
        assert (await store.ledger(uid, SEND, 500))[0].pane_last_ms == 500

    with_store(tmp_path, scenario)
    with_store(tmp_path, again)


def test_the_steps_of_one_run_do_not_hold_each_other_up(tmp_path):
    """The newest action that counts for the cooldown is of another run."""

    async def scenario(store, _, uid, __):
        await store.begin(intent(uid, key="7:1", at_ms=1000, run=7))
        assert (await store.ledger(uid, SEND, 2000, run=7))[0].pane_last_ms is None
        assert (await store.ledger(uid, SEND, 2000, run=8))[0].pane_last_ms == 1000
        assert (await store.ledger(uid, SEND, 2000))[0].pane_last_ms == 1000

    with_store(tmp_path, scenario)


def test_a_grant_is_for_one_action_on_one_pane_once(tmp_path):
    """Another text, another pane, a second time, too late, denied, or taken back: no grant."""

    async def scenario(store, _, uid, writer):
        other = (await new_log(writer, 5)).uid
        asked = await store.ask(intent(uid)._replace(decision="ask"), 9000, effects=frozenset({"stop"}))
        assert (await store.ask(intent(uid, key="2:1", at_ms=2000), 9000)).id == asked.id
        assert asked.what["effects"] == ["stop"]
        assert not (await store.ledger(uid, SEND, 2000))[0].granted
        granted = await store.settle_grant(asked.id, granted=True, at_ms=2000, expires_ms=5000)
        assert (granted.status, granted.expires_ms) == ("granted", 5000)
        ledger, ident = await store.ledger(uid, SEND, 2000)
        assert (ledger.granted, ident) == (True, asked.id)
        for action, pane in ((SEND._replace(text="proceed"), uid), (SEND._replace(submit=False), uid), (SEND, other)):
            assert not (await store.ledger(pane, action, 2000))[0].granted
        assert not (await store.ledger(uid, SEND, 5000))[0].granted
        with pytest.raises(Refused):
            await store.settle_grant(asked.id, granted=True, at_ms=2001, expires_ms=99_000)
        one, _ = await store.begin(intent(uid, key="a"))
        two, _ = await store.begin(intent(uid, key="b"))
        await store.advance(one.id, Stage.TYPING, 3000, grant=asked.id)
        with pytest.raises(Refused):
            await store.advance(two.id, Stage.TYPING, 3000, grant=asked.id)
        assert (await store.by_key("b")).stage == "decided"
        assert not (await store.ledger(uid, SEND, 3000))[0].granted
        second = await store.ask(intent(uid), 9000)
        assert second.id != asked.id
        await store.settle_grant(second.id, granted=True, at_ms=3000, expires_ms=9000)
        await store.settle_grant(second.id, granted=False, at_ms=3100, expires_ms=9000)
        assert not (await store.ledger(uid, SEND, 3200))[0].granted
        late = await store.ask(intent(uid), 4000)
        with pytest.raises(Refused):
            await store.settle_grant(late.id, granted=True, at_ms=4000, expires_ms=9000)
        with pytest.raises(NotFound):
            await store.settle_grant(99, granted=True, at_ms=1, expires_ms=2)

    with_store(tmp_path, scenario)


def test_questions_do_not_pile_up(tmp_path):
    """Who asks for ever other things is refused; the same question is still the same."""

    async def scenario(store, _, uid, __):
        actions = [SEND._replace(text=f"text {number}") for number in range(MAX_ASKED + 1)]
        for action in actions[:-1]:
            await store.ask(intent(uid, action=action), 9000)
        with pytest.raises(Refused):
            await store.ask(intent(uid, action=actions[-1]), 9000)
        assert (await store.ask(intent(uid, action=actions[0]), 9000)).id == 1
        assert (await store.ask(intent(uid, action=actions[-1], at_ms=9000), 99_000)).id == MAX_ASKED + 1

    with_store(tmp_path, scenario)


def test_pauses_hold_until_their_end_or_until_somebody_resumes(tmp_path):
    """One per scope and name; the newest word counts."""

    async def scenario(store, history, uid, _):
        await store.pause(PauseRecord("all", "", 1000, 5000, ""))
        await store.pause(PauseRecord("pane", uid, 1001, None, "I work here"))
        await store.pause(PauseRecord("agent", "codex", 1002, 3000, ""))
        await store.pause(PauseRecord("agent", "codex", 1003, None, ""))
        with pytest.raises(NotFound):
            await store.pause(PauseRecord("pane", "p99", 1001, None, ""))
        assert [(one.scope, one.until_ms) for one in await store.pauses(2000)] == [
            ("all", 5000), ("pane", None), ("agent", None),
        ]  # fmt: skip
        assert [one.scope for one in await history.pauses(5000)] == ["pane", "agent"]
        assert [one.name for one in await store.resume("pane", uid)] == [uid]
        assert await store.resume("pane", uid) == []
        assert {one.scope for one in await store.resume(None, None)} == {"all", "agent"}

    with_store(tmp_path, scenario)


def test_what_is_queued_waits_in_order_and_ends_once(tmp_path):
    """Sent, cancelled or expired; a key that is known queues nothing anew."""

    async def scenario(store, history, uid, _):
        one = await store.enqueue(queued(uid, "a"))
        two = await store.enqueue(queued(uid, "b", "and then this"))
        three = await store.enqueue(queued(uid, "c", expires_ms=2000))
        assert await store.enqueue(queued(uid, "a", "other words")) == one
        assert [item.id for item in await store.waiting(uid)] == [one.id, two.id, three.id]
        await store.expire(2000)
        await store.settle_queued(one.id, "sent", action=12)
        with pytest.raises(Refused):
            await store.settle_queued(one.id, "cancelled")
        with pytest.raises(NotFound):
            await store.settle_queued(77, "cancelled")
        assert [item.id for item in await store.waiting()] == [two.id]
        assert [item.status for item in await history.queue(waiting=False)] == ["sent", "waiting", "expired"]

    with_store(tmp_path, scenario)


def test_forgetting_takes_the_words_and_leaves_that_something_was_done(tmp_path):
    """No byte of what was typed or seen; the key still keeps it from being done twice."""
    word = "zebracorn"

    async def scenario(store, history, uid, writer):
        action = Action(ActionKind.SEND, text=word, submit=True)
        record, _ = await store.begin(intent(uid, action=action)._replace(reason=word))
        await store.end(record.id, Acted(ActOutcome.SUBMITTED, word, {"row": word}), 1001)
        await store.ask(intent(uid, action=action), 9000)
        await store.enqueue(queued(uid, text=word))
        before = everything_in(tmp_path).count(word.encode())
        await writer.forget(pane_uid=uid)
        kept = await history.action(record.id)
        assert (kept.outcome, kept.what, kept.evidence, kept.fingerprint) == ("submitted", {}, {}, "")
        assert (await store.begin(intent(uid, action=action)))[1] is False
        assert (await history.grants(None), await history.queue(waiting=False)) == ([], [])
        return before, everything_in(tmp_path), action.fingerprint.encode()

    before, found, fingerprint = with_store(tmp_path, scenario)

    assert before >= 4
    assert word.encode() not in found
    assert fingerprint not in found


def test_forgetting_since_an_instant_leaves_what_was_before(tmp_path):
    """An action that ended since then loses its words too."""

    async def scenario(store, history, uid, writer):
        for number, at_ms in enumerate((1000, 2000, 3000)):
            record, _ = await store.begin(intent(uid, key=f"{number}", at_ms=at_ms))
            await store.end(record.id, DONE, at_ms + 900)
        await writer.forget(since_ms=2500)
        return [one.what for one in await history.actions(uid)]

    assert [bool(what) for what in with_store(tmp_path, scenario)] == [True, False, False]


def test_a_closed_pane_that_is_forgotten_takes_all_of_it(tmp_path):
    """Nothing names a pane that nobody knows."""

    async def scenario(store, history, uid, writer):
        await store.begin(intent(uid))
        await store.ask(intent(uid), 9000)
        await store.enqueue(queued(uid))
        await store.pause(PauseRecord("pane", uid, 1, None, ""))
        await writer.close_panes([uid], 2000)
        await writer.forget(pane_uid=uid)
        return (
            await history.actions(), await history.grants(None), await history.queue(waiting=False),
            await history.pauses(None),
        )  # fmt: skip

    assert with_store(tmp_path, scenario) == ([], [], [], [])


def test_retention_takes_old_actions_but_not_those_that_something_rests_on(tmp_path):
    """Open intents, actions of runs under way, texts that wait and the hours of the budgets stay."""

    async def inside():
        async with opened(tmp_path / "wa.db", retain_age_ms=10_000_000) as (writer, reader):
            log = await new_log(writer)
            store, history = ActingStore(writer), ActingHistory(reader)
            await writer.transact(
                lambda c: c.execute(
                    "INSERT INTO workflow_runs (id, workflow, version, key, context, mode, status, started_ms)"
                    " VALUES (7, 'w', '1', 'k', '{}', 'live', 'running', 1)"
                )
            )
            for key, at_ms, run_id in (
                ("old", 1000, None),
                ("run", 1000, 7),
                ("open", 1000, None),
                ("new", 9_000_000, None),
            ):
                record, _ = await store.begin(intent(log.uid, key=key, at_ms=at_ms, run=run_id))
                if key != "open":
                    await store.end(record.id, DONE, at_ms)
            await store.enqueue(queued(log.uid))
            await store.ask(intent(log.uid), 2000)
            await writer.retain(12_000_000)
            first = [one.key for one in await history.actions()]
            await writer.retain(22_000_000)
            return (
                first,
                [one.key for one in await history.actions()],
                await history.queue(),
                await history.grants(None),
            )

    first, second, waiting, grants = run(inside)

    assert first == ["run", "open", "new"]
    assert second == ["run", "open", "new"]
    assert len(waiting) == 1
    assert grants == []


def test_who_asks_what_was_done_gets_what_fits(tmp_path):
    """By pane, actor (kind or name), outcome and time; the newest last."""

    async def scenario(store, history, uid, writer):
        other = (await new_log(writer, 5)).uid
        human = Actor(ActorKind.HUMAN, "cli")
        for key, pane, actor, outcome, at_ms in (
            ("1", uid, FLOW, ActOutcome.SUBMITTED, 1000), ("2", other, FLOW, ActOutcome.BUSY, 2000),
            ("3", uid, human, ActOutcome.SUBMITTED, 3000),
        ):  # fmt: skip
            record, _ = await store.begin(intent(pane, key=key, actor=actor, at_ms=at_ms))
            await store.end(record.id, Acted(outcome, ""), at_ms)

        async def keys(pane=None, **asked):
            return [one.key for one in await history.actions(pane, **asked)]

        assert await keys() == ["1", "2", "3"]
        assert await keys(limit=2) == ["2", "3"]
        assert await keys(uid) == ["1", "3"]
        assert await keys(actor="handle_usage_limits") == await keys(actor="workflow") == ["1", "2"]
        assert await keys(outcome="busy") == ["2"]
        assert await keys(since_ms=2000, until_ms=3000) == ["2"]

    with_store(tmp_path, scenario)


def test_ended_keys_are_counted_by_their_prefix(tmp_path):
    """`queue:1` is not `queue:10`."""

    async def scenario(store, _, uid, __):
        for key in ("queue:1:0", "queue:1:1", "queue:10:0", "queue:1:2"):
            record, _ = await store.begin(intent(uid, key=key))
            if key != "queue:1:2":
                await store.end(record.id, DONE, 1)
        assert await store.ended_under("queue:1") == 2

    with_store(tmp_path, scenario)
