"""Export in pages, whose edges nobody may see."""

import json

import pytest

from store.agents_made_up import noted, whole_run
from store.world import new_log, opened, run
from wa.detect import session_ops as ops
from wa.model.agent import PaneState
from wa.model.log import Gap, GapReason
from wa.protocol.envelope import to_json
from wa.store import export
from wa.store.agent_records import AgentBatch
from wa.store.records import Capture

ROWS = 8
PAGES = (1, 2, 3, 4, 8, 9)


async def log_with_gaps(writer, number, places):
    """ROWS rows, and a gap before each of *places*, some of known size; as (row, text or missing) in order."""
    log, written = await new_log(writer, number), []
    for at in range(ROWS + 1):
        if at in places:
            missing = (None, 3)[at % 2]
            await writer.capture([Capture(log.uid, (), (Gap(log.next_row, missing, GapReason.TRIMMED, 2000),))])
            written.append(("gap", log.next_row))
            log.next_row += missing or 0
        if at < ROWS:
            written.append(("row", log.next_row))
            await log.add(f"row {at}")
    return log.uid, written


@pytest.mark.parametrize("page", PAGES)
def test_each_gap_is_exported_once_wherever_a_page_ends(tmp_path, monkeypatch, page):
    """Gaps at every position, alone and two at once, the very end included: each record once, in order."""
    monkeypatch.setattr(export, "PAGE_ROWS", page)
    places = [{at, other} for at in range(ROWS + 1) for other in range(at, ROWS + 1)]

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            expected = dict([await log_with_gaps(writer, number, some) for number, some in enumerate(places)])
            found = {uid: [] for uid in expected}
            async for record in reader.export():
                if record["type"] in ("row", "gap"):
                    found[record["pane_uid"]].append((record["type"], record["row"]))
            return expected, found

    expected, found = run(test)

    assert found == expected


def test_rows_that_come_while_pages_are_read_are_exported_once(tmp_path, monkeypatch):
    """Nothing is held between two pages; what is captured there follows, with the gap before it."""
    monkeypatch.setattr(export, "PAGE_ROWS", 2)

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add("a", "b")
            found = []
            async for record in reader.export():
                found.append((record["type"], record.get("row")))
                if len(found) == 2:
                    await writer.capture([Capture(log.uid, (), (Gap(2, 1, GapReason.TRIMMED, 2000),))])
                    log.next_row = 3
                    await log.add("c")
            return found

    assert run(test) == [("pane", None), ("row", 0), ("row", 1), ("gap", 2), ("row", 3)]


@pytest.mark.parametrize("page", [1, 2, 500])
def test_what_agents_did_follows_their_pane(tmp_path, monkeypatch, page):
    """Sessions with all their parts, events and changes of state: each once, wherever a page ends."""
    monkeypatch.setattr(export, "PAGE_SAID", page)

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            one, two = await new_log(writer, 1), await new_log(writer, 2)
            await one.add("a")
            await two.add("b")
            again = ops.SessionRef(2, "codex")
            await writer.agent_events([AgentBatch(one.uid, whole_run())])
            await writer.agent_events([AgentBatch(two.uid, whole_run(2000))])
            await writer.agent_events([AgentBatch(one.uid, whole_run(3000, again))])
            await writer.agent_events([AgentBatch(one.uid, (noted("shell.prompt", 4000, session=None),))])
            everything = [json.loads(to_json(record)) async for record in reader.export()]
            late = [record async for record in reader.export(since_ms=2500)]
            other = [record["type"] async for record in reader.export(panes=["p2"])]
            return everything, late, other, await reader.events(), await reader.transitions()

    everything, late, other, events, transitions = run(test)

    of_two = ["pane", "row", "session", "event", "event", "transition"]
    of_one = ["pane", "row", "session", "session", *["event"] * 5, *["transition"] * 2]
    assert [record["type"] for record in everything] == [*of_one, *of_two]
    assert other == of_two
    assert sorted(record["id"] for record in everything if record["type"] == "event") == [one.id for one in events]
    assert len(transitions) == sum(record["type"] == "transition" for record in everything)
    session = everything[2]
    assert (session["session"], session["pane_uid"], session["total_tokens"]) == ("s1", "p1", 2426)
    assert (session["started_at"], session["ended_at"]) == ("1970-01-01T00:00:01.000Z", "1970-01-01T00:00:01.900Z")
    assert [turn["outcome"] for turn in session["turns"]] == ["done", "limited"]
    assert session["limits"][0]["lifted_at"] == "1970-01-01T00:00:01.500Z"
    assert session["compactions"][0]["before"] == 120_000
    assert session["usage"][0]["at"] == session["ended_at"]
    assert session["models"][0]["model"] == "gemini-3-pro"
    assert everything[4]["event"] == "session.start"
    assert everything[8]["session"] is None
    assert everything[9]["after"] == PaneState.WORKING.value
    assert not any(name.endswith("_ms") for record in everything for name in record)
    assert [record["session"] for record in late if record["type"] == "session"] == ["s3", "s2"]
    assert all(record["at"] >= "1970-01-01T00:00:02.500Z" for record in late if record["type"] == "event")


def test_what_agents_said_is_exported_without_secrets(tmp_path):
    """As it is stored: a code by the name of its field, a key by its look."""
    key = "sk-ant-api03-q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0Hj"

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            said = noted("auth.device_code", 1000, session=None, text=f"code 8F3K-92LQ {key}", code="8F3K-92LQ")
            await writer.agent_events([AgentBatch(log.uid, (said, noted("error.api", 1001, session=None, text=key)))])
            return [to_json(record) async for record in reader.export()]

    text = "\n".join(run(test))

    assert "8F3K" not in text
    assert key not in text
    assert "[redacted:" in text
