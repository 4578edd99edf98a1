"""Panes that end while nobody watches."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wa.model.identity import MuxInstance, Pane
from wa.model.screen import Cursor, Row, Screen
from wa.store.reader import Reader
from wa.store.records import Capture, StoreSettings
from wa.store.writer import Writer

EARLIER = MuxInstance("local", "", "/run/sock", "100-1")
NOW = MuxInstance("local", "", "/run/sock", "200-2")
ELSEWHERE = MuxInstance("other", "", "/run/other", "300-3")


def pane(pane_id: int) -> Pane:
    return Pane(pane_id, 0, 0, "", "bash", None, 80, 2, True, False, None, "", "", 0, (0, 0))


def screen(text: str) -> Screen:
    return Screen(1, 1, 80, 2, (Row(0, text), Row(1, "")), Cursor(0, 0), "bash", None, None)


def test_panes_that_a_list_leaves_out_or_whose_server_is_another_are_closed(tmp_path: Path) -> None:
    """Only panes of this socket are judged; the last screens of those that ended unseen stay to be found."""

    async def run() -> None:
        writer = await Writer.open(tmp_path / "wa.db", settings=StoreSettings())
        reader = await Reader.open(tmp_path / "wa.db")
        try:
            old = await writer.pane_uid(EARLIER, pane(0), 1)
            here = await writer.pane_uid(NOW, pane(0), 1)
            ended = await writer.pane_uid(NOW, pane(1), 1)
            other = await writer.pane_uid(ELSEWHERE, pane(7), 1)
            await writer.capture([Capture(uid, screen=screen(f"last words of {uid}")) for uid in (old, ended)])

            assert await writer.close_absent(NOW, {0}, 5) == 2

            alive = {record.pane_uid: record.alive for record in await reader.panes()}
            assert alive == {old: False, here: True, ended: False, other: True}
            kept = {one.pane_uid: one.screen.rows[0].text for one in await reader.screens(closed=True)}
            assert kept == {uid: f"last words of {uid}" for uid in (old, ended)}
            assert await writer.close_absent(NOW, {0}, 6) == 0
        finally:
            await reader.close()
            await writer.close()

    asyncio.run(run())


def test_a_pane_whose_end_was_watched_keeps_no_screen(tmp_path: Path) -> None:
    """Its last rows went into the log, so they would be there twice."""

    async def run() -> None:
        writer = await Writer.open(tmp_path / "wa.db", settings=StoreSettings())
        reader = await Reader.open(tmp_path / "wa.db")
        try:
            uid = await writer.pane_uid(NOW, pane(0), 1)
            await writer.capture([Capture(uid, screen=screen("bye"))])
            await writer.close_panes([uid], 2)
            assert await reader.screens(closed=True) == []
        finally:
            await reader.close()
            await writer.close()

    asyncio.run(run())
