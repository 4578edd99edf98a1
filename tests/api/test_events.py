"""What agents said, listed and followed: beside a sidecar, without one, and through its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from store.agents_made_up import noted, whole_run
from store.world import Log, new_log
from wa.api.events import EventWish, follow_events, list_events
from wa.config.paths import Paths
from wa.engine.server import Server, Stream
from wa.model.errors import NotFound, UsageError
from wa.protocol import sidecar_wire as wire
from wa.protocol.results_agents import EventsResult
from wa.store.agent_records import AgentBatch
from wa.store.writer import Writer

WITHIN_S = 30.0


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.from_env({"WA_HOME": str(tmp_path)})


@asynccontextmanager
async def writing(paths: Paths) -> AsyncIterator[Writer]:
    writer = await Writer.open(paths.database)
    try:
        yield writer
    finally:
        await writer.close()


async def say(writer: Writer, log: Log, at_ms: int, event: str = "error.api", **fields: object) -> None:
    await writer.agent_events([AgentBatch(log.uid, (noted(event, at_ms, session=None, **fields),))])


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(WITHIN_S):
            await test()

    asyncio.run(within())


def said(result: EventsResult) -> list[str]:
    return [f"{one['pane_uid']} {one['event']} {one['at'][17:]}" for one in result["events"]]


def test_the_newest_are_listed_oldest_first(paths: Paths) -> None:
    """By pane, event and instant; whether there are more is said, and that nobody watches."""

    async def test() -> None:
        async with writing(paths) as writer:
            one, two = await new_log(writer, 1), await new_log(writer, 2)
            await writer.agent_events([AgentBatch(one.uid, whole_run(1000))])
            await say(writer, two, 3000, "usage.warning", percent=80)
            every = await list_events(paths, EventWish())
            assert said(every) == ["p1 session.start 01.000Z", "p1 usage.limit 01.400Z", "p2 usage.warning 03.000Z"]
            assert (every["live"], every["more"], every["as_of"] is not None) == (False, False, True)
            assert every["events"][1]["session"] == "s1"
            assert every["events"][1]["fields"] == {"reset": "6:38 AM", "window": "5h"}
            newest = await list_events(paths, EventWish(limit=2))
            assert (said(newest), newest["more"]) == (said(every)[1:], True)
            for event in ("usage", "usage.", "usage.*"):
                assert said(await list_events(paths, EventWish(event=event))) == said(every)[1:]
            assert said(await list_events(paths, EventWish(event="usage.limit"))) == said(every)[1:2]
            assert said(await list_events(paths, EventWish(pane="p2"))) == said(every)[2:]
            assert said(await list_events(paths, EventWish(since="1970-01-01T00:00:01.400Z"))) == said(every)[1:]
            assert said(await list_events(paths, EventWish(until="1970-01-01T00:00:01.400Z"))) == said(every)[:1]

    run(test)


def test_what_does_not_exist_is_told_apart_from_nothing(paths: Paths) -> None:
    """No database yet: no events. A pane that there never was: an error."""

    async def test() -> None:
        nothing = await list_events(paths, EventWish())
        assert (nothing["events"], nothing["as_of"]) == ([], None)
        with pytest.raises(NotFound):
            await list_events(paths, EventWish(pane="p9"))
        with pytest.raises(UsageError):
            await list_events(paths, EventWish(since="whenever"))
        with pytest.raises(UsageError, match="--until"):
            await anext(follow_events(paths, EventWish(until="now")))

    run(test)


def test_following_without_a_sidecar_watches_the_database(paths: Paths) -> None:
    """From before it exists on; each event once, in its order, whatever pane it is of."""

    async def test() -> None:
        async with aclosing(follow_events(paths, EventWish(event="error"))) as heard, asyncio.TaskGroup() as group:
            first = group.create_task(anext(heard))
            async with writing(paths) as writer:
                log, other = await new_log(writer, 1), await new_log(writer, 2)
                found = [*said(await first)]
                for at_ms in range(1000, 1005):
                    await say(writer, log if at_ms % 2 else other, at_ms)
                    await say(writer, log, at_ms, "turn.working")
                    while len(found) < at_ms - 999:
                        result = await anext(heard)
                        assert result["live"] is False
                        found += said(result)
        assert found == [f"p{1 if at % 2 else 2} error.api 01.{at - 1000:03}Z" for at in range(1000, 1005)]

    run(test)


def test_a_database_that_is_being_made_is_waited_for(paths: Paths) -> None:
    """It is there, and has no tables yet; one that stays so is an error."""

    async def test() -> None:
        paths.database.parent.mkdir(parents=True)
        paths.database.touch(mode=0o600)
        async with aclosing(follow_events(paths, EventWish())) as heard, asyncio.TaskGroup() as group:
            first = group.create_task(anext(heard))
            await asyncio.sleep(0)
            async with writing(paths) as writer:
                await say(writer, await new_log(writer), 1000)
                found = said(await first)
                while not found:
                    found = said(await anext(heard))
                assert found == ["p1 error.api 01.000Z"]

    run(test)


def test_following_begins_with_the_newest(paths: Paths) -> None:
    """As many as are asked for, or since an instant; then what comes, though its instant is older."""

    async def test() -> None:
        async with writing(paths) as writer:
            log = await new_log(writer)
            for at_ms in (1000, 2000, 3000):
                await say(writer, log, at_ms)
            for wish, expected in (
                (EventWish(limit=2), ["02", "03"]),
                (EventWish(since="1970-01-01T00:00:03Z"), ["03"]),
                (EventWish(pane=log.uid, event="turn"), []),
            ):
                async with aclosing(follow_events(paths, wish)) as heard:
                    first = await anext(heard)
                    assert [one["at"][17:19] for one in first["events"]] == expected
            async with aclosing(follow_events(paths, EventWish(limit=1))) as heard:
                assert said(await anext(heard)) == ["p1 error.api 03.000Z"]
                await say(writer, log, 500)
                assert said(await anext(heard)) == ["p1 error.api 00.500Z"]

    run(test)


class Sidecar:
    """The engine's server, telling of events as the sidecar does: before they are stored; `flush` stores them."""

    def __init__(self, paths: Paths, writer: Writer, *, tells: bool = True) -> None:
        self._paths = paths
        self._writer = writer
        self._waiting: list[AgentBatch] = []
        self._streams: list[Stream] = []
        self.subscribed = asyncio.Event()
        hello = wire.hello(version="1", pid=1, started_ms=1)
        streams = {"subscribe": self._subscribe} if tells else {"subscribe": self._refuse}
        self.server = Server(lambda: hello, {"flush": self._flush, "panes": self._panes}, streams)

    def tell(self, log: Log, at_ms: int, event: str = "error.api") -> None:
        self._waiting.append(AgentBatch(log.uid, (noted(event, at_ms, session=None),)))
        for stream in self._streams:
            stream.send(wire.pack_value({"kind": "event", "pane_uid": log.uid, "event": event}))

    async def _flush(self, _params: Any) -> dict[str, Any]:
        batches, self._waiting = self._waiting, []
        await self._writer.agent_events(batches)
        return {}

    async def _panes(self, _params: Any) -> dict[str, Any]:
        return {"live": True, "as_of": "2026-11-21T08:42:29.123Z", "panes": []}

    def _subscribe(self, params: Any, stream: Stream) -> None:
        assert params["kinds"] == ["event"]
        stream.begin({"panes": {}})
        self._streams.append(stream)
        self.subscribed.set()

    def _refuse(self, _params: Any, _stream: Stream) -> None:
        self.subscribed.set()
        raise UsageError("'event' is no kind")


