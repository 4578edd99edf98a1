"""Events that were written down while no sidecar ran: taken away, read, and fed as if they came now."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wa.engine.intake import MAX_EVENT_BYTES, Intake
from wa.protocol import sidecar_wire as wire

log = logging.getLogger(__name__)

NAME = "spool"
EVERY_S = 10.0
MAX_BYTES = 4 * 1024 * 1024 + MAX_EVENT_BYTES
"""What its writers keep to, and the frame that crossed the line."""
AT_ONCE = 200
"""Frames fed in one turn of the loop."""
LOCK_TRIES, LOCK_WAIT_S = 40, 0.05
_LENGTH = struct.Struct(">I")


async def keep(folder: Path, intake: Intake) -> None:
    """Drain now and every ten seconds, until cancelled."""
    while True:
        try:
            await drain(folder, intake)
        except OSError as error:
            intake.troubles.count("the spool of events could not be read")
            log.warning("spool not read", extra={"reason": str(error)})
        await asyncio.sleep(EVERY_S)


async def drain(folder: Path, intake: Intake) -> int:
    """Frames that were fed. One that an earlier sidecar took away and did not come to feed goes first."""
    path, taken = folder / NAME, folder / f"{NAME}.taken"
    fed = 0
    for _ in range(2):
        if not await asyncio.to_thread(_take_away, path, taken):
            break
        try:
            data = await asyncio.to_thread(_read, taken)
        except OSError as error:
            intake.troubles.count("the spool of events could not be read")
            log.warning("spool not read", extra={"reason": str(error)})
            data = b""
        for number, frame in enumerate(_frames(data)):
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            if frame is None:
                intake.troubles.count("frames in the spool of events were broken")
            else:
                intake.take(*frame, spooled=True)
                fed += 1
        taken.unlink(missing_ok=True)
    return fed


def _take_away(path: Path, taken: Path) -> bool:
    """Whether *taken* is there to be read now."""
    if os.path.lexists(taken):
        return True
    with suppress(FileNotFoundError):
        path.rename(taken)
        return True
    return False


def _read(path: Path) -> bytes:
    """Behind whoever is still writing. What is no file of this user's is not opened."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:  # noqa: PTH123 - the descriptor that was looked at
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            return b""
        # A writer holds it for one append; one that is stopped in mid-write must not stop the sidecar.
        for _ in range(LOCK_TRIES):
            with suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(LOCK_WAIT_S)
        return file.read(MAX_BYTES)


def _frames(data: bytes) -> Iterator[tuple[wire.Message, None, int] | None]:
    """None for one that is broken. Behind a length that cannot be, nothing more is found."""
    at = 0
    while len(data) - at >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(data, at)
        stop = at + _LENGTH.size + length
        if length > MAX_EVENT_BYTES or stop > len(data):
            yield None
            return
        try:
            message = wire.unpack(data[at + _LENGTH.size : stop])
        except wire.WireError:
            message = None
        if message is None or message["kind"] != "event":
            yield None
        else:
            yield message, None, length
        at = stop
    if at < len(data):
        yield None
