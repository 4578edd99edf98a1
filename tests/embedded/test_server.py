"""The multiplexer as a part of another program, and its socket."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from wa.embedded.server import EmbeddedMux
from wa.model.errors import WezTermError
from wa.protocol import mux as p


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A short path: sockets need one."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="wa-e-") as name:
        yield Path(name)


class Client:
    """A client in the same event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._frames = p.FrameReader()
        self.pushes: list[p.Pdu] = []

    @classmethod
    async def connect(cls, path: Path) -> Client:
        return cls(*await asyncio.open_unix_connection(path))

    async def ask(self, request: p.Pdu) -> p.Pdu:
        ident, payload = p.encode(request, 44)
        self._writer.write(p.encode_frame(99, ident, payload))
        while True:
            reply = await self.next(keep=True)
            if reply is not None:
                return reply

    def begin_request(self) -> None:
        self._writer.write(p.encode_frame(98, *p.encode(p.Ping(), 44))[:1])

    async def next(self, *, keep: bool) -> p.Pdu | None:
        """Takes what comes; the reply among it, if any."""
        data = await self._reader.read(1 << 20)
        if not data:
            raise EOFError
        reply = None
        for frame in self._frames.feed(data):
            if frame.ident == p.ident_of(p.SetPalette):
                continue
            pdu = p.decode(frame.ident, frame.payload(), 44)
            if frame.serial:
                reply = pdu
            elif keep:
                self.pushes.append(pdu)
        return reply

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await self.next(keep=True)

    async def close(self) -> None:
        self._writer.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def with_timeout() -> None:
        async with asyncio.timeout(60):
            await test()

    asyncio.run(with_timeout())


def test_it_listens_while_it_is_entered(folder: Path) -> None:
    """Socket and folder are the user's own; both programs and socket are gone afterwards."""

    path, pid_file = folder / "private" / "sock", folder / "pid"
    program = ["sh", "-c", f"echo $$ > {folder}/new; mv {folder}/new {pid_file}; sleep 1000"]

    async def test() -> None:
        async with EmbeddedMux(path, argv=program) as mux:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            client = await Client.connect(path)
            listed = await client.ask(p.ListPanes())
            assert isinstance(listed, p.ListPanesResponse)
            (entry,) = listed.tabs
            assert isinstance(entry, p.PaneEntry)
            assert (entry.pane_id, entry.workspace) == (0, "default")
            await client.close()
            pane_id = mux.spawn(["sleep", "1000"], workspace="more", cols=100, rows=30)
            assert (mux.panes[pane_id].cols, mux.panes[pane_id].rows) == (100, 30)
            while not pid_file.exists():  # noqa: ASYNC110 - another process's doing
                await asyncio.sleep(0.01)

    run(test)
    assert not path.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_socket_that_nobody_listens_on_is_replaced(folder: Path) -> None:
    """A socket left behind by a crash does not stand in the way; a living one does."""

    async def test() -> None:
        path = folder / "sock"
        async with EmbeddedMux(path, argv=None):
            with pytest.raises(WezTermError, match="another multiplexer listens"):
                async with EmbeddedMux(path, argv=None):
                    pass
            client = await Client.connect(path)
            assert await client.ask(p.Ping()) == p.Pong()
            await client.close()
        import socket

        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(str(path))
        async with EmbeddedMux(path, argv=None):
            pass

    run(test)


def test_a_file_that_is_no_socket_is_left_alone(folder: Path) -> None:
    """Nothing is deleted but a socket."""
    path = folder / "sock"
    path.write_text("not a socket")

    async def test() -> None:
        async with EmbeddedMux(path, argv=None):
            pass

    with pytest.raises(WezTermError, match="no socket"):
        run(test)
    assert path.read_text() == "not a socket"


def test_a_folder_that_others_can_write_is_refused(folder: Path) -> None:
    """Where others could put a socket of their own, nothing is served."""

    folder.chmod(0o777)

    async def test() -> None:
        async with EmbeddedMux(folder / "sock", argv=None):
            pass

    with pytest.raises(WezTermError, match="others could put") as caught:
        run(test)
    assert "chmod 700" in caught.value.next_step


def test_a_path_too_long_for_a_socket_is_refused(folder: Path) -> None:
    """The limit is named before the system would cut the name off."""

    async def test() -> None:
        with pytest.raises(WezTermError, match="longer than 107 bytes"):
            async with EmbeddedMux(folder / ("x" * 120), argv=None):
                pass

    run(test)


def test_a_program_that_cannot_start_leaves_a_pane_that_says_so(folder: Path) -> None:
    """As in WezTerm, the pane shows why it is empty, and can be killed."""

    async def test() -> None:
        async with EmbeddedMux(folder / "sock", argv=None) as mux:
            client = await Client.connect(folder / "sock")
            for argv in (["/no/such/program"], ["sh", "nul\0byte"]):
                pane_id = mux.spawn(argv)
                await client.until(lambda: "Unable to spawn" in str(client.pushes))
                assert await client.ask(p.KillPane(pane_id)) == p.UnitResponse()
                assert p.PaneRemoved(pane_id) in client.pushes
                client.pushes.clear()
            await client.close()

    run(test)


