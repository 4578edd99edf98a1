"""What shells ran: listed from the database, and followed as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from wa.api.client import connected_if_any
from wa.api.events import PAGE, listening, opened, recorded
from wa.api.panes import pane_uid
from wa.api.times import length_ms, now_ms, parse
from wa.config.paths import Paths
from wa.model.errors import UsageError
from wa.protocol.envelope import iso, iso_or_none
from wa.protocol.results_commands import CommandResult, CommandsResult
from wa.store.command_records import CommandRecord
from wa.store.read_commands import Asked


@dataclass(frozen=True, slots=True)
class CommandWish:
    text: str | None = None
    pane: str | None = None
    failed: bool = False
    slower_than: str | None = None
    since: str | None = None
    until: str | None = None
    limit: int = 50


async def list_commands(paths: Paths, wish: CommandWish) -> CommandsResult:
    """The newest `limit`, oldest first. Raises NotFound for an unknown pane."""
    asked = _asked(wish)
    async with recorded(paths, wish.pane) as records:
        found: list[CommandRecord] = []
        if records.history is not None:
            found = await records.history.commands(asked._replace(pane=records.uid), limit=wish.limit + 1)
        more = len(found) > wish.limit
        return _result(found[-wish.limit :], live=records.live, as_of=records.as_of, more=more)


async def follow_commands(paths: Paths, wish: CommandWish) -> AsyncGenerator[CommandsResult, None]:
    """First what there is, then each as it begins and as it ends, without end; as `wa.api.events.follow_events` does."""
    if wish.until is not None:
        raise UsageError("--until and --follow cannot both be", next_step="Leave one of them out.")
    asked = _asked(wish)
    async with connected_if_any(paths.socket) as sidecar:
        asked = asked._replace(pane=await pane_uid(paths, sidecar, wish.pane))
    after = -1
    while True:
        async with listening(paths) as heard, opened(paths) as history:
            if after < 0:
                after = await history.last_revision()
                first = await history.commands(asked, limit=wish.limit)
                after = max([after, *(one.revision for one in first)])
                yield _now(first, live=heard.live)
            while True:
                await heard.mark(history)
                # What has begun before it was asked for ends later all the same.
                fresh = await history.commands(
                    asked._replace(since_ms=None, now_ms=now_ms()), after_revision=after, limit=PAGE
                )
                if fresh:
                    after = fresh[-1].revision
                    yield _now(fresh, live=heard.live)
                if len(fresh) < PAGE and not await heard.more(history):
                    break


def _asked(wish: CommandWish) -> Asked:
    at_ms = now_ms()
    return Asked(
        text=wish.text,
        failed=wish.failed,
        slower_ms=None if wish.slower_than is None else length_ms(wish.slower_than, option="--slower-than"),
        now_ms=at_ms,
        since_ms=None if wish.since is None else parse(wish.since, at_ms=at_ms),
        until_ms=None if wish.until is None else parse(wish.until, at_ms=at_ms, option="--until"),
    )


def _now(found: Sequence[CommandRecord], *, live: bool) -> CommandsResult:
    return _result(found, live=live, as_of=iso(now_ms()), more=False)


def _result(found: Sequence[CommandRecord], *, live: bool, as_of: str | None, more: bool) -> CommandsResult:
    return CommandsResult(live=live, as_of=as_of, commands=[command_result(one) for one in found], more=more)


def command_result(found: CommandRecord) -> CommandResult:
    return CommandResult(
        id=found.id,
        pane_uid=found.pane_uid,
        command=found.command,
        cut=found.cut,
        cwd=found.cwd,
        state="done" if found.duration_ms is not None else "running" if _runs(found) else "lost",
        exit_status=found.exit_status,
        started_at=iso(found.started_ms),
        ended_at=iso_or_none(found.ended_ms),
        duration_s=None if found.duration_ms is None else found.duration_ms / 1000,
        proven=found.proven,
    )


def _runs(found: CommandRecord) -> bool:
    return found.ended_ms is None and found.alive
