import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wa.model.errors import ProtocolUnsupported, TerminalRefused, TerminalUnreachable
from wa.model.observation import Disconnected, Lull
from wa.protocol import mux
from wa.wezterm.connection import FIRST_SERIAL, Limits, MuxConnection, is_foreign
from wa.wezterm.inbox import Heard
from wa.wezterm.peers import connect_socket
from wa.wezterm.timekeeping import SystemClock
from wa.wezterm.transports import open_socket
from wezterm.fake_mux import FakeMux, FakePane, frame_of
from wezterm.waiting import run, until

QUICK = Limits(request_s=0.2, patience_s=0.6, heartbeat_s=30.0, ping_s=0.2, tick_s=0.02)


@asynccontextmanager
async def connected(path: Path, fake: FakeMux, limits: Limits | None = None) -> AsyncIterator[MuxConnection]:
    async with fake.listening(path) as address:
        connection = MuxConnection("local", SystemClock(), limits=limits)
        connection.attach(await open_socket(await connect_socket(address), connection, name="local"))
        try:
            yield connection
        finally:
            await connection.close()


async def ping(connection: MuxConnection) -> mux.Pong:
    return await connection.request(mux.Ping(), mux.Pong)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sock"


def test_replies_find_their_requests_in_any_order(path: Path) -> None:
    """The server answers as it gets round to it; each answer reaches the one who asked."""

    async def scene() -> None:
        fake = FakeMux()
        for pane_id in range(8):
            fake.panes[pane_id] = FakePane(pane_id, rows=[f"pane {pane_id} row {n}" for n in range(24)])
        held: list[tuple[int, mux.GetLines]] = []

        def hold(ask: mux.GetLines) -> None:
            held.append((fake.serials[-1], ask))
            if len(held) == 8:
                for serial, waiting in reversed(held):
                    answer = fake.truth(waiting)
                    assert isinstance(answer, mux.GetLinesResponse)
                    fake.connections[0].send(serial, answer, compress=True)

        fake.lies[mux.GetLines] = hold
        async with connected(path, fake) as connection, asyncio.TaskGroup() as group:
            asked = [
                group.create_task(
                    connection.request(mux.GetLines(pane_id, (range(24),)), mux.GetLinesResponse, ordered=False)
                )
                for pane_id in range(8)
            ]
        for pane_id, task in enumerate(asked):
            answer = task.result()
            assert answer.pane_id == pane_id
            assert answer.lines[3].text == f"pane {pane_id} row 3"

    run(scene())


def test_serials_begin_high_and_strangers_are_ignored(path: Path) -> None:
    """The proxy's own reply (serial 1) and replies that came too late disturb nobody."""

    async def scene() -> None:
        fake = FakeMux()
        async with connected(path, fake) as connection:
            connection.handshake_done(44)
            await until(lambda: fake.connections)
            fake.push_raw(frame_of(mux.UnitResponse(), serial=1))
            fake.push_raw(frame_of(mux.ErrorResponse("late"), serial=FIRST_SERIAL + 999))
            await ping(connection)
            assert min(fake.serials) > FIRST_SERIAL
            assert connection.error is None
            assert len(connection.inbox) == 0

    run(scene())


def test_a_reply_to_the_proxy_before_the_handshake_is_ignored(path: Path) -> None:
    """On a busy mux the proxy swallows a push in place of its reply, which then reaches us first of all."""

    async def scene() -> None:
        fake = FakeMux()
        fake.greeting = frame_of(mux.UnitResponse(), serial=1)
        async with connected(path, fake) as connection:
            assert await ping(connection) == mux.Pong()

    run(scene())


def test_a_stream_that_begins_with_a_foreign_reply_is_no_mux(path: Path) -> None:
    """Nobody but us asks on our connection: `hi\\n` and a few bytes more must not pass for a frame."""

    async def scene() -> None:
        fake = FakeMux()
        fake.greeting = b"\x03\x69\x0a\x00"  # a whole frame: serial 105, ident 10
        async with connected(path, fake) as connection:
            with pytest.raises(ProtocolUnsupported):
                await ping(connection)

    run(scene())


