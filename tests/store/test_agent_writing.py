"""What agents said and did is stored whole, once, in its order, and read back as it was."""

import pytest

from store.agents_made_up import FIRST, noted, signal, transition, whole_run
from store.world import MUX, new_log, opened, pane, run
from wa.detect import session_ops as ops
from wa.model.agent import Dialog, Limit, PaneState
from wa.model.errors import NotFound, StoreError
from wa.store.agent_records import AgentBatch, LimitRecord, TurnRecord


def test_a_whole_run_is_read_back(tmp_path):
    """Session with all figures, turns, limits, compactions, usage, models; in the shape the records name."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await writer.agent_events([AgentBatch(log.uid, whole_run())])
            return (
                await reader.session("s1"),
                await reader.sessions(),
                await reader.events(),
                await reader.transitions(),
            )

    detail, listed, events, moves = run(test)
    session = detail.session

    assert listed == [session]
    assert (session.agent, session.number, session.joined, session.end_mode) == ("codex", 1, False, "detached")
    assert (session.session_id, session.id_confidence, session.id_source) == (
        "01a1f869-203f-7d21-bf3a-c6f11f9844da",
        1.0,
        "printed",
    )
    assert (session.version, session.model, session.plan, session.project) == (
        *("0.169.0", "gpt-5.5", "Plus", "/home/dev/demo"),
    )
    assert (session.started_ms, session.ended_ms) == (1000, 1900)
    assert session[16:28] == (2426, 2105, 10_240, 321, 128, 61.5, 12.0, 8.25, 1.5, 7, 6, 1)
    assert (session.turns, session.limits, session.compactions) == (2, 1, 1)
    assert detail.turns == (
        TurnRecord(1, 1100, 1200, "done", "1s", 1.0, 812),
        TurnRecord(2, 1300, 1400, "limited", None, None, None),
    )
    assert detail.limits == (LimitRecord(1, 1400, "5h", None, "6:38 AM", "absolute", 10_000, "Plus", False, 1500),)
    assert [tuple(one) for one in detail.compactions] == [(1, 1600, "auto", 120_000, 9000)]
    assert [tuple(one) for one in detail.usage] == [(1900, "session.end", 2426, 2105, 10_240, 321, 128)]
    assert [tuple(one) for one in detail.models] == [("gemini-3-pro", 4, 2000, 100, 300)]
    assert [tuple(one) for one in detail.turn_models] == [(1, "gpt-5.5", 3, 800, 500, 10_000, 300, 100)]
    assert [(one.event, one.session, one.fields) for one in events] == [
        ("session.start", "s1", {"version": "0.169.0"}),
        ("usage.limit", "s1", {"reset": "6:38 AM", "window": "5h"}),
    ]
    assert [(one.before, one.after, one.session, one.signals[0]["text"]) for one in moves] == [
        ("idle", "working", "s1", "• Working (1s)")
    ]


SPENT = ops.ModelSpent("gpt-5.5", 2, 150, 100, 900, 50, 20)


def spent(turn, *models, at_ms=1100, own_id="one"):
    return ops.NoteSpent(FIRST, at_ms, own_id, turn, models)


def test_tokens_of_turns_are_replaced_and_summed(tmp_path):
    """Told again they count once; several files and turns of a run add up; sums stand where the agent printed none."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            begun = ops.OpenSession(FIRST, 1000, False), ops.OpenTurn(FIRST, 1, 1100)
            await writer.agent_events([AgentBatch(log.uid, begun)])
            side = SPENT._replace(model="side", reqs=0)
            told = spent(1, SPENT._replace(reqs=1)), spent(1, SPENT), spent(0, side), spent(1, SPENT, own_id="two")
            for _ in range(2):
                await writer.agent_events([AgentBatch(log.uid, told)])
            open_ = await reader.session("s1")
            await writer.agent_events([AgentBatch(log.uid, (spent(0), spent(1, own_id="two")))])
            printed = ops.NoteUsage(FIRST, 2000, "session.end", 151, None, None, 51, None)
            models = ops.NoteModels(FIRST, (ops.ModelUsage("gpt-5.5", 9, 1, 2, 3),))
            await writer.agent_events([AgentBatch(log.uid, (printed, models))])
            return open_, await reader.session("s1")

    going_on, ended = run(test)
    assert [tuple(one) for one in going_on.turn_models] == [
        (0, "side", 0, 150, 100, 900, 50, 20),
        (1, "gpt-5.5", 4, 300, 200, 1800, 100, 40),
    ]
    assert going_on.session[16:21] == (450, 300, 2700, 150, 60)
    assert [tuple(one) for one in going_on.models] == [("gpt-5.5", 4, 200, 1800, 100), ("side", 0, 100, 900, 50)]
    assert [tuple(one) for one in ended.turn_models] == [(1, *SPENT)]
    assert ended.session[16:21] == (151, 100, 900, 51, 20)
    assert [tuple(one) for one in ended.models] == [("gpt-5.5", 9, 1, 2, 3)]


