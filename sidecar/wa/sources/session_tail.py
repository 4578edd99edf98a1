"""Reading a session file as it grows, by offset and inode; nothing is ever written, and no file is held open between looks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from wa.protocol.session_files import Record, SessionMeta, SessionReader, Unknown

CHUNK_BYTES = 1 << 20
"""Read at one go."""
WHOLE_BYTES = 32 << 20
"""A larger file is read from TAIL_BYTES before its end, and its first line for what session it is."""
DOCUMENT_BYTES = 4 << 20
"""Gemini CLI 0.24's files are parsed whole at every change, which holds the interpreter; larger ones are not read."""
TAIL_BYTES = 1 << 20
HEAD_BYTES = 4 << 20
"""How far the line that names the session is looked for: Codex puts its instructions in it."""
MARK_BYTES = 64
"""What stood before the offset is compared at each look: a file that was cut and grew again is another one."""

_GONE = (-1, -1)
"""No file's device and inode: whatever comes under the name now is another file, even with the number used again."""


class Tail:
    """One reader of one file. `step` blocks for as long as the disk does: call it in a thread, one call at a time."""

    def __init__(self, agent: str, path: Path, *, whole_bytes: int = WHOLE_BYTES, tail_bytes: int = TAIL_BYTES) -> None:
        """*whole_bytes* is at least *tail_bytes* and MARK_BYTES."""
        self.path = path
        self._agent = agent
        self._whole_bytes, self._tail_bytes = whole_bytes, tail_bytes
        self._reader: SessionReader | None = None
        self._inode: tuple[int, int] | None = None
        self._offset = 0
        self._mark = b""
        self._seen: tuple[int, int] | None = None
        self.more = False
        """The last step left something unread: step again before waiting."""

    def step(self) -> list[Record] | None:
        """What is new since the last step; None where there is no such file, or none that may be read."""
        self.more = False
        try:
            # Non-blocking: opening a named pipe would wait for its writer.
            fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):
            if self._inode is not None:
                self._inode = _GONE
            return None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return None
            return self._read(fd, status)
        except OSError:
            return None
        finally:
            os.close(fd)

    def _read(self, fd: int, status: os.stat_result) -> list[Record]:
        inode = (status.st_dev, status.st_ino)
        found: list[Record] = []
        if self._reader is None:
            self._reader = SessionReader(self._agent, self.path.name)
            if status.st_size > self._whole_bytes and not self._reader.whole_file:
                found += self._skip_ahead(fd, status.st_size)
        reader = self._reader
        if reader.whole_file:
            return found + self._read_document(fd, status, reader)
        if self._inode is not None and (inode != self._inode or self._was_cut(fd, status.st_size)):
            found += reader.restart()
            self._offset, self._mark = 0, b""
            if status.st_size > self._whole_bytes:
                found += self._skip_ahead(fd, status.st_size)
                reader = self._reader
        self._inode = inode
        if status.st_size > self._offset:
            data = os.pread(fd, CHUNK_BYTES, self._offset)
            self._offset += len(data)
            self._mark = (self._mark + data)[-MARK_BYTES:]
            self.more = bool(data) and self._offset < status.st_size
            found += reader.feed(data)
        return found

    def _was_cut(self, fd: int, size: int) -> bool:
        if size < self._offset:
            return True
        return bool(self._mark) and os.pread(fd, len(self._mark), self._offset - len(self._mark)) != self._mark

    def _skip_ahead(self, fd: int, size: int) -> list[Record]:
        """To the last part of a huge file; told is only which session it is."""
        meta = _first_meta(self._agent, self.path.name, fd)
        self._reader = SessionReader(self._agent, self.path.name, from_start=False, known=meta)
        self._offset = size - self._tail_bytes
        self._mark = os.pread(fd, MARK_BYTES, self._offset - MARK_BYTES)
        return [] if meta is None else [meta]

    def _read_document(self, fd: int, status: os.stat_result, reader: SessionReader) -> list[Record]:
        seen = (status.st_mtime_ns, status.st_size)
        if seen == self._seen:
            return []
        if status.st_size > DOCUMENT_BYTES:
            self._seen = seen
            return [Unknown("document too long")]
        found = reader.replaced(_all(fd, DOCUMENT_BYTES))
        if found is None:
            return []  # half written: looked at again whatever its time says
        self._seen = seen
        return found


def first_meta(agent: str, path: Path) -> SessionMeta | None:
    """Which session an appended file is of, from its beginning."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        return _first_meta(agent, path.name, fd)
    except OSError:
        return None
    finally:
        os.close(fd)


def _first_meta(agent: str, name: str, fd: int) -> SessionMeta | None:
    reader, offset = SessionReader(agent, name), 0
    while offset < HEAD_BYTES and (data := os.pread(fd, 1 << 16, offset)):
        offset += len(data)
        for record in reader.feed(data):
            if isinstance(record, SessionMeta):
                return record
    return None


def _all(fd: int, limit: int) -> bytes:
    parts, size = [], 0
    while size <= limit and (data := os.pread(fd, CHUNK_BYTES, size)):
        parts.append(data)
        size += len(data)
    return b"".join(parts)
