import asyncio
import socket
import sys
from collections.abc import Callable

import pytest

from wa.model.errors import TerminalUnreachable
from wa.wezterm.transports import Pipe, open_process, open_socket
from wezterm.waiting import run, until


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.data = b""
        self.errors: list[TerminalUnreachable] = []

    def received(self, data: bytes) -> None:
        assert not self.errors, "bytes after the end"
        self.data += data

    def ended(self, error: TerminalUnreachable) -> None:
        self.errors.append(error)


def explain(status: int, stderr: bytes) -> TerminalUnreachable:
    return TerminalUnreachable(f"ended {status}", details={"stderr": stderr})


async def python(code: str, sink: Kept) -> Pipe:
    return await open_process([sys.executable, "-u", "-c", code], sink, explain=explain)


def test_a_socket_carries_bytes_both_ways_and_tells_its_end() -> None:
    """What is sent arrives, what comes is handed on, and the other side's end is told once."""

    async def scene() -> None:
        ours, theirs = socket.socketpair()
        sink = Kept()
        pipe = await open_socket(ours, sink, name="local")
        pipe.send(b"ping")
        assert await asyncio.to_thread(theirs.recv, 100) == b"ping"
        theirs.send(b"pong")
        await until(lambda: sink.data)
        theirs.close()
        await pipe.closed()
        pipe.send(b"into the void")
        pipe.close()
        assert (sink.data, [error.message for error in sink.errors]) == (b"pong", ["local: the connection was closed"])

    run(scene())


def test_finishing_says_nothing_more_comes_and_still_listens() -> None:
    """The server sees the end of our words and may still say its own."""

    async def scene() -> None:
        ours, theirs = socket.socketpair()
        sink = Kept()
        pipe = await open_socket(ours, sink, name="local")
        pipe.finish()
        assert await asyncio.to_thread(theirs.recv, 100) == b""
        theirs.send(b"bye")
        theirs.close()
        await pipe.closed()
        assert sink.data == b"bye"

    run(scene())


def test_a_childs_stdio_is_a_pipe() -> None:
    """Bytes go to its stdin and come from its stdout; stderr and status explain its end."""

    async def scene() -> None:
        sink = Kept()
        code = (
            "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read(5)[::-1]); sys.stdout.flush();"
            "sys.stderr.write('Permission denied'); sys.exit(255)"
        )
        pipe = await python(code, sink)
        pipe.send(b"abcde")
        await pipe.closed()
        [error] = sink.errors
        assert sink.data == b"edcba"
        assert (error.message, error.details["stderr"]) == ("ended 255", b"Permission denied")

    run(scene())


@pytest.mark.parametrize("end", [lambda pipe: pipe.close(), lambda pipe: pipe.finish()], ids=["close", "finish"])
def test_a_child_ends_when_we_are_done_with_it(end: Callable[[Pipe], None]) -> None:
    """Closing ends it by signal, finishing by the end of its input; both are told."""

    async def scene() -> None:
        sink = Kept()
        pipe = await python("import sys; print('up'); sys.stdin.read()", sink)
        await until(lambda: sink.data)
        end(pipe)
        await pipe.closed()
        assert len(sink.errors) == 1

    run(scene())


def test_a_child_that_ignores_the_signal_is_killed() -> None:
    """SIGTERM is asked, SIGKILL is not."""

    async def scene() -> None:
        sink = Kept()
        pipe = await python(
            "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(600)", sink
        )
        await until(lambda: sink.data)
        pipe.close()
        await pipe.closed()
        assert [error.message for error in sink.errors] == ["ended -9"]

    run(scene())


def test_a_child_that_only_closes_its_output_is_ended() -> None:
    """Without an output it is of no use, even if it goes on running."""

    async def scene() -> None:
        sink = Kept()
        pipe = await python("import os, time; os.close(1); time.sleep(600)", sink)
        await until(lambda: sink.errors)
        await pipe.closed()

    run(scene())


def test_a_grandchild_that_holds_the_pipes_does_not_hide_the_end() -> None:
    """The child has gone, so the connection has, whoever inherited its stdout."""

    async def scene() -> None:
        sink = Kept()
        pipe = await open_process(["sh", "-c", "sleep 5 & exit 7"], sink, explain=explain)
        await pipe.closed()
        assert [error.message for error in sink.errors] == ["ended 7"]

    run(scene(), within_s=4.0)


def test_endless_complaints_are_bounded() -> None:
    """Of what a child says on stderr the end is kept."""

    async def scene() -> None:
        sink = Kept()
        pipe = await python("import sys; sys.stderr.write('x' * 1_000_000 + 'the reason')", sink)
        await pipe.closed()
        [error] = sink.errors
        assert len(error.details["stderr"]) <= 8192
        assert error.details["stderr"].endswith(b"the reason")

    run(scene())


@pytest.mark.parametrize("way", ["socket", "child"])
def test_what_arrives_while_nobody_listens_waits(way: str) -> None:
    """Not a byte is handed on until we listen again; then all of it, and the end."""

    async def scene() -> None:
        sink = Kept()
        if way == "socket":
            ours, theirs = socket.socketpair()
            pipe = await open_socket(ours, sink, name="local")
            pipe.listen(on=False)
            theirs.send(b"a word")
            theirs.close()
        else:
            pipe = await python("import sys; sys.stdin.read(1); print('a word', end='')", sink)
            pipe.listen(on=False)
            pipe.send(b"\n")
        pipe.listen(on=False)
        await asyncio.sleep(0.1)
        assert sink.data == b""
        pipe.listen(on=True)
        pipe.listen(on=True)
        await until(lambda: sink.data == b"a word" and sink.errors)
        pipe.listen(on=False)

    run(scene())