def test_handed_in_twice_it_is_stored_once(tmp_path):
    """As after a call whose answer nobody waited for."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            first = []
            for _ in range(2):
                await writer.agent_events([AgentBatch(log.uid, whole_run())])
                first.append((await reader.session("s1"), await reader.events(), await reader.transitions()))
            return first

    once, twice = run(test)

    assert once == twice


def test_an_unknown_pane_is_refused_and_the_others_of_the_call_with_it(tmp_path):
    """A batch is stored whole or not at all; what waits beside it does not suffer."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            with pytest.raises(NotFound):
                await writer.agent_events([AgentBatch(log.uid, whole_run()), AgentBatch("p77", whole_run())])
            return await reader.sessions(), await reader.events()

    assert run(test) == ([], [])


def test_one_session_at_most_is_open_in_a_pane(tmp_path):
    """A second one ends the first, though nobody said so; a turn that was open ends with it."""
    second = ops.SessionRef(2, "claude_code")

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            opening = (ops.OpenSession(FIRST, 1000, joined=True), ops.OpenTurn(FIRST, 1, 1100))
            await writer.agent_events([AgentBatch(log.uid, (*opening, ops.OpenSession(second, 1200, joined=False)))])
            return await reader.sessions(), await reader.session("s1")

    sessions, first = run(test)

    assert [(one.agent, one.joined, one.ended_ms, one.end_mode) for one in sessions] == [
        ("claude_code", False, None, None),
        ("codex", True, 1200, "replaced"),
    ]
    assert [(one.ended_ms, one.outcome) for one in first.turns] == [(1200, "interrupted")]


def test_sessions_end_with_their_pane(tmp_path):
    """Closed while wa looked, or while it did not; what an exit summary says later is still taken."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            seen, unseen = [await new_log(writer, number) for number in (1, 2)]
            for log in (seen, unseen):
                opening = (ops.OpenSession(FIRST, 1000, joined=False), ops.OpenTurn(FIRST, 1, 1100))
                await writer.agent_events([AgentBatch(log.uid, opening)])
            await writer.close_panes([seen.uid], 2000)
            await writer.close_absent(MUX, [], 3000)
            await writer.agent_events(
                [
                    AgentBatch(
                        seen.uid, (ops.CloseSession(FIRST, 2500, ops.EndMode.CLOSED), ops.OpenTurn(FIRST, 2, 2600))
                    )
                ]
            )
            return [await reader.session(name) for name in ("s1", "s2")]

    first, second = run(test)

    assert (first.session.ended_ms, first.session.end_mode) == (2000, "closed")
    assert (second.session.ended_ms, second.session.end_mode) == (3000, "pane_closed")
    assert [one.ended_ms for one in (*first.turns, *second.turns)] == [2000, 3000]


def test_a_resumed_session_names_the_one_it_goes_on_with(tmp_path):
    """The newest earlier one of that agent with the same id; a name that is withdrawn takes that with it."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            refs = [ops.SessionRef(number, "codex") for number in (1, 2, 3)]
            for at, ref in enumerate(refs):
                await writer.agent_events(
                    [
                        AgentBatch(
                            log.uid,
                            (
                                ops.OpenSession(ref, at, joined=False),
                                ops.NoteSessionId(ref, at, "aaaa", 0.7, "file"),
                                ops.CloseSession(ref, at, ops.EndMode.EXITED),
                            ),
                        )
                    ]
                )
            await writer.agent_events([AgentBatch(log.uid, (ops.NoteSessionId(refs[1], 9, None, 0.0, "file"),))])
            return await reader.sessions(), (await reader.session("aaaa")).session.id

    sessions, newest = run(test)

    assert [(one.id, one.session_id, one.continues) for one in sessions] == [
        ("s3", "aaaa", "s2"),
        ("s2", None, None),
        ("s1", "aaaa", None),
    ]
    assert newest == "s3"