def test_a_client_that_does_not_read_is_cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by cutting off who leaves too much unread; others do not notice."""
    monkeypatch.setattr("wa.embedded.session.UNREAD_BYTES", 1_000_000)

    async def test() -> None:
        async with EmbeddedMux(folder / "sock", argv=None) as mux:
            deaf = await Client.connect(folder / "sock")
            client = await Client.connect(folder / "sock")
            await client.ask(p.Ping())
            assert len(mux.sessions) == 2
            mux.spawn(["sh", "-c", "while :; do seq 1 2000; sleep 0.002; done"])
            while len(mux.sessions) == 2:
                await client.next(keep=False)
            assert await client.ask(p.Ping()) == p.Pong()
            await client.close()
            await deaf.close()

    run(test)


def test_a_burst_is_told_completely_to_everybody(folder: Path) -> None:
    """Each of several clients hears of every row: pushed, or named to be read."""

    async def test() -> None:
        async with EmbeddedMux(folder / "sock", argv=None, scrollback=20_000) as mux:
            clients = [await Client.connect(folder / "sock") for _ in range(3)]
            for client in clients:
                await client.ask(p.Ping())
            pane_id = mux.spawn(["sh", "-c", "seq 1 18000; sleep 1000"])
            for client in clients:
                changes = lambda c=client: [x for x in c.pushes if isinstance(x, p.GetPaneRenderChangesResponse)]  # noqa: E731
                await client.until(lambda: changes() and changes()[-1].dims.physical_top == 18_001 - 24)  # noqa: B023
                told = {row.index for push in changes() for row in push.bonus_lines}
                told |= {index for push in changes() for rows in push.dirty_lines for index in rows}
                assert set(range(18_001)) <= told
            got = await clients[0].ask(p.GetLines(pane_id, (range(17_000, 17_500),)))
            assert isinstance(got, p.GetLinesResponse)
            assert [row.text for row in got.lines] == [str(n + 1) for n in range(17_000, 17_500)]
            for client in clients:
                await client.close()

    run(test)


def test_nothing_happening_costs_nothing(folder: Path) -> None:
    """No timers, no polling: a hundred idle panes and a listening client take no processor time."""

    async def test() -> None:
        async with EmbeddedMux(folder / "sock", argv=None) as mux:
            client = await Client.connect(folder / "sock")
            for _ in range(100):
                mux.spawn(["sleep", "1000"])
            await client.ask(p.ListPanes())
            before = time.process_time()
            await asyncio.sleep(1)
            assert time.process_time() - before < 0.05
            await client.close()

    run(test)


def test_frames_from_nowhere_are_refused(folder: Path) -> None:
    """A length of a gigabyte, or no length at all, ends that connection and nothing is kept for it."""

    async def test() -> None:
        async with EmbeddedMux(folder / "sock", argv=None):
            for nonsense in (b"\x80\x80\x80\x80\x04", b"\x80" * 11, b"\x01\x01"):
                reader, writer = await asyncio.open_unix_connection(folder / "sock")
                writer.write(nonsense)
                assert await reader.read() == b""
                writer.close()
            client = await Client.connect(folder / "sock")
            assert await client.ask(p.Ping()) == p.Pong()
            await client.close()

    run(test)


def test_requests_it_does_not_have_are_refused_in_words(folder: Path) -> None:
    """Searching and adjusting are not offered; the refusal says so."""

    async def test() -> None:
        async with EmbeddedMux(folder / "sock", argv=["sleep", "1000"]):
            client = await Client.connect(folder / "sock")
            for request in (
                p.SearchScrollbackRequest(0, p.CaseSensitive("x"), range(10), None),
                p.AdjustPaneSize(0, 0, 1),
            ):
                reply = await client.ask(request)
                assert isinstance(reply, p.ErrorResponse)
                assert "is not offered by this multiplexer" in reply.reason
            await client.close()

    run(test)


def test_history_can_be_erased_on_request(folder: Path) -> None:
    """EraseScrollbackRequest erases history, and with mode 1 the screen."""

    async def test() -> None:
        async with EmbeddedMux(folder / "sock", argv=None) as mux:
            client = await Client.connect(folder / "sock")
            pane_id = mux.spawn(["sh", "-c", "seq 1 100; sleep 1000"])
            await client.until(lambda: any("'100'" in str(push) for push in client.pushes))
            await client.ask(p.EraseScrollbackRequest(pane_id, 0))
            dims = mux.panes[pane_id].screen.dimensions()
            assert (dims.scrollback_top, dims.physical_top) == (77, 77)
            await client.ask(p.EraseScrollbackRequest(pane_id, 1))
            got = await client.ask(p.GetLines(pane_id, (range(77, 101),)))
            assert isinstance(got, p.GetLinesResponse)
            assert not "".join(row.text for row in got.lines).strip()
            await client.close()

    run(test)


def test_a_pane_that_ends_before_a_request_is_whole_is_told_to_its_end(folder: Path) -> None:
    """What was held back of it goes out before its removal."""

    async def test() -> None:
        async with EmbeddedMux(folder / "sock", argv=None) as mux:
            client = await Client.connect(folder / "sock")
            assert await client.ask(p.Ping()) == p.Pong()
            client.begin_request()
            (session,) = mux.sessions
            while not session.waits:  # noqa: ASYNC110 - the other end of a socket
                await asyncio.sleep(0.001)
            pane_id = mux.spawn(["echo", "last words"])
            await client.until(lambda: p.PaneRemoved(pane_id) in client.pushes)
            shown = [push for push in client.pushes if isinstance(push, p.GetPaneRenderChangesResponse)]
            assert "last words" in [row.text for push in shown for row in push.bonus_lines]
            await client.close()

    run(test)
