"""Export in pages, whose edges nobody may see."""

import pytest

from store.world import new_log, opened, run
from wa.model.log import Gap, GapReason
from wa.store import export
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