def test_figures_off_a_screen_cannot_break_the_writer(tmp_path):
    """A number beyond 64 bits is no figure; NaN is none in JSON; surrogates cannot be kept."""
    huge = 10**40

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            operations = (
                ops.OpenSession(FIRST, 1, joined=False),
                ops.NoteUsage(FIRST, 2, "session.end", huge, 5, None, -huge, None),
                ops.NoteLimit(FIRST, 1, 3, None, None, "in \ud800 days", "relative", huge, None, False),
                ops.NoteTransition(transition(4, confidence=float("nan")), FIRST),
                noted("usage.warning", 5, percent=float("inf"), total=huge, window="\udfff", rows=({"a": (1, "b")},)),
            )
            await writer.agent_events([AgentBatch(log.uid, operations)])
            with pytest.raises(StoreError):
                await writer.agent_events([AgentBatch(log.uid, (ops.OpenTurn(FIRST, 1, huge),))])
            return await reader.session("s1"), await reader.events()

    detail, events = run(test)

    assert [tuple(one)[2:] for one in detail.usage] == [(None, 5, None, None, None)]
    assert (detail.limits[0].printed, detail.limits[0].resets_ms) == ("in \ufffd days", None)
    assert events[0].fields == {"percent": None, "total": huge, "window": "\ufffd", "rows": [{"a": [1, "b"]}]}


def test_events_are_listed_by_pane_name_and_instant(tmp_path):
    """`usage` is all of usage and nothing that only begins so; the newest are kept, oldest first."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            one, two = [await writer.pane_uid(MUX, pane(number), 1) for number in (1, 2)]
            await writer.agent_events(
                [
                    AgentBatch(one, tuple(noted(name, at, session=None) for at, name in enumerate(names, 10))),
                    AgentBatch(two, (noted("usage.limit", 11, session=None),)),
                ]
            )
            lists = [
                await reader.events(event="usage"),
                await reader.events(event="usage.limit"),
                await reader.events(pane=two),
                await reader.events(since_ms=11, until_ms=13, pane=one),
                await reader.events(limit=2),
                await reader.events(after_id=3),
                await reader.events(after_id=3, limit=1),
                await reader.events(event="usage' OR 1"),
            ]
            return [
                [f"{found.pane_uid} {found.event}" for found in shown] for shown in lists
            ], await reader.last_event_id()

    names = ["usage.warning", "usage.limit", "usages.limit", "turn.done", "usage.limit.weekly"]
    lists, newest = run(test)

    assert lists == [
        ["p1 usage.warning", "p1 usage.limit", "p2 usage.limit", "p1 usage.limit.weekly"],
        ["p1 usage.limit", "p2 usage.limit", "p1 usage.limit.weekly"],
        ["p2 usage.limit"],
        ["p1 usage.limit", "p1 usages.limit"],
        ["p1 turn.done", "p1 usage.limit.weekly"],
        ["p1 turn.done", "p1 usage.limit.weekly", "p2 usage.limit"],
        ["p1 turn.done"],
        [],
    ]
    assert newest == 6


def test_transitions_keep_their_evidence(tmp_path):
    """Signals, dialog and limit as they were, without what a human had typed."""
    dialog = Dialog("codex.waiting.approval", "waiting.approval", "Run it?", ("Yes", "No"), 1)
    limit = Limit("6:38 AM", 99, "5h", "Plus", True)

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            moves = (
                transition(
                    1, PaneState.WAITING_APPROVAL, dialog=dialog, draft="half a thought", signals=(signal("box"),)
                ),
                transition(2, PaneState.LIMITED, PaneState.WAITING_APPROVAL, limit=limit),
            )
            await writer.agent_events([AgentBatch(log.uid, tuple(ops.NoteTransition(one, None) for one in moves))])
            return await reader.transitions(log.uid), (tmp_path / "wa.db-wal").read_bytes()

    (asked, limited), written = run(test)

    assert asked.dialog == {**dialog._asdict(), "options": ["Yes", "No"]}
    assert asked.signals == [{**signal("box")._asdict(), "source": "screen", "says": "working"}]
    assert (limited.limit, limited.dialog, limited.confidence) == (limit._asdict(), None, 0.9)
    assert b"half a thought" not in written


def test_what_does_not_exist_is_not_found(tmp_path):
    """A session by its name or by the agent's id; nothing is a syntax error."""

    async def test():
        async with opened(tmp_path / "wa.db") as (_, reader):
            for name in ("s1", "s", "", "s²", "s" + "9" * 30, "x' OR 1 --"):
                with pytest.raises(NotFound):
                    await reader.session(name)

    run(test)
