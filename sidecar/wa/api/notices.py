"""What you were told, and trying whether you can be."""

from __future__ import annotations

from collections.abc import Sequence

from wa.api.client import connected
from wa.api.events import recorded
from wa.api.times import now_ms, parse
from wa.config.paths import Paths
from wa.model.errors import ConfigError, WaError
from wa.protocol.envelope import iso
from wa.protocol.results_notices import NoticeResult, NoticesResult, NotifyTestResult
from wa.store.notices import NoticeReader, NoticeRecord

TEST_WITHIN_S = 30.0


class NotDeliveredError(WaError):
    """No way of telling you works."""

    code = "notify.failed"
    next_step = "Mend the first of the reasons above, restart the sidecar, and try again."


async def list_notices(
    paths: Paths, *, pane: str | None = None, since: str | None = None, limit: int = 100
) -> NoticesResult:
    """The newest *limit*, oldest first. Raises NotFound for an unknown pane."""
    since_ms = None if since is None else parse(since, at_ms=now_ms())
    async with recorded(paths, pane) as records:
        found: list[NoticeRecord] = []
        if records.history is not None:
            found = await NoticeReader(records.history).notices(records.uid, since_ms=since_ms, limit=limit + 1)
        more = len(found) > limit
        told = [_result(one) for one in reversed(found[:limit])]
        return NoticesResult(live=records.live, as_of=records.as_of, notices=told, more=more)


async def try_ways(paths: Paths, ways: Sequence[str] = ()) -> NotifyTestResult:
    """Raises SidecarError without a sidecar, ConfigError where no way is set, NotDeliveredError where one failed."""
    async with connected(paths.socket) as sidecar:
        reply = await sidecar.call("notify_test", {"ways": list(ways)}, within_s=TEST_WITHIN_S)
    said: dict[str, str] = reply["ways"]
    if not said:
        raise ConfigError("notify.channels is empty: nobody is told", next_step="Name a way: `wa config path`.")
    failed = {way: how for way, how in said.items() if how != "delivered"}
    if failed:
        words = "; ".join(f"{way} {how}" for way, how in failed.items())
        raise NotDeliveredError(words, details={"ways": said})
    return NotifyTestResult(ways=said, delivered=len(said))


def _result(one: NoticeRecord) -> NoticeResult:
    return NoticeResult(
        id=one.id,
        at=iso(one.at_ms),
        pane_uid=one.pane_uid,
        needs_you=one.needs_you,
        title=one.title,
        body=one.body,
        key=one.key,
        delivered=dict(one.delivered),
    )
