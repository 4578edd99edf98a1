"""The sidecar's socket: accepts, limits, and carries requests to their handlers. What they do is not its business."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import socket
import stat
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from wa.engine import tasks
from wa.engine.callers import caller_pid, peer_pid
from wa.model.errors import SidecarError, UsageError, WaError
from wa.protocol import sidecar_wire as wire

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 128
MAX_REQUESTS = 64
"""Unanswered at once on one connection."""
MAX_STREAMS = 32
"""At once on one connection."""
MAX_REQUEST_BYTES = 4 * 1024 * 1024
MAX_UNREAD_BYTES = 8 * 1024 * 1024
"""What may wait for a client that does not read, before it is cut off."""
LINGER_S = 5.0
"""How long a connection that was cut off may take to read what waits for it, and why."""
GOODBYE_S = 0.5
"""The same, when the sidecar stops."""

Params = Mapping[str, Any]
Handler = Callable[[Params], Any]
"""The reply's data, or an awaitable of it. Raises WaError."""


class TooSlowError(WaError):
    code = "too_slow"
    next_step = "Subscribe again, and read what comes; `screens` gives the present state."


class InternalError(WaError):
    code = "sidecar.internal"
    next_step = "See the sidecar's log (`wa status` names the file), and report it."


class Stream:
    """What a streaming handler writes to. `ended` is called once, however it ends."""

    def __init__(self, connection: Connection, ident: int) -> None:
        self._connection = connection
        self.ident = ident
        self.ended: Callable[[], None] = lambda: None

    def begin(self, data: object) -> None:
        """Answer the request itself, before the first item."""
        self._connection.send(wire.reply(self.ident, data))

    def send(self, packed: bytes) -> None:
        self._connection.send(wire.item(self.ident, packed))

    def end(self, error: WaError | None = None) -> None:
        self._connection.end_stream(self.ident, error)


StreamHandler = Callable[[Params, Stream], None]
"""Begins a stream, or raises WaError."""
EventTaker = Callable[[wire.Message, int | None, int], None]
"""A frame of kind `event`, who sent it, and its bytes. It neither waits nor raises; nothing is answered."""


def _nobody(_message: wire.Message, _peer_pid: int | None, _size: int) -> None:
    return


