"""DATA/setup while one process works in it: made for it, locked, and gone again when no plan is left."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from wa.config.paths import Paths, ensure_private
from wa.model.errors import ConfigError, Refused
from wa.provision import files
from wa.provision.journal import ID, Facts, clear_torn, house_of

TRIES, RETRY_S = 100, 0.02
LOCK = "lock"
MADE = "folders"
"""Which folders above DATA/setup were made for it, and the times of the one they were made in."""


@contextmanager
def held(paths: Paths, command: str) -> Iterator[Path]:
    """DATA/setup, for this process alone. Raises Refused with who holds it, ConfigError where it cannot be made."""
    house = house_of(paths)
    try:
        descriptor = _take(house, command)
    except OSError as error:
        _abandon(house)
        raise ConfigError(
            f"{house} cannot be written, and so there would be no way back: {error.strerror or error}",
            next_step="Nothing was changed. Make room there, or let it be written to.",
        ) from error
    try:
        clear_torn(house)
        yield house
    finally:
        # The lock's name goes while it is held: who waits for the old file sees that it is no longer the one.
        with suppress(OSError):
            _leave(house)
        os.close(descriptor)


def sweep(paths: Paths) -> None:
    """What a death left of plans that are taken back, or were never begun. Where somebody is at work it is theirs."""
    if house_of(paths).is_dir():
        with suppress(Refused, ConfigError), held(paths, "setup undo"):
            pass


def times_of(folder: Path) -> list[tuple[str, object]]:
    """As facts, for `give_back_times`."""
    known = folder.stat()
    return [("parent", folder), ("parent_mtime_ns", known.st_mtime_ns), ("parent_atime_ns", known.st_atime_ns)]


def is_as_left(facts: Facts) -> bool:
    """Nothing was made or removed in that folder since: to be asked before something is."""
    folder = facts.text("parent")
    if folder is None:
        return False
    with suppress(OSError):
        return Path(folder).stat().st_mtime_ns == facts.number("parent_left_ns")
    return False


def give_back_times(facts: Facts) -> None:
    folder, mtime, atime = facts.text("parent"), facts.number("parent_mtime_ns"), facts.number("parent_atime_ns")
    if folder is not None and mtime is not None and atime is not None:
        with suppress(OSError):
            os.utime(folder, ns=(atime, mtime))


def _take(house: Path, command: str) -> int:
    for _ in range(TRIES):
        missing = files.missing_folders(house)
        if missing:
            _make(house, missing)
        ensure_private(house)
        path = house / LOCK
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = os.pread(descriptor, 4096, 0)
            os.close(descriptor)
            if _is_dead(said):
                # A program that it was about to start holds the lock until it has begun.
                time.sleep(RETRY_S)
                continue
            raise _busy(said) from None
        if _is_at(descriptor, path):
            # Who holds it is a courtesy: on a full disk the lock holds without.
            with suppress(OSError):
                os.fchmod(descriptor, 0o600)
                os.ftruncate(descriptor, 0)
                who = {"pid": os.getpid(), "command": command, "at": time.time()}
                os.pwrite(descriptor, json.dumps(who).encode(), 0)
            return descriptor
        os.close(descriptor)
    raise OSError("its lock comes and goes")


def _make(house: Path, missing: tuple[Path, ...]) -> None:
    parent = missing[-1].parent
    facts = [*times_of(parent), *(("folder", folder) for folder in missing)]
    try:
        files.make_folders(missing)
        facts.append(("parent_left_ns", parent.stat().st_mtime_ns))
        path = house / MADE
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            files.write_all(descriptor, Facts(facts).lines())
        finally:
            os.close(descriptor)
    except OSError:
        with suppress(OSError):
            (house / MADE).unlink(missing_ok=True)
            for folder in missing:
                if folder.exists():
                    folder.rmdir()
            give_back_times(Facts(facts))
        raise


def _abandon(house: Path) -> None:
    """What was made for a lock that could not be taken."""
    with suppress(OSError):
        if not (house / LOCK).exists():
            _leave(house)


def _leave(house: Path) -> None:
    if any(ID.fullmatch(one.name.removeprefix(".")) for one in house.iterdir()):
        (house / LOCK).unlink(missing_ok=True)
        return
    made = Facts()
    with suppress(FileNotFoundError):
        made = Facts.parse((house / MADE).read_bytes())
        (house / MADE).unlink()
    (house / LOCK).unlink(missing_ok=True)
    was_as_left = is_as_left(made)
    # DATA goes too where it is empty, whoever made it; what lies above only where it was made for it.
    with suppress(OSError):
        for folder in dict.fromkeys([house, house.parent, *map(Path, made.all("folder"))]):
            folder.rmdir()
    if was_as_left:
        give_back_times(made)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        here, there = os.fstat(descriptor), path.stat()
    except FileNotFoundError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _is_dead(said: bytes) -> bool:
    try:
        os.kill(int(json.loads(said)["pid"]), 0)
    except (ValueError, KeyError, TypeError, OverflowError, PermissionError):
        return False
    except ProcessLookupError:
        return True
    return False


def _busy(said: bytes) -> Refused:
    try:
        holder = json.loads(said)
        pid, since = int(holder["pid"]), datetime.fromtimestamp(holder["at"], UTC).isoformat(timespec="seconds")
        who = f"`wa {holder['command']}` (pid {pid}, since {since})"
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        who = "another wa"
    return Refused(f"{who} is at work on this machine's setup", next_step="Wait until it has ended, then try again.")
