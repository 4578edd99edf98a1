"""The writer as its callers see it."""

import asyncio
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.world import MUX, Log, new_log, opened, pane, rows, run, screen, texts_of
from wa.model.errors import NotFound
from wa.model.identity import MuxInstance
from wa.model.log import Gap, GapReason, RowKind, Segment
from wa.model.screen import Row
from wa.store.errors import StoreClosedError, StorePositionError
from wa.store.reader import Reader
from wa.store.records import Capture, LogRow, PaneUpdate
from wa.store.redact import redact_rows
from wa.store.writer import Writer

PIECES = st.text(st.sampled_from("ab c─中é\x00\u0301\ud800"), max_size=40)
STEPS = st.lists(
    st.one_of(
        st.lists(st.tuples(PIECES, st.booleans()), min_size=1, max_size=70).map(lambda found: ("rows", found)),
        st.tuples(st.just("gap"), st.one_of(st.none(), st.integers(1, 9))),
    ),
    min_size=1,
    max_size=9,
)


@given(STEPS, st.integers(1, 4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_log_gives_back_what_was_captured(steps, together, restart):
    """Every row once and in order, gaps between them; however the segments were cut, over a restart too."""
    expected: list[tuple[object, ...]] = []
    captures: list[Capture] = []
    row = 0
    for at_ms, (kind, what) in enumerate(steps, 1000):
        if kind == "gap":
            captures.append(Capture("p1", (), (Gap(row, what, GapReason.TRIMMED, at_ms),)))
            expected.append(("gap", row, what))
            row += what or 0
            continue
        segment = Segment(row, tuple(Row(0, text, wrap) for text, wrap in what), at_ms)
        captures.append(Capture("p1", (segment,)))
        for text, wrap in what:
            expected.append((row, text.replace("\ud800", "\ufffd"), wrap, at_ms))
            row += 1

    async def test():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "wa.db"
            middle = len(captures) // 2 if restart else 0
            for part in (captures[:middle], captures[middle:]):
                async with opened(path) as (writer, reader):
                    assert await writer.pane_uid(MUX, pane(), 1) == "p1"
                    for start in range(0, len(part), together):
                        await writer.capture(part[start : start + together])
                    found = await reader.log("p1")
                    record = await reader.pane("p1")
            return found, record

    found, record = run(test)

    assert expected == [
        ("gap", entry.row, entry.missing)
        if isinstance(entry, Gap)
        else (entry.row, entry.text, entry.wrapped, entry.at_ms)
        for entry in found
    ]
    rows_only = [entry for entry in found if isinstance(entry, LogRow)]
    assert (record.next_row, record.rows_stored) == (row, len(rows_only))
    assert record.gaps == len(found) - len(rows_only)
    assert record.rows_lost == sum(entry.missing or 0 for entry in found if isinstance(entry, Gap))


def test_a_log_with_secrets_differs_by_them_alone(tmp_path):
    """Cut into captures of any size, the stored rows are the redacted ones."""
    texts = [f"line {number} of output" for number in range(100)]
    texts[30:33] = ["key sk-ant-api03-q7Zp4Kx9Lm2Vt6Rw1Ys8\\", "Bn3Cd5Fg0HjQaWsEdRfTgYhUj7k8l\\", "9o0p1z2x3c end"]
    texts[60] = "password=hunter2"
    whole = rows(*texts)
    expected, _ = redact_rows([row.text for row in whole], [row.wrapped for row in whole])

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            logs = []
            for number, size in enumerate((1, 3, 31, 100)):
                log = await new_log(writer, number)
                for start in range(0, 100, size):
                    await log.add(*texts[start : start + size])
                logs.append(texts_of(await reader.log(log.uid)))
            return logs

    for found in run(test):
        assert expected == found


def test_a_pane_keeps_its_uid_and_no_other_gets_it(tmp_path):
    """Found again in the same mux, new in another run of it, and never given twice, not even after it was forgotten."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            first = await writer.pane_uid(MUX, pane(0), 1)
            again = await writer.pane_uid(MUX, pane(0), 2)
            renamed = await writer.pane_uid(MUX._replace(name="work"), pane(0), 3)
            restarted = await writer.pane_uid(MUX._replace(started="4712-1"), pane(0), 4)
            await writer.close_panes([restarted], 5)
            await writer.forget(pane_uid=restarted)
            other = await writer.pane_uid(MUX._replace(name="work"), pane(7), 6)
            return first, again, renamed, restarted, other, [(one.pane_uid, one.mux) for one in await reader.panes()]

    assert run(test) == ("p1", "p1", "p1", "p2", "p3", [("p1", "work"), ("p3", "work")])


def test_only_the_owner_can_read_the_database(tmp_path):
    """The file, its log and its index are 0600 in a folder of 0700, whatever the umask."""

    async def test():
        async with opened(tmp_path / "data" / "wa.db") as (writer, _):
            log = await new_log(writer)
            await log.add("text")
            return {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "data").iterdir()}

    modes = run(test)

    assert modes == {"wa.db": 0o600, "wa.db-wal": 0o600, "wa.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_calls_that_wait_together_share_a_commit(tmp_path):
    """A hundred captures at once cost far fewer transactions; each returns after its own rows are stored."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            logs = [await new_log(writer, number) for number in range(100)]
            before = await commits_of(writer)
            async with asyncio.TaskGroup() as group:
                for log in logs:
                    group.create_task(log.add(f"of {log.uid}"))
            after = await commits_of(writer)
            return after - before, [texts_of(await reader.log(log.uid)) for log in logs]

    commits, found = run(test)

    assert found == [[f"of p{number}"] for number in range(1, 101)]
    assert commits <= 20


async def commits_of(writer: Writer) -> int:
    """Of frames in the log that end a transaction; the format is SQLite's, https://sqlite.org/walformat.html."""
    data = writer.path.with_name("wa.db-wal").read_bytes()
    page = int.from_bytes(data[8:12], "big")
    salts = data[16:24]
    frames = (data[at : at + 24] for at in range(32, len(data) - 23, page + 24))
    return sum(frame[8:16] == salts and frame[4:8] != b"\0\0\0\0" for frame in frames)


def test_one_impossible_call_does_not_spoil_the_others(tmp_path):
    """A capture for a pane that does not exist fails alone, though it shared a commit."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            results = await asyncio.gather(
                log.add("kept"),
                writer.capture([Capture("p99", (Segment(0, rows("lost"), 1),))]),
                writer.capture([Capture(log.uid, (Segment(1, rows("kept too"), 2),))]),
                return_exceptions=True,
            )
            return results, texts_of(await reader.log(log.uid))

    results, found = run(test)

    assert [type(result) for result in results] == [type(None), NotFound, type(None)]
    assert found == ["kept", "kept too"]


def test_a_capture_is_stored_whole_or_not_at_all(tmp_path):
    """When one pane of a call is wrong, nothing of the others in that call stays."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            good = Capture(log.uid, (Segment(0, rows("a", "b"), 1),), checkpoint=b"2")
            with pytest.raises(NotFound):
                await writer.capture([good, Capture("p99", (Segment(0, rows("x"), 1),))])
            nothing = await reader.log(log.uid), await reader.checkpoint(log.uid), (await reader.pane(log.uid)).next_row
            await writer.capture([good])
            return nothing, texts_of(await reader.log(log.uid)), await reader.checkpoint(log.uid)

    assert run(test) == (([], None, 0), ["a", "b"], b"2")


def test_handing_in_the_same_again_stores_nothing_twice(tmp_path):
    """Whoever did not hear the answer may call again; rows that go further are stored from where the log ends."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            texts = [f"row {number}" for number in range(70)] + ["password=hunter2"]
            await log.add(*texts)
            again = Segment(0, rows(*texts, "new"), 1001)
            await writer.capture([Capture(log.uid, (again,), (Gap(72, 3, GapReason.TRIMMED, 5),))])
            await writer.capture([Capture(log.uid, (), (Gap(72, 3, GapReason.TRIMMED, 5),))])
            return texts_of(await reader.log(log.uid)), await reader.pane(log.uid)

    found, record = run(test)

    assert found == [*(f"row {number}" for number in range(70)), "password=[redacted:password]", "new"]
    assert (record.gaps, record.next_row) == (1, 75)


def test_other_rows_at_a_position_that_is_taken_are_refused(tmp_path):
    """That would be a fault of wa, and must not overwrite what is stored."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add("first", "second")
            with pytest.raises(StorePositionError, match="do not fit the log of p1"):
                await writer.capture([Capture(log.uid, (Segment(1, rows("other"), 5),))])
            with pytest.raises(StorePositionError, match="a gap at 1"):
                await writer.capture([Capture(log.uid, (), (Gap(1, None, GapReason.TRIMMED, 5),))])
            return texts_of(await reader.log(log.uid))

    assert run(test) == ["first", "second"]


def test_a_hole_that_nobody_explained_becomes_a_gap(tmp_path):
    """Nothing is lost silently, not even by a fault of wa."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add("first")
            await writer.capture([Capture(log.uid, (Segment(5, rows("sixth"), 7),))])
            return await reader.log(log.uid)

    assert run(test) == [
        LogRow(0, "first", False, 1001, RowKind.OUTPUT),
        Gap(1, 4, GapReason.UNREADABLE, 7),
        LogRow(5, "sixth", False, 7, RowKind.OUTPUT),
    ]


def test_segments_and_gaps_of_a_capture_are_told_apart_by_position(tmp_path):
    """They arrive in two lists; a gap of unknown size may even stand inside a segment."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            segments = (Segment(0, rows("a", "b"), 1), Segment(5, rows("c", "d"), 2))
            gaps = (
                Gap(2, 3, GapReason.TRIMMED, 1),
                Gap(6, None, GapReason.ERASED, 2),
                Gap(7, None, GapReason.CLOSED, 3),
            )
            await writer.capture([Capture(log.uid, segments, gaps)])
            found = await reader.log(log.uid)
            return [(entry.row, getattr(entry, "text", None)) for entry in found]

    assert run(test) == [(0, "a"), (1, "b"), (2, None), (5, "c"), (6, None), (6, "d"), (7, None)]


def test_what_is_known_of_a_pane_can_be_changed_piece_by_piece(tmp_path):
    """None leaves a field as it is; closing and seeing it again are changes too."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer, 0, title="one", cwd="file:///a")
            await writer.update_panes([PaneUpdate(log.uid, 5, title="two", source="push", cols=100)])
            await writer.close_panes([log.uid], 6)
            closed = await reader.pane(log.uid)
            await writer.pane_uid(MUX, pane(0, title="three", cwd=None), 7)
            return closed, await reader.pane(log.uid)

    closed, back = run(test)

    assert (closed.title, closed.cwd, closed.cols, closed.source) == ("two", "file:///a", 100, "push")
    assert (closed.alive, closed.closed_ms) == (False, 6)
    assert (back.title, back.cwd, back.alive, back.closed_ms) == ("three", "file:///a", True, None)


def test_an_update_for_a_pane_that_does_not_exist_changes_none(tmp_path):
    """The others in the call stay as they were."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            with pytest.raises(NotFound):
                await writer.update_panes([PaneUpdate(log.uid, 5, title="two"), PaneUpdate("p99", 5, title="x")])
            with pytest.raises(NotFound):
                await writer.close_panes([log.uid, "p99"], 6)
            return (await reader.pane(log.uid)).title, (await reader.pane(log.uid)).alive

    assert run(test) == ("bash", True)


def test_a_screen_is_replaced_and_survives_with_all_that_is_known_of_it(tmp_path):
    """One per pane; the newest is the one kept."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            newest = screen("now\x00", "two\\", "and more", at_ms=9, is_alt=True)
            await log.add("out", screen=screen("before"))
            await log.add("more", screen=newest)
            return await reader.screens(), newest

    found, newest = run(test)

    assert [(one.pane_uid, one.screen) for one in found] == [("p1", newest)]


def test_a_caller_that_goes_away_does_not_hurt(tmp_path):
    """A cancelled call is stored or not, never in part, and the next ones work."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(log.add("cancelled"))
                await asyncio.sleep(0)
                task.cancel()
            await writer.capture([Capture(log.uid, (Segment(0, rows("cancelled", "after"), 1001),))])
            return texts_of(await reader.log(log.uid))

    assert run(test) == ["cancelled", "after"]


def test_what_another_writer_did_is_taken_into_account(tmp_path):
    """Two at once are not meant to be; still neither destroys what the other has stored."""

    async def test():
        async with opened(tmp_path / "wa.db") as (one, reader):
            log = await new_log(one)
            await log.add("from one")
            two = await Writer.open(tmp_path / "wa.db")
            try:
                other = Log(two, log.uid)
                other.next_row = 1
                await other.add(*(f"from two, {number}" for number in range(70)))
                log.next_row = 71
                await log.add("from one again")
                await two.capture([Capture(log.uid, (Segment(72, rows("and two"), 9),))])
            finally:
                await two.close()
            return texts_of(await reader.log(log.uid)), (await reader.search("from", limit=100)).hits

    texts, hits = run(test)

    assert texts == ["from one", *(f"from two, {number}" for number in range(70)), "from one again", "and two"]
    assert len(hits) == 72


def test_a_closed_writer_says_so(tmp_path):
    """It does not hang, and does not raise something of SQLite's."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            log = await new_log(writer)
        await writer.close()
        with pytest.raises(StoreClosedError):
            await log.add("too late")

    run(test)


def test_muxes_are_told_apart_by_more_than_their_name(tmp_path):
    """The same name on another host is another mux; its panes are other panes."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            here = await writer.pane_uid(MUX, pane(3), 1)
            there = await writer.pane_uid(MuxInstance("local", "box", MUX.socket, MUX.started), pane(3), 1)
            return here, there, [(one.pane_uid, one.host) for one in await reader.panes()]

    assert run(test) == ("p1", "p2", [("p1", ""), ("p2", "box")])


def test_a_reader_opened_before_sees_what_is_committed_after(tmp_path):
    """Each answer is from one state of the database, the newest."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            seen = []
            for number in range(3):
                await log.add(f"row {number}")
                seen.append(len(await reader.log(log.uid)))
            other = await Reader.open(tmp_path / "wa.db")
            seen.append(len(await other.log(log.uid)))
            await other.close()
            return seen

    assert run(test) == [1, 2, 3, 3]