class Server:
    def __init__(
        self,
        hello: Callable[[], bytes],
        handlers: Mapping[str, Handler],
        streams: Mapping[str, StreamHandler],
        events: EventTaker = _nobody,
    ) -> None:
        self.hello = hello
        self.handlers = handlers
        self.streams = streams
        self.events = events
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        self._inode: int | None = None
        self._all_gone: asyncio.Event | None = None

    async def start(self, path: Path) -> None:
        """Listen at *path*. Whoever calls this holds the lock, so a socket that lies there is a dead sidecar's."""
        try:
            sock = _bound(path)
        except OSError as error:
            raise SidecarError(f"cannot listen at {path}: {error.strerror or error}") from error
        self._path, self._inode = path, _inode(path)
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: Connection(self), sock=sock)

    async def close(self) -> None:
        """Say good-bye to everybody, let them read to the end for a moment, and remove the socket."""
        if self._server is not None:
            self._server.close()
        if self._path is not None and _inode(self._path) == self._inode:
            os.unlink(self._path)  # noqa: PTH108 - one call, no look at the disk that could wait
        for connection in list(self.connections):
            connection.close(SidecarError("the sidecar stops"))
        if self.connections:
            self._all_gone = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._all_gone.wait()
        for connection in list(self.connections):
            connection.abort()

    def lost(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if not self.connections and self._all_gone is not None:
            self._all_gone.set()


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._frames = wire.FrameReader(MAX_REQUEST_BYTES)
        self._requests: dict[int, asyncio.Task[None]] = {}
        self._streams: dict[int, Stream] = {}
        self._closing = False
        self._peer_pid: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = peer_uid(transport.get_extra_info("socket"))
        if peer not in (os.getuid(), None):
            log.warning("stranger turned away", extra={"uid": peer})
            self.abort()
            return
        self._peer_pid = peer_pid(transport.get_extra_info("socket"))
        crowded = len(self._server.connections) >= MAX_CONNECTIONS
        self._server.connections.add(self)
        self.send(self._server.hello())
        if crowded:
            self.close(SidecarError("too many connections", next_step="Close some of them."))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._closing = True
        self._server.lost(self)
        self._drop_work()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        try:
            for message, size in self._frames.feed_sized(data):
                self._take(message, size)
                if self._closing:
                    return
        except wire.WireError as error:
            log.warning("frame refused", extra={"reason": error.message})
            self.close(error)

    # -- messages ---------------------------------------------------------------------------------------------------

    def _take(self, message: wire.Message, size: int) -> None:
        kind = message["kind"]
        if kind == "event":
            self._server.events(message, self._peer_pid, size)
            return
        ident = wire.ident_of(message)
        if kind == "cancel":
            self._cancel(ident)
        elif kind != "request":
            raise wire.WireError(f"a client may not send {kind!r:.40}")
        elif ident in self._requests or ident in self._streams:
            raise wire.WireError(f"id {ident} is in use")
        else:
            self._request(ident, message)

    def _request(self, ident: int, message: wire.Message) -> None:
        method, params = message.get("method"), message.get("params")
        # The task of an awaitable answer takes it along.
        caller_pid.set(self._peer_pid)
        try:
            if not isinstance(method, str) or not isinstance(params, dict | None):
                raise UsageError("a request needs a method and a map of params")
            params = params or {}
            if (streaming := self._server.streams.get(method)) is not None:
                self._begin(ident, streaming, params)
            elif (handler := self._server.handlers.get(method)) is not None:
                if len(self._requests) >= MAX_REQUESTS:
                    raise SidecarError("too many requests at once", next_step="Wait for answers before you ask more.")
                answer = handler(params)
                if inspect.isawaitable(answer):
                    self._requests[ident] = tasks.spawn(self._await(ident, method, answer), name=f"request {method}")
                else:
                    self._reply(ident, answer)
            else:
                raise UsageError(
                    f"no such method: {method!r:.60}",
                    details={"methods": [*self._server.handlers, *self._server.streams]},
                )
        except WaError as error:
            self.send(wire.refusal(ident, error))
        except Exception as error:
            self._broken(ident, str(method), error)

    async def _await(self, ident: int, method: str, answer: Awaitable[Any]) -> None:
        try:
            self._reply(ident, await answer)
        except WaError as error:
            self.send(wire.refusal(ident, error))
        except Exception as error:
            self._broken(ident, method, error)
        finally:
            self._requests.pop(ident, None)

    def _reply(self, ident: int, data: object) -> None:
        self.send(wire.reply(ident, data))

    def _broken(self, ident: int, method: str, error: Exception) -> None:
        log.error("request failed", extra={"method": method}, exc_info=error)
        self.send(wire.refusal(ident, InternalError(f"`{method}` failed inside the sidecar: {type(error).__name__}")))

    def _begin(self, ident: int, streaming: StreamHandler, params: Params) -> None:
        if len(self._streams) >= MAX_STREAMS:
            raise SidecarError("too many streams on one connection", next_step="Open another connection.")
        stream = self._streams[ident] = Stream(self, ident)
        try:
            streaming(params, stream)
        except BaseException:
            self._streams.pop(ident, None)
            raise

    def _cancel(self, ident: int) -> None:
        if ident in self._streams:
            self.end_stream(ident)
        elif (task := self._requests.get(ident)) is not None:
            task.cancel()

    # -- the way out ------------------------------------------------------------------------------------------------

    def send(self, frame: bytes) -> None:
        if self._closing or self._transport is None:
            return
        if self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            log.warning("client cut off", extra={"unread_bytes": self._transport.get_write_buffer_size()})
            self.close(TooSlowError(f"more than {MAX_UNREAD_BYTES} bytes were not read"))
        else:
            self._transport.write(frame)

    def end_stream(self, ident: int, error: WaError | None = None) -> None:
        if (stream := self._streams.pop(ident, None)) is not None:
            stream.ended()
            self.send(wire.end(ident, error))

    def close(self, error: WaError) -> None:
        """End every stream with *error*, or say it under id 0 where there is none, and hang up."""
        if self._closing or self._transport is None:
            return
        self._closing = True
        streams = list(self._streams)
        self._drop_work()
        last_words = [wire.end(ident, error) for ident in streams] or [wire.refusal(0, error)]
        self._transport.write(b"".join(last_words))
        self._transport.close()
        asyncio.get_running_loop().call_later(LINGER_S, self.abort)

    def abort(self) -> None:
        if self._transport is not None:
            self._closing = True
            self._transport.abort()

    def _drop_work(self) -> None:
        for stream in list(self._streams.values()):
            stream.ended()
        self._streams.clear()
        for task in list(self._requests.values()):
            task.cancel()


def _bound(path: Path) -> socket.socket:
    if path.is_socket():
        path.unlink()
    sock = socket.socket(socket.AF_UNIX)
    # Private from its first moment: no other user can connect between bind and chmod.
    before = os.umask(0o177)
    try:
        sock.bind(os.fspath(path))
    except BaseException:
        sock.close()
        raise
    finally:
        os.umask(before)
    return sock


def _inode(path: Path) -> int | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino if stat.S_ISSOCK(found.st_mode) else None


def peer_uid(sock: Any) -> int | None:
    """The user at the other end; None where the system does not tell (the socket's mode must do then)."""
    try:
        if sys.platform == "darwin":
            # <sys/un.h> LOCAL_PEERCRED at level 0; <sys/ucred.h> xucred begins with u32 version, uid.
            return int(struct.unpack_from("II", sock.getsockopt(0, 1, 76))[1])
        return int(struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1])
    except (OSError, AttributeError, struct.error):
        return None
