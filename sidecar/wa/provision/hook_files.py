"""The settings files of agents on disk: read, changed in one step, kept as they were, and put back."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from wa.model.errors import ConfigError, Refused
from wa.model.hook import AgentHooks
from wa.provision import hook_edits
from wa.provision.hook_lines import Caller
from wa.provision.text_trouble import TextTrouble

T = TypeVar("T")

MAX_FILE_BYTES = 4 * 1024 * 1024


class Place(NamedTuple):
    """One file that hooks go into."""

    hooks: AgentHooks
    path: Path
    is_notify: bool
    """A TOML file, for `notify` alone."""


class Change(NamedTuple):
    place: Place
    before: bytes | None
    """None: there is no file."""
    after: bytes | None
    """None: there is to be none."""

    @property
    def is_one(self) -> bool:
        return self.before != self.after


class Record(NamedTuple):
    """What was done to a file, as it is kept in wa's data folder."""

    before: bytes | None
    after_sha256: str
    folders: tuple[str, ...]
    """That were made for it, innermost first."""


class Records:
    """One small file for each changed file, and beside it a copy of what was there before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, path: Path) -> Record | None:
        try:
            data = json.loads(self._name(path, "json").read_text("utf-8"))
            before = self._name(path, "before").read_bytes() if data["existed"] else None
            return Record(before, str(data["after_sha256"]), tuple(map(str, data["folders"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, path: Path, record: Record) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if record.before is not None:
            write_whole(self._name(path, "before"), record.before, 0o600)
        data = {
            "path": str(path),
            "existed": record.before is not None,
            "after_sha256": record.after_sha256,
            "folders": record.folders,
        }
        write_whole(self._name(path, "json"), (json.dumps(data, indent=2) + "\n").encode(), 0o600)

    def drop(self, path: Path) -> None:
        """Its copy of the file goes too: it may hold secrets."""
        for kind in ("json", "before"):
            self._name(path, kind).unlink(missing_ok=True)

    def _name(self, path: Path, kind: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.{kind}"


def to_install(place: Place, caller: Caller, version: str | None) -> Change:
    """Raises ConfigError with file and line for what is not understood."""
    before = read(place.path)

    def put(text: str) -> str:
        if place.is_notify:
            return hook_edits.put_notify(text, place.hooks.agent, caller)
        return hook_edits.put_in(text, place.hooks, caller, version)

    if not place.is_notify and not hook_edits.wanted_events(place.hooks, version):
        return Change(place, before, before)
    return Change(place, before, _edited(place.path, before or b"", put))


def to_uninstall(place: Place, records: Records) -> Change:
    """To the byte as it was, where nobody has changed it since; else only ours is taken out. Raises ConfigError."""
    before, record = read(place.path), records.get(place.path)
    if before is None:
        return Change(place, None, None)
    if record is not None and hashlib.sha256(before).hexdigest() == record.after_sha256:
        return Change(place, before, record.before)
    kept = None if record is None or record.before is None else record.before.decode("utf-8", "replace")

    def take(text: str) -> str:
        if place.is_notify:
            return hook_edits.take_notify(text, kept)
        return hook_edits.take_out(text, place.hooks, kept)

    after = _edited(place.path, before, take)
    if record is not None and record.before is None and hook_edits.is_empty(after.decode()):
        return Change(place, before, None)
    return Change(place, before, after)


def perform(change: Change, records: Records, *, install: bool) -> None:
    """Raises Refused where the file is another one by now, ConfigError where it cannot be written."""
    path = change.place.path
    if read(path) != change.before:
        raise Refused(f"{path} has changed just now", next_step="Run the command again.")
    try:
        if install:
            known = records.get(path)
            untouched = known is not None and hashlib.sha256(change.before or b"").hexdigest() == known.after_sha256
            base = known.before if known is not None and untouched else to_uninstall(change.place, records).after
            made = _make_folders(path.parent)
            if known is not None and not made:
                made = known.folders
            assert change.after is not None
            # First the way back, then the change.
            records.put(path, Record(base, hashlib.sha256(change.after).hexdigest(), made))
            write_whole(path, change.after, _mode(path))
        else:
            known = records.get(path)
            if change.after is None:
                path.unlink(missing_ok=True)
                for folder in known.folders if known is not None else ():
                    with suppress(OSError):
                        Path(folder).rmdir()
            else:
                write_whole(path, change.after, _mode(path))
            records.drop(path)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or error}", next_step="Nothing was changed there."
        ) from error


def read(path: Path) -> bytes | None:
    """Raises ConfigError for what is no plain file of this user's."""
    try:
        known = path.stat()
        if not stat.S_ISREG(known.st_mode):
            raise ConfigError(f"{path} is no file", next_step="Look at that path.")
        if known.st_uid != os.getuid():
            raise ConfigError(f"{path} belongs to uid {known.st_uid}, not to you", next_step="Look at that path.")
        if known.st_size > MAX_FILE_BYTES:
            raise ConfigError(
                f"{path} is larger than any settings: {known.st_size} bytes", next_step="Look at that path."
            )
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror or error}", next_step="Look at that path."
        ) from error


def text_of(path: Path) -> str | None:
    """Raises ConfigError."""
    data = read(path)
    return None if data is None else _decoded(path, data)


def understood(path: Path, look: Callable[[], T]) -> T:
    """What *look* gives. Raises ConfigError with file and line."""
    try:
        return look()
    except TextTrouble as trouble:
        where = f"{path}:{trouble.line}" if trouble.line is not None else f"{path}"
        raise ConfigError(
            f"{where}: {trouble.reason}",
            next_step="Mend the file by hand; wa changes nothing that it does not understand.",
        ) from None


def write_whole(path: Path, data: bytes, mode: int) -> None:
    """In one step, through symbolic links. Raises OSError."""
    target = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _edited(path: Path, data: bytes, edit: Callable[[str], str]) -> bytes:
    text = _decoded(path, data)
    return understood(path, lambda: edit(text)).encode()


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is no UTF-8", next_step="Mend the file by hand.") from None


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0o600


def _make_folders(folder: Path) -> tuple[str, ...]:
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700)
    return tuple(map(str, missing))