def test_an_error_response_is_a_refusal(path: Path) -> None:
    """`no such pane 999` is an answer: the connection stands, the message is the server's."""

    async def scene() -> None:
        async with connected(path, FakeMux()) as connection:
            with pytest.raises(TerminalRefused, match="no such pane 999"):
                await connection.request(mux.SendPaste(999, "x"), mux.UnitResponse)
            assert await ping(connection) == mux.Pong()

    run(scene())


def test_an_answer_of_the_wrong_kind_is_not_trusted(path: Path) -> None:
    """A reply of another kind than asked for is an error of the protocol, not a value."""

    async def scene() -> None:
        fake = FakeMux()
        fake.lies[mux.Ping] = lambda _: mux.UnitResponse()
        async with connected(path, fake) as connection:
            with pytest.raises(ProtocolUnsupported, match="in place of Pong"):
                await ping(connection)

    run(scene())


def test_a_server_that_never_answers_is_given_up(path: Path) -> None:
    """Silence fails the request in its time, the connection goes on, and a late answer is thrown away."""

    async def scene() -> None:
        fake = FakeMux()
        fake.lies[mux.Ping] = lambda _: None
        async with connected(path, fake, QUICK) as connection:
            connection.handshake_done(44)
            with pytest.raises(TerminalUnreachable, match="no answer to Ping"):
                await ping(connection)
            fake.push_raw(frame_of(mux.Pong(), serial=fake.serials[-1]))
            del fake.lies[mux.Ping]
            assert await ping(connection) == mux.Pong()

    run(scene())


def test_requests_are_patient_while_pushes_arrive(path: Path) -> None:
    """A flooded server prefers pushing to answering: as long as it talks, the request's time-out does not count."""

    async def scene() -> None:
        fake = FakeMux()
        fake.lies[mux.Ping] = lambda _: None
        async with connected(path, fake, QUICK) as connection:
            connection.handshake_done(44)
            loop = asyncio.get_running_loop()
            began = loop.time()
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(ping(connection))
                while loop.time() - began < 2 * QUICK.request_s:
                    fake.push_pane(0)
                    await asyncio.sleep(0.02)
                assert not asked.done()
                fake.push_raw(frame_of(mux.Pong(), serial=fake.serials[-1]))
            assert asked.result() == mux.Pong()

    run(scene())


def test_patience_has_an_end(path: Path) -> None:
    """A server that pushes for ever and never answers fails the request too."""

    async def scene() -> None:
        fake = FakeMux()
        fake.lies[mux.Ping] = lambda _: None
        async with connected(path, fake, QUICK) as connection:
            connection.handshake_done(44)
            asked = connection.start(mux.Ping())
            while not asked.reply.done():
                fake.push_pane(0)
                await asyncio.sleep(0.02)
            with pytest.raises(TerminalUnreachable, match="no answer to Ping"):
                await connection.finish(asked, mux.Pong)

    run(scene())


def test_a_dead_connection_is_noticed(path: Path) -> None:
    """After silence a Ping; no sign of life after that ends the connection, though the socket still looks sound."""

    async def scene() -> None:
        fake = FakeMux()
        fake.lies[mux.Ping] = lambda _: None
        limits = Limits(heartbeat_s=0.1, ping_s=0.1, tick_s=0.02)
        async with connected(path, fake, limits) as connection:
            connection.handshake_done(44)
            await until(lambda: connection.error)
            assert isinstance(connection.error, TerminalUnreachable)
            assert "no sign of life" in connection.error.message

    run(scene())


def test_a_quiet_server_that_answers_pings_is_left_in_peace(path: Path) -> None:
    """Silence alone is no death: nothing printed means nothing pushed."""

    async def scene() -> None:
        fake = FakeMux()
        async with connected(path, fake, Limits(heartbeat_s=0.05, ping_s=0.2, tick_s=0.01)) as connection:
            connection.handshake_done(44)
            await until(lambda: sum(isinstance(pdu, mux.Ping) for pdu in fake.asked) >= 4)
            assert connection.error is None

    run(scene())


