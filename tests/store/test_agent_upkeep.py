"""Forgetting and retention take what agents said with them."""

from store.agents_made_up import FIRST, noted, whole_run
from store.world import everything_in, new_log, opened, run
from wa.detect import session_ops as ops
from wa.store.agent_records import AgentBatch

WORD = "zebracorn"


async def told(writer, log, at_ms, word=WORD, ref=FIRST):
    """A whole run whose every text has *word* in it."""
    extra = (
        ops.DescribeSession(ref, at_ms, project=f"/home/{word}", model=f"{word}-1", plan=word, version=word),
        noted("waiting.approval", at_ms + 50, session=ref, command=f"make {word}", text=word),
        ops.NoteLimit(ref, 2, at_ms + 450, word, word, word, "none", None, word, False),
        ops.NoteModels(ref, (ops.ModelUsage(word, 1, 2, 3, 4),)),
        ops.NoteSessionId(ref, at_ms + 900, word, 1.0, "printed"),
    )
    await writer.agent_events([AgentBatch(log.uid, (*whole_run(at_ms, ref), *extra))])


def test_of_a_forgotten_pane_nothing_stays(tmp_path):
    """No byte in any file, while another pane keeps all of its."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            gone, kept = await new_log(writer, 1), await new_log(writer, 2)
            await told(writer, gone, 1000)
            await told(writer, kept, 1000, "quillwort")
            before = everything_in(tmp_path).count(WORD.encode())
            await writer.forget(pane_uid=gone.uid)
            return (
                before,
                everything_in(tmp_path),
                await reader.sessions(),
                await reader.events(),
                await reader.transitions(),
            )

    before, found, sessions, events, moves = run(test)

    assert before > 8
    assert WORD.encode() not in found
    assert {one.pane_uid for one in (*sessions, *events, *moves)} == {"p2"}
    assert (len(sessions), len(events), len(moves)) == (1, 3, 1)


def test_since_an_instant_later_facts_go_and_earlier_ones_stay(tmp_path):
    """A session that began before keeps its beginning; what was learned of it since is not known any more."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await told(writer, log, 1000)
            await told(writer, log, 3000, ref=ops.SessionRef(2, "codex"))
            await writer.forget(since_ms=1400)
            return await reader.sessions(), await reader.session("s1"), await reader.events(), everything_in(tmp_path)

    sessions, detail, events, found = run(test)
    session = detail.session

    assert [one.id for one in sessions] == ["s1"]
    assert (session.ended_ms, session.end_mode, session.session_id, session.total_tokens) == (1400, None, None, 800)
    assert (session.project, session.started_ms) == (f"/home/{WORD}", 1000)
    assert [one.number for one in detail.turns] == [1]
    assert (detail.limits, detail.compactions, detail.usage) == ((), (), ())
    assert [tuple(one) for one in detail.models] == [("gpt-5.5", 3, 500, 10_000, 300)], "of the turn that stays"
    assert [one.event for one in events] == ["session.start", "waiting.approval"]
    assert b"01a1f869-203f" not in found


def test_a_session_that_goes_on_after_forgetting_begins_anew(tmp_path):
    """What is said of it from then on is kept; what is said of one that had ended brings nothing back."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await told(writer, log, 1000)
            second = ops.SessionRef(2, "codex")
            await writer.agent_events([AgentBatch(log.uid, (ops.OpenSession(second, 2000, joined=False),))])
            await writer.forget(pane_uid=log.uid)
            late = (
                ops.NoteSessionId(FIRST, 2500, "late", 1.0, "printed"),
                ops.NoteUsage(second, 2600, "x", 1, 1, 1, 1, 1),
                ops.OpenTurn(second, 7, 3000),
                noted("turn.working", 3000, session=second),
                ops.CloseTurn(second, 7, 3100, ops.Outcome.DONE),
            )
            await writer.agent_events([AgentBatch(log.uid, late)])
            return await reader.sessions(), (await reader.session("s3")).turns, await reader.events()

    sessions, turns, events = run(test)

    assert [(one.number, one.joined, one.started_ms, one.ended_ms) for one in sessions] == [(2, True, 3000, None)]
    assert [(one.number, one.ended_ms) for one in turns] == [(7, 3100)]
    assert [(one.event, one.session) for one in events] == [("turn.working", "s3")]


def test_retention_by_age_takes_what_is_older(tmp_path):
    """Events and transitions by their instant, sessions by their end; those still open stay."""

    async def test():
        async with opened(tmp_path / "wa.db", retain_age_ms=10_000) as (writer, reader):
            log = await new_log(writer)
            await told(writer, log, 1000)
            await told(writer, log, 15_000, ref=ops.SessionRef(2, "codex"))
            await writer.agent_events(
                [AgentBatch(log.uid, (ops.OpenSession(ops.SessionRef(3, "codex"), 16_000, True),))]
            )
            await writer.retain(22_000)
            first = [one.id for one in await reader.sessions()], {one.session for one in await reader.events()}
            await writer.retain(60_000)
            tables = (
                "session_models",
                "turn_models",
                "turns",
                "token_usage",
                "limits",
                "compactions",
                "events",
                "transitions",
            )
            left = [
                await reader._read(
                    lambda connection, name=name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()
                )
                for name in tables
            ]
            return first, [one.id for one in await reader.sessions()], left

    first, last, left = run(test)

    assert first == (["s3", "s2"], {"s2"})
    assert last == ["s3"]
    assert left == [(0,)] * 8


def test_retention_by_size_takes_what_is_older_than_the_oldest_row(tmp_path):
    """When output is dropped for its size, what was said in its time goes too."""

    async def test():
        async with opened(tmp_path / "wa.db", retain_age_ms=None, retain_bytes=400_000) as (writer, reader):
            log = await new_log(writer)
            await told(writer, log, 1)
            for at in range(40):
                await log.add(*(f"filling {at} {number} " + "x y z " * 20 for number in range(100)), at_ms=10_000 + at)
            await told(writer, log, 20_000, ref=ops.SessionRef(2, "codex"))
            await writer.retain(30_000)
            return [one.id for one in await reader.sessions()], {one.session for one in await reader.events()}

    assert run(test) == (["s2"], {"s2"})


def test_a_closed_pane_that_is_dropped_takes_its_sessions(tmp_path):
    """Nothing is left that names a pane nobody knows."""

    async def test():
        async with opened(tmp_path / "wa.db", retain_age_ms=1000) as (writer, reader):
            log = await new_log(writer)
            await told(writer, log, 1000)
            await writer.close_panes([log.uid], 1500)
            retained = await writer.retain(9000)
            return retained.panes, await reader.panes(), await reader.sessions(), await reader.events()

    assert run(test) == (1, [], [], [])
