"""The database's troubles, split by who must act.

StoreError
├── StoreFullError       no room on the disk; nothing was written, try again      store.full
├── StoreLockedError     another program holds the database; try again            store.locked
├── StoreCorruptError    the file is damaged or no database                       store.corrupt
├── StoreNewerError      a newer wa wrote it                                      store.newer
├── StoreOlderError      an older wa wrote it and no sidecar has run since        store.older
├── StoreMissingError    there is no database yet                                 store.missing
├── StoreForeignError    a database, but not wa's                                 store.foreign
├── StoreModeError       others may read it, or it belongs to somebody else       store.mode
├── StoreIOError         the disk or the file system failed                       store.io
├── StoreClosedError     used after close                                         store.closed
└── StorePositionError   rows do not fit the pane's log: a fault of wa            store.position
"""

from __future__ import annotations

import shlex
import sqlite3
from pathlib import Path

from wa.model.errors import StoreError


class StoreFullError(StoreError):
    code = "store.full"
    next_step = "Free some disk space; wa goes on by itself and records what it had to drop as gaps."


class StoreLockedError(StoreError):
    code = "store.locked"
    next_step = "End the program that holds it (`lsof` on the file names it); wa tries again by itself."


class StoreCorruptError(StoreError):
    code = "store.corrupt"


class StoreNewerError(StoreError):
    code = "store.newer"
    next_step = "Upgrade wa, or set WA_HOME to another folder."


class StoreOlderError(StoreError):
    code = "store.older"
    next_step = "Start `wa watch` once: it brings the database up to date."


class StoreMissingError(StoreError):
    code = "store.missing"
    next_step = "Start `wa watch`: it makes the database."


class StoreForeignError(StoreError):
    code = "store.foreign"
    next_step = "Move the file away, or set WA_HOME to another folder."


class StoreModeError(StoreError):
    code = "store.mode"


class StoreIOError(StoreError):
    code = "store.io"
    next_step = "Look at the disk (`df`, `dmesg`); the folder must be on a local file system."


class StoreClosedError(StoreError):
    code = "store.closed"
    next_step = "Start `wa watch` again."


class StorePositionError(StoreError):
    code = "store.position"
    next_step = "This is a fault of wa: report it with the log file."


_BY_PRIMARY_CODE: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_FULL: StoreFullError,
    sqlite3.SQLITE_BUSY: StoreLockedError,
    sqlite3.SQLITE_LOCKED: StoreLockedError,
    sqlite3.SQLITE_CORRUPT: StoreCorruptError,
    sqlite3.SQLITE_NOTADB: StoreCorruptError,
    sqlite3.SQLITE_IOERR: StoreIOError,
    sqlite3.SQLITE_CANTOPEN: StoreIOError,
    sqlite3.SQLITE_READONLY: StoreIOError,
    sqlite3.SQLITE_PERM: StoreIOError,
    sqlite3.SQLITE_PROTOCOL: StoreIOError,
}
_SAYS = {
    StoreFullError: "no room left to write {path}",
    StoreLockedError: "another program holds {path}",
    StoreIOError: "{path} cannot be read or written",
}


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """The StoreError that says the same as *error* of SQLite."""
    code = getattr(error, "sqlite_errorcode", None)
    kind = StoreError if code is None else _BY_PRIMARY_CODE.get(code & 0xFF, StoreError)
    if kind is StoreCorruptError:
        return corrupt(path, str(error))
    said = _SAYS.get(kind, "the database {path} failed").format(path=path)
    return kind(f"{said} ({error})", details={"path": str(path)})


def corrupt(path: Path, found: str) -> StoreCorruptError:
    """*found* is what SQLite said of the damage."""
    old, new = shlex.quote(str(path)), shlex.quote(f"{path}.damaged")
    return StoreCorruptError(
        f"{path} is damaged: {found}",
        next_step=f"Nothing was deleted. Move it away (`mv {old} {new}`, its -wal likewise) and start `wa watch`; "
        "`sqlite3 FILE .recover` may save what the damaged file holds.",
        details={"path": str(path)},
    )