@pytest.mark.parametrize(
    "rubbish",
    [b"\x80\x80\x80\x80\x04", b"\xff" * 10, b"\x00"],
    ids=["one gigabyte", "endless varint", "empty frame"],
)
def test_a_stream_that_cannot_be_cut_ends_the_connection(path: Path, rubbish: bytes) -> None:
    """A length beyond all bounds or without an end: nothing is allocated, requests fail, what stood before counts."""

    async def scene() -> None:
        fake = FakeMux()
        fake.panes[0].print("before")
        async with connected(path, fake) as connection:
            connection.handshake_done(44)
            await until(lambda: fake.connections)
            fake.lies[mux.Ping] = lambda _: frame_of(fake.panes[0].push(1)) + rubbish
            with pytest.raises(ProtocolUnsupported):
                await ping(connection)
            first, second = await connection.inbox.get(), await connection.inbox.get()
            assert isinstance(first, Heard)
            assert isinstance(second, Disconnected)

    run(scene())


def test_a_torn_frame_ends_with_its_connection(path: Path) -> None:
    """The server dies in the middle of a frame: what waits fails, nothing half is decoded."""

    async def scene() -> None:
        fake = FakeMux()
        whole = frame_of(fake.panes[0].push(1))

        def die(_: mux.Ping) -> None:
            fake.push_raw(whole[: len(whole) // 2])
            fake.connections[0].writer.close()

        fake.lies[mux.Ping] = die
        async with connected(path, fake) as connection:
            connection.handshake_done(44)
            with pytest.raises(TerminalUnreachable) as raised:
                await ping(connection)
            assert raised.value.details["torn_bytes"] == len(whole) // 2
            assert isinstance(await connection.inbox.get(), Disconnected)

    run(scene())


def test_frames_may_come_in_any_pieces(path: Path) -> None:
    """Byte by byte or all at once, the same pushes are heard."""

    async def scene() -> None:
        fake = FakeMux()
        stream = b"".join(frame_of(fake.panes[0].push(n), compress=True) for n in range(1, 4))
        async with connected(path, fake) as connection:
            connection.handshake_done(44)
            await until(lambda: fake.connections)
            for at in range(len(stream)):
                connection.received(stream[at : at + 1])
            connection.received(stream)
            seqnos = []
            while (item := await connection.inbox.get(0)) is not None:
                assert isinstance(item, Heard)
                pdu = mux.decode(item.frame.ident, item.frame.payload(), 44)
                assert isinstance(pdu, mux.GetPaneRenderChangesResponse)
                seqnos.append(pdu.seqno)
            assert seqnos == [1, 2, 3, 1, 2, 3]

    run(scene())


def test_requests_after_the_end_fail_at_once(path: Path) -> None:
    """Nobody waits for an answer that cannot come."""

    async def scene() -> None:
        fake = FakeMux()
        async with connected(path, fake) as connection:
            await ping(connection)
            fake.hang_up()
            await until(lambda: connection.error)
            with pytest.raises(TerminalUnreachable):
                await ping(connection)

    run(scene())


def test_closing_fails_what_waits_and_may_be_repeated(path: Path) -> None:
    """A request under way when we hang up ends in an error, not in a hang."""

    async def scene() -> None:
        fake = FakeMux()
        fake.lies[mux.Ping] = lambda _: None
        async with connected(path, fake) as connection:
            asked = connection.start(mux.Ping())
            await connection.close()
            await connection.close()
            with pytest.raises(TerminalUnreachable):
                await connection.finish(asked, mux.Pong)

    run(scene())


def test_a_laptop_that_woke_asks_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock jumped while the monotonic one stood still: a Ping is sent without waiting for silence."""

    async def scene() -> None:
        fake = FakeMux()
        async with connected(path, fake, Limits(heartbeat_s=600.0, tick_s=0.01)) as connection:
            connection.handshake_done(44)
            await ping(connection)
            asked = len(fake.asked)
            monkeypatch.setattr("wa.wezterm.connection.time.time", lambda: 4e9)
            await until(lambda: len(fake.asked) > asked)
            assert isinstance(fake.asked[-1], mux.Ping)

    run(scene())


def test_a_huge_reply_does_not_hold_up_the_loop(path: Path) -> None:
    """While megabytes are decoded everything else gets its turns, and the rows are whole."""

    async def scene() -> None:
        fake = FakeMux()
        fake.panes[0] = FakePane(0, rows=[f"{n:05d}" + "zählbar " * 400 for n in range(500)], viewport_rows=24)
        turns: list[int] = []

        async def tick() -> None:
            while True:
                await asyncio.sleep(0.001)
                turns.append(connection.inbox.queued_bytes)

        async with connected(path, fake) as connection, asyncio.TaskGroup() as group:
            ticking = group.create_task(tick())
            waiting = connection.start(mux.GetLines(0, (range(500),)))
            await until(waiting.reply.done)
            turns.clear()
            answer = await connection.finish(waiting, mux.GetLinesResponse)
            ticking.cancel()
        assert len(turns) >= 2
        assert [row.text for row in answer.lines] == fake.panes[0].rows

    run(scene())


def test_what_nobody_needs_is_passed_over_unread(path: Path) -> None:
    """Palettes and clipboards are dropped by their number, even when their payload is rubbish."""

    async def scene() -> None:
        fake = FakeMux()
        async with connected(path, fake) as connection:
            connection.handshake_done(44)
            await until(lambda: fake.connections)
            for ident in (20, 38):
                fake.push_raw(mux.encode_frame(0, ident, b"\xff" * 4000))
            await ping(connection)
            assert len(connection.inbox) == 0

    run(scene())


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", False),
        (b"h", False),
        (b"Welcome to build-7!\r\n", True),
        (b"\x1b[1mhello\x1b[0m", True),
        (b"hi\n" + frame_of(mux.Pong(), serial=FIRST_SERIAL + 1), True),
        ("Größe ✓ und so weiter".encode(), True),
        ("üüüüüü weiter".encode(), True),
        (b"\xff" * 12, True),
        (frame_of(FakePane(0).push(1)), False),
        (frame_of(FakePane(0, rows=["x" * 80] * 24).push(1), compress=True), False),
        (frame_of(mux.Pong(), serial=FIRST_SERIAL + 1), False),
        (frame_of(mux.UnitResponse(), serial=1), False),
    ],
)
def test_tells_a_shells_greeting_from_frames(head: bytes, expected: bool) -> None:
    """Text in the stream is known by its first bytes, and no frame is taken for text, however little of it is there."""
    assert is_foreign(head) is expected
    if not expected:
        assert not any(is_foreign(head[:length]) for length in range(len(head)))


async def push_until_held_back(fake: FakeMux, connection: MuxConnection) -> None:
    heard: list[object] = []
    while not any(isinstance(item, Lull) for item in heard):
        fake.push_pane(0)
        await asyncio.sleep(0.005)
        heard += [await connection.inbox.get() for _ in range(len(connection.inbox))]


def test_a_request_goes_out_whole_while_the_server_is_held_back(path: Path) -> None:
    """The Ping that was begun is finished first: the server understands both."""

    async def scene() -> None:
        fake = FakeMux()
        async with connected(path, fake) as connection:
            connection.handshake_done(44)
            connection.relax(30.0)
            await until(lambda: fake.connections)
            await push_until_held_back(fake, connection)
            assert fake.asked == []
            dims = await connection.request(
                mux.GetPaneRenderableDimensions(0), mux.GetPaneRenderableDimensionsResponse, ordered=True
            )
            assert dims.pane_id == 0
            assert [type(pdu) for pdu in fake.asked] == [mux.Ping, mux.GetPaneRenderableDimensions]
            assert connection.error is None

    run(scene())


def test_what_was_begun_is_finished_before_hanging_up(path: Path) -> None:
    """The server hears a whole frame and then the end, nothing that it would complain of."""

    async def scene() -> None:
        fake = FakeMux()
        async with connected(path, fake) as connection:
            connection.handshake_done(44)
            connection.relax(30.0)
            await until(lambda: fake.connections)
            await push_until_held_back(fake, connection)
        await until(lambda: not fake.connections)
        assert fake.asked == [mux.Ping()]

    run(scene())
