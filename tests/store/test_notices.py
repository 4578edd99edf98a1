"""Notices on disk: once per key, clean, and forgotten with their pane."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.world import everything_in, new_log, opened, run
from wa.store.notices import NoticeReader, NoticeWriter

DAY_MS = 86_400_000


async def add(writer: NoticeWriter, key: str, at_ms: int, pane: str | None = None, body: str = "") -> int | None:
    return await writer.add(key, at_ms, pane, needs_you=True, title="t", body=body, within_ms=DAY_MS)


def test_two_of_one_key_within_a_day_are_one(tmp_path: Path) -> None:
    """Also after a restart, and the next day it is told again."""

    async def test() -> list[bool]:
        async with opened(tmp_path / "wa.db") as (writer, _):
            first = [await add(NoticeWriter(writer), "k", at_ms) for at_ms in (1000, 2000)]
        async with opened(tmp_path / "wa.db") as (writer, _):
            notices = NoticeWriter(writer)
            first += [await add(notices, "k", DAY_MS), await add(notices, "other", DAY_MS)]
            first += [await add(notices, "k", 1000 + DAY_MS)]
        return [one is not None for one in first]

    assert run(test) == [True, False, False, True, True]


def test_what_became_of_it_is_read_back(tmp_path: Path) -> None:
    """Newest first, of one pane or of all, since an instant."""

    async def test() -> None:
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer, 1)
            notices = NoticeWriter(writer)
            first = await add(notices, "a", 1000)
            second = await add(notices, "b", 2000, log.uid)
            assert first is not None
            assert second is not None
            await notices.delivered(second, {"desktop": "delivered", "ntfy": "failed: it said no"})
            found = await NoticeReader(reader).notices(since_ms=None, limit=10)
            assert [(one.key, one.pane_uid, one.needs_you) for one in found] == [
                ("b", log.uid, True),
                ("a", None, True),
            ]
            assert found[0].delivered == {"desktop": "delivered", "ntfy": "failed: it said no"}
            assert [one.key for one in await NoticeReader(reader).notices(log.uid, since_ms=None, limit=10)] == ["b"]
            assert [one.key for one in await NoticeReader(reader).notices(since_ms=2000, limit=10)] == ["b"]
            assert len(await NoticeReader(reader).notices(since_ms=None, limit=1)) == 1

    run(test)


def test_no_secret_of_a_notice_reaches_the_disk(tmp_path: Path) -> None:
    """Neither in its words nor in a reason for a failure."""
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"  # made up

    async def test() -> None:
        async with opened(tmp_path / "wa.db") as (writer, _):
            notice = await add(NoticeWriter(writer), "k", 1000, body=f"token {secret}")
            assert notice is not None
            await NoticeWriter(writer).delivered(notice, {"webhook": f"failed: {secret}"})

    run(test)

    assert secret.encode() not in everything_in(tmp_path)


@pytest.mark.parametrize("by", ["pane", "since"])
def test_they_are_forgotten_with_their_pane_and_time(tmp_path: Path, by: str) -> None:
    """No byte stays; those of other panes and times do."""

    async def test() -> list[str]:
        async with opened(tmp_path / "wa.db") as (writer, reader):
            gone, kept = await new_log(writer, 1), await new_log(writer, 2)
            await gone.add("x")
            await kept.add("x")
            notices = NoticeWriter(writer)
            await add(notices, "gone", 5000, gone.uid, "zebracorn")
            await add(notices, "kept", 1000, kept.uid)
            await writer.forget(**({"pane_uid": gone.uid} if by == "pane" else {"since_ms": 3000}))
            return [one.key for one in await NoticeReader(reader).notices(since_ms=None, limit=10)]

    assert run(test) == ["kept"]
    assert b"zebracorn" not in everything_in(tmp_path)


def test_old_ones_go_with_retention(tmp_path: Path) -> None:
    """After the age that the settings say."""

    async def test() -> list[str]:
        async with opened(tmp_path / "wa.db", retain_age_ms=10 * DAY_MS) as (writer, reader):
            log = await new_log(writer, 1)
            await log.add("x", at_ms=30 * DAY_MS)
            notices = NoticeWriter(writer)
            await add(notices, "old", DAY_MS)
            await add(notices, "new", 30 * DAY_MS)
            await writer.retain(31 * DAY_MS)
            return [one.key for one in await NoticeReader(reader).notices(since_ms=None, limit=10)]

    assert run(test) == ["new"]
