"""Logs read from the database in parts: the same as read at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from wa.api import logs
from wa.api.logs import LogWish, read_log, read_log_in_pages
from wa.config.paths import Paths
from wa.model.identity import MuxInstance, Pane
from wa.model.log import Gap, GapReason, Segment
from wa.model.screen import Cursor, Row, Screen
from wa.store.records import Capture, StoreSettings
from wa.store.writer import Writer

ROWS = 137
GAPS = {10: 3, 50: None, 113: 20}
"""Position → rows missing there; 50 is the first row of a page."""
PAGE = 25


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A database of one pane with wrapped rows, gaps and a screen, and pages of 25 rows."""
    monkeypatch.setattr(logs, "PAGE_ROWS", PAGE)
    found = Paths.from_env({"WA_HOME": str(tmp_path / "wa")})
    found.ensure()
    asyncio.run(_fill(found))
    return found


async def _fill(paths: Paths) -> None:
    writer = await Writer.open(paths.database, settings=StoreSettings())
    pane = Pane(3, 0, 0, "default", "zsh", None, 80, 24, True, False, "/dev/pts/1", "", "", 0, (0, 0))
    uid = await writer.pane_uid(MuxInstance("local", "", "/run/sock", "1"), pane, 1000)
    segments: list[Segment] = []
    gaps: list[Gap] = []
    position = 0
    rows: list[Row] = []
    for number in range(ROWS):
        if (missing := GAPS.get(position, 0)) != 0:
            segments.append(Segment(position - len(rows), tuple(rows), 2000))
            rows = []
            gaps.append(Gap(position, missing, GapReason.TRIMMED, 2000))
            position += missing or 0
        rows.append(Row(number, f"row {number} ", wrapped=number % 7 == 3))
        position += 1
    segments.append(Segment(position - len(rows), tuple(rows), 2000))
    screen = Screen(3000, 1, 80, 2, (Row(0, "on screen"), Row(1, "")), Cursor(0, 0), "zsh", None, False)
    await writer.capture([Capture(uid, tuple(segments), tuple(gaps), screen, None)])
    await writer.close()


def paged(paths: Paths, wish: LogWish) -> list[Any]:
    async def collect() -> list[Any]:
        return [row async for page in read_log_in_pages(paths, wish) for row in page["rows"]]

    return asyncio.run(collect())


@pytest.mark.parametrize("physical", [True, False])
def test_pages_are_the_log(paths: Paths, physical: bool) -> None:
    """Read in parts or at once: every row and gap once, in order, lines joined across pages, then the screen."""
    wish = LogWish("p1", everything=True, physical=physical)
    whole = asyncio.run(read_log(paths, wish))

    assert paged(paths, wish) == whole["rows"]
    assert [row["gap"]["missing"] for row in whole["rows"] if row["gap"]] == list(GAPS.values())
    text = "".join(row["text"] for row in whole["rows"])
    assert text == "".join(f"row {number} " for number in range(ROWS)) + "on screen"
    if physical:
        assert len(whole["rows"]) == ROWS + len(GAPS) + 2
    assert (whole["live"], whole["more"], whole["pane"]["pane_uid"]) == (False, False, "p1")


@pytest.mark.parametrize("tail", [0, 1, 2, 30, 1000])
def test_the_tail_is_an_end_of_the_log(paths: Paths, tail: int) -> None:
    """`--tail N` is the last N lines of `--all`, whole, and says whether there is more."""
    everything = asyncio.run(read_log(paths, LogWish("p1", everything=True)))["rows"]
    cut = asyncio.run(read_log(paths, LogWish("p1", tail=tail)))

    assert cut["rows"] == everything[len(everything) - len(cut["rows"]) :]
    assert sum(row["gap"] is None for row in cut["rows"]) == min(tail, sum(row["gap"] is None for row in everything))
    assert cut["more"] is (len(cut["rows"]) < len(everything))


def test_without_the_screen(paths: Paths) -> None:
    """`--stored` ends with the log, in pages too."""
    wish = LogWish("p1", everything=True, stored_only=True)

    assert paged(paths, wish)[-1]["kind"] == "output"
    assert asyncio.run(read_log(paths, LogWish("p1", stored_only=True, tail=1)))["rows"][0]["text"].startswith(
        "row 136"
    )


def test_since_takes_what_came_after(paths: Paths) -> None:
    """Rows, gaps and the screen are told apart by when they were seen."""
    later = asyncio.run(read_log(paths, LogWish("p1", since="1970-01-01T00:00:02.500Z")))
    assert [row["text"] for row in later["rows"]] == ["on screen"]
    assert paged(paths, LogWish("p1", since="1970-01-01T00:00:09Z")) == []
