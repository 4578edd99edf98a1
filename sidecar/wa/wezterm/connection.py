"""One connection that speaks the mux protocol: requests and their replies, and what is pushed in between.

No task of its own: bytes come in by `received`, pushes go to the Inbox undecoded, replies wake the request that waits,
which decodes them in its own time. One timer fails requests that nobody answers and notices a connection that died
without a word.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, TypeVar

from wa.model.clock import Clock
from wa.model.errors import ProtocolUnsupported, TerminalRefused, TerminalUnreachable, WezTermError
from wa.model.observation import Disconnected, Lull
from wa.protocol.mux import (
    DecodeError,
    ErrorResponse,
    Frame,
    FrameError,
    FrameReader,
    Pdu,
    Ping,
    decode,
    encode,
    encode_frame,
    ident_of,
)
from wa.wezterm.brake import Brake
from wa.wezterm.inbox import Barrier, Heard, Inbox
from wa.wezterm.quarantine import Quarantine, Verdict
from wa.wezterm.transports import Pipe
from wa.wezterm.wire_ids import ERROR_RESPONSE, SKIPPED

log = logging.getLogger(__name__)

FIRST_SERIAL = 0x10000
"""`wezterm cli proxy` uses serial 1 for itself, and on a busy mux the answer to that can reach us (since codec 43)."""

_HEAD_BYTES = 256
_INLINE_BYTES = 256 * 1024
"""Inflated. 500 rows of 200 cells in true colour are ten times that and take 0.1 s to decode: in a thread, the loop's
turns stay below 0.03 s and nothing takes longer (measured with CPython 3.11, 2026-11-21)."""
_SMALL_REPLY_BYTES = 4096
_ORDER_PATIENCE_S = 0.25
"""How long an ordered reply waits for the taker of observations, who may be waiting for us in turn."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds."""

    request_s: float = 10.0
    """Without an answer *and* without other signs of life: while pushes arrive, requests starve on a sound server."""
    patience_s: float = 60.0
    """Without an answer, whatever else arrives."""
    heartbeat_s: float = 15.0
    """Silence after which a Ping is sent."""
    ping_s: float = 10.0
    """Silence after a Ping that means a dead connection."""
    tick_s: float = 1.0


class Request:
    """Under way. To be given to `MuxConnection.finish`."""

    __slots__ = ("ordered", "reply", "serial", "since", "timeout_s", "what")

    def __init__(self, serial: int, what: str, since: float, timeout_s: float, ordered: bool) -> None:
        self.reply: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self.serial = serial
        self.what = what
        self.since = since
        self.timeout_s = timeout_s
        self.ordered = ordered