def test_following_a_sidecar_hears_at_once_and_lasts_through_its_end(paths: Paths) -> None:
    """The sidecar tells; when it is gone the database says what comes; the next one tells again. Nothing twice."""

    async def test() -> None:
        paths.socket.parent.mkdir(parents=True, exist_ok=True)
        async with writing(paths) as writer:
            log = await new_log(writer)
            first = Sidecar(paths, writer)
            await first.server.start(paths.socket)
            async with aclosing(follow_events(paths, EventWish())) as heard:
                assert (await anext(heard))["live"] is True
                first.tell(log, 1000)
                result = await anext(heard)
                assert (said(result), result["live"]) == (["p1 error.api 01.000Z"], True)
                await first.server.close()
                async with asyncio.TaskGroup() as group:
                    orphan = group.create_task(anext(heard))
                    await say(writer, log, 2000)
                    assert said(await orphan) == ["p1 error.api 02.000Z"]
                second = Sidecar(paths, writer)
                await second.server.start(paths.socket)
                async with asyncio.TaskGroup() as group:
                    again = group.create_task(anext(heard))
                    await say(writer, log, 3000)
                    found = said(await again)
                    after = group.create_task(anext(heard))
                    await second.subscribed.wait()
                    second.tell(log, 4000)
                    while len(found) < 2:
                        found += said(await after)
                        after = group.create_task(anext(heard)) if len(found) < 2 else after
                assert found == ["p1 error.api 03.000Z", "p1 error.api 04.000Z"]
            await second.server.close()

    run(test)


def test_a_sidecar_that_tells_of_no_events_is_no_hindrance(paths: Paths) -> None:
    """One of an earlier wa: the database is watched."""

    async def test() -> None:
        paths.socket.parent.mkdir(parents=True, exist_ok=True)
        async with writing(paths) as writer:
            log = await new_log(writer)
            sidecar = Sidecar(paths, writer, tells=False)
            await sidecar.server.start(paths.socket)
            async with aclosing(follow_events(paths, EventWish())) as heard:
                assert (await anext(heard))["live"] is False
                await say(writer, log, 1000)
                assert said(await anext(heard)) == ["p1 error.api 01.000Z"]
            await sidecar.server.close()

    run(test)


def test_listing_beside_a_sidecar_leaves_nothing_in_memory_out(paths: Paths) -> None:
    """What waits to be written is written first."""

    async def test() -> None:
        paths.socket.parent.mkdir(parents=True, exist_ok=True)
        async with writing(paths) as writer:
            log = await new_log(writer)
            sidecar = Sidecar(paths, writer)
            await sidecar.server.start(paths.socket)
            sidecar.tell(log, 1000)
            result = await list_events(paths, EventWish(pane=log.uid))
            assert (said(result), result["live"]) == (["p1 error.api 01.000Z"], True)
            await sidecar.server.close()

    run(test)
