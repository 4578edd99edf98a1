"""Panes that end while nobody watches."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wa.detect import session_ops as ops
from wa.model.identity import MuxInstance, Pane
from wa.model.screen import Cursor, Row, Screen
from wa.store.agent_records import AgentBatch
from wa.store.reader import Reader
from wa.store.records import Capture, StoreSettings
from wa.store.run_reading import RunReader
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


def test_agents_that_ended_with_their_mux_are_told_from_those_whose_pane_closed(tmp_path: Path) -> None:
    """By the run of the mux that they were in; who was there when nobody watched the end is not said to have been."""

    async def run() -> None:
        writer = await Writer.open(tmp_path / "wa.db", settings=StoreSettings())
        reader = await Reader.open(tmp_path / "wa.db")
        try:
            ref = ops.SessionRef(1, "codex")
            uids = [
                await writer.pane_uid(*place, 1) for place in ((EARLIER, pane(0)), (NOW, pane(1)), (EARLIER, pane(2)))
            ]
            opened = [AgentBatch(uid, (ops.OpenSession(ref, 1, False),)) for uid in uids]
            await writer.agent_events(opened)
            await writer.close_panes([uids[2]], 2)
            for lost_ms in (3, None, 4):
                await writer.mux_lost(EARLIER, lost_ms)

            await writer.close_absent(NOW, {0}, 5)

            modes = [(await reader.sessions(uid))[0].end_mode for uid in uids]
            assert modes == ["mux_ended", "pane_closed", "pane_closed"]
            lost = await RunReader(reader).lost_with(NOW, 0)
            assert [(one.pane_uid, one.lost_ms, one.session_id) for one in lost] == [(uids[0], 4, None)]
            assert await RunReader(reader).lost_with(EARLIER, 0) == []
            assert await RunReader(reader).lost_with(ELSEWHERE, 0) == []
            # A note of the watch that comes later says the same of a pane that was closed with it.
            await writer.agent_events([AgentBatch(uids[2], (ops.CloseSession(ref, 5, ops.EndMode.MUX_ENDED),))])
            assert (await reader.sessions(uids[2]))[0].end_mode == "mux_ended"
        finally:
            await reader.close()
            await writer.close()

    asyncio.run(run())