class MuxConnection:
    def __init__(self, name: str, clock: Clock, *, limits: Limits | None = None, inbox: Inbox | None = None) -> None:
        self.name = name
        self.codec = 44
        self.inbox = inbox or Inbox()
        self.quarantine = Quarantine()
        self.error: WezTermError | None = None
        """Why it ended; None while it stands."""
        self.head = b""
        """The first bytes heard, kept until the handshake is done."""
        self.consumer: asyncio.Task[object] | None = None
        """Who takes from the Inbox: only with one can replies be put in order with pushes."""
        self._limits = limits or Limits()
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._pipe: Pipe | None = None
        self._serial = FIRST_SERIAL
        self._requests: dict[int, Request] = {}
        self._deliveries: deque[tuple[Request, Frame]] = deque()
        self._thread = asyncio.Lock()
        """One thread decodes at a time: more would only fight over the interpreter."""
        self._handshake = True
        self._heard_at = self._loop.time()
        self._pinged_at: float | None = None
        self._wall = time.time()
        self._timer: asyncio.TimerHandle | None = None
        self._brake = Brake(self)

    def attach(self, pipe: Pipe) -> None:
        self._pipe = pipe
        if self.error is not None:  # it ended before it was ours
            pipe.close()
            return
        self._timer = self._loop.call_later(self._limits.tick_s, self._tick)

    def handshake_done(self, codec: int) -> None:
        self.codec = codec
        self._handshake = False
        self.head = b""

    # -- what the pipe tells ----------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        if self.error is not None:
            return
        self._heard_at = self._loop.time()
        if self._handshake and len(self.head) < _HEAD_BYTES:
            self.head = (self.head + data)[:_HEAD_BYTES]
            if is_foreign(self.head):
                self.fail(FrameError(f"{self.name}: the stream does not begin as a mux's does"))
                return
        broken: FrameError | None = None
        try:
            frames = self._reader.feed(data)
        except FrameError as error:
            frames, broken = list(error.frames), error
        at_ms = self._clock.now_ms()
        pushes, late = 0, self._brake.held_lately
        for frame in frames:
            if frame.serial:
                self._answered(frame)
            elif frame.ident not in SKIPPED and not self.quarantine.holds(frame.ident):
                self.inbox.put(Heard(at_ms, frame, late=late))
                pushes += 1
        if broken is not None:
            self.fail(broken)
        else:
            self._brake.heard(pushes)

    def ended(self, error: TerminalUnreachable) -> None:
        if torn := self._reader.pending:
            error.details["torn_bytes"] = torn
        self._end(error)

    # -- requests ---------------------------------------------------------------------------------------------------

    async def request(self, pdu: Pdu, expected: type[P], *, timeout_s: float | None = None, ordered: bool = False) -> P:
        """Send and wait for the answer; several may be under way.

        *ordered*: not before everything that was pushed ahead of the answer has been taken from the Inbox.
        """
        return await self.finish(self.start(pdu, timeout_s=timeout_s, ordered=ordered), expected)

    def start(self, pdu: Pdu, *, timeout_s: float | None = None, ordered: bool = False) -> Request:
        if self.error is not None:
            raise self.error
        assert self._pipe is not None
        # Whoever takes the pushes cannot at the same time wait for them to be taken.
        ordered = ordered and self.consumer is not None and self.consumer is not asyncio.current_task()
        ident, payload = encode(pdu, self.codec)
        self._serial += 1
        waiting = Request(
            self._serial, type(pdu).__name__, self._loop.time(), timeout_s or self._limits.request_s, ordered
        )
        self._requests[waiting.serial] = waiting
        self._brake.open()
        self._pipe.send(encode_frame(waiting.serial, ident, payload))
        return waiting

    async def finish(self, waiting: Request, expected: type[P]) -> P:
        # Nothing stands between the reply and the caller, so that an ordered reply is handled before the next push.
        try:
            frame = await waiting.reply
        finally:
            self._requests.pop(waiting.serial, None)
        return await self._understood(frame, expected)

    def forget(self, waiting: Request) -> None:
        """For one that was started and is not finished after all."""
        self._requests.pop(waiting.serial, None)
        waiting.reply.cancel()

    async def decoded(self, frame: Frame) -> Pdu:
        """Raises DecodeError. What is small is decoded on the spot."""
        payload = frame.payload()
        if len(payload) <= _INLINE_BYTES:
            return decode(frame.ident, payload, self.codec)
        async with self._thread:
            return await self._loop.run_in_executor(None, decode, frame.ident, payload, self.codec)

    async def _understood(self, frame: Frame, expected: type[P]) -> P:
        if frame.ident not in (ERROR_RESPONSE, ident_of(expected)):
            raise ProtocolUnsupported(f"{self.name}: answered with PDU {frame.ident} in place of {expected.__name__}")
        try:
            reply: Any = await self.decoded(frame)
        except DecodeError as error:
            if self.quarantine.failed(frame.ident, self._clock.now_ms()) is Verdict.GIVE_UP:
                self.fail(error)
            raise
        if isinstance(reply, ErrorResponse):
            raise TerminalRefused(
                f"{self.name}: {reply.reason.removeprefix('Error: ')}", details={"reason": reply.reason}
            )
        assert isinstance(reply, expected)
        return reply

    def _answered(self, frame: Frame) -> None:
        if self._brake.answered(frame.serial):
            return
        waiting = self._requests.pop(frame.serial, None)
        if waiting is None:
            return
        if waiting.ordered and self.consumer is not None:
            release = self._loop.call_later(_ORDER_PATIENCE_S, _wake, waiting, frame)

            def passed() -> None:
                release.cancel()
                _wake(waiting, frame)

            self.inbox.put(Barrier(passed))
        elif len(frame.data) <= _SMALL_REPLY_BYTES:
            _wake(waiting, frame)
        else:
            # Each large reply is decoded by the task it wakes: one in each turn of the loop, or eight would hold it up.
            self._deliveries.append((waiting, frame))
            if len(self._deliveries) == 1:
                self._deliver()

    def _deliver(self) -> None:
        waiting, frame = self._deliveries[0]
        _wake(waiting, frame)
        self._loop.call_soon(self._delivered)

    def _delivered(self) -> None:
        self._deliveries.popleft()
        if self._deliveries:
            self._deliver()

    # -- pushes that may come late ----------------------------------------------------------------------------------

    def relax(self, late_s: float) -> None:
        """How late pushes may come where that spares the server work, in seconds."""
        if self.error is None:
            self._brake.loosen(late_s)

    @property
    def has_requests(self) -> bool:
        return bool(self._requests)

    def ping(self) -> tuple[int, bytes]:
        self._serial += 1
        ident, payload = encode(Ping(), self.codec)
        return self._serial, encode_frame(self._serial, ident, payload)

    def transmit(self, data: bytes) -> None:
        if self._pipe is not None:
            self._pipe.send(data)

    def listen(self, *, on: bool) -> None:
        if self._pipe is not None:
            self._pipe.listen(on=on)

    def lull(self) -> None:
        self.inbox.put(Lull(self._clock.now_ms()))

    # -- the timer --------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        limits = self._limits
        now = self._loop.time()
        for waiting in list(self._requests.values()):
            silent_s = now - max(waiting.since, self._heard_at)
            if silent_s > waiting.timeout_s or now - waiting.since > max(limits.patience_s, waiting.timeout_s):
                error = TerminalUnreachable(
                    f"{self.name}: no answer to {waiting.what} for {now - waiting.since:.0f} s",
                    next_step="The server hangs or is starved; wa asks again, less often.",
                )
                if not waiting.reply.done():
                    waiting.reply.set_exception(error)
        self._beat(now)
        if self.error is None:
            self._timer = self._loop.call_later(limits.tick_s, self._tick)

    def _beat(self, now: float) -> None:
        limits = self._limits
        wall, self._wall = self._wall, time.time()
        # The monotonic clock stands still while a laptop sleeps, the wall clock does not.
        slept = self._wall - wall > 4 * limits.tick_s + 5.0
        if self._pinged_at is not None and self._heard_at >= self._pinged_at:
            self._pinged_at = None
        if self._pinged_at is not None:
            if now - self._pinged_at > limits.ping_s:
                silent = f"no sign of life for {now - self._heard_at:.0f} s"
                self.fail(TerminalUnreachable(f"{self.name}: {silent}", next_step="wa connects anew by itself."))
        elif self._pipe is not None and (slept or now - self._heard_at > limits.heartbeat_s):
            self._pinged_at = now
            self._brake.open()
            self._pipe.send(self.ping()[1])

    # -- the end ----------------------------------------------------------------------------------------------------

    def fail(self, error: WezTermError) -> None:
        """End it from this side; what was heard before stays to be taken."""
        self._end(error)
        if self._pipe is not None:
            self._pipe.close()

    async def close(self) -> None:
        """Hang up in the way that leaves no error in the server's log."""
        if self._pipe is None:
            return
        standing = self.error is None
        self._end(TerminalUnreachable(f"{self.name}: closed"))
        if standing:
            self._pipe.finish()
            try:
                async with asyncio.timeout(_ORDER_PATIENCE_S):
                    await self._pipe.closed()
            except TimeoutError:
                pass
        self._pipe.close()
        await self._pipe.closed()

    def _end(self, error: WezTermError) -> None:
        if self.error is not None:
            return
        self.error = error
        unheard = self._brake.held_lately
        self._brake.close()
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._requests.values():
            if not waiting.reply.done():
                waiting.reply.set_exception(error)
        log.debug("mux connection ended", extra={"mux": self.name, "reason": error.message})
        self.inbox.put(Disconnected(self._clock.now_ms(), error.message, unheard))


def is_foreign(head: bytes) -> bool:
    """Whether a stream begins with something else than a frame for us, what a shell prints at its start for example.

    False as long as it cannot be told. The serial that a frame has second is 0, the proxy's 1 or one of ours; in text
    it would be a letter.
    """
    at = 0
    value = 0
    for _ in range(2):
        value = 0
        for step, byte in enumerate(head[at : at + 10]):
            value |= (byte & 127) << (7 * step)
            if byte < 128:
                at += step + 1
                break
        else:
            return len(head) - at >= 10
    return 1 < value < FIRST_SERIAL


def _wake(waiting: Request, frame: Frame) -> None:
    if not waiting.reply.done():
        waiting.reply.set_result(frame)
