"""The settings files of agents on disk: read, changed in one step, kept as they were, and put back."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from wa.model.errors import ConfigError, Refused
from wa.model.hook import AgentHooks
from wa.provision import files, hook_edits
from wa.provision.hook_lines import Caller
from wa.provision.text_trouble import TextTrouble

T = TypeVar("T")

NEW_MODE = 0o600
"""Settings of agents hold tokens."""


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
            files.write(self._name(path, "before"), record.before, mode=0o600)
        data = {
            "path": str(path),
            "existed": record.before is not None,
            "after_sha256": record.after_sha256,
            "folders": record.folders,
        }
        files.write(self._name(path, "json"), (json.dumps(data, indent=2) + "\n").encode(), mode=0o600)

    def drop(self, path: Path) -> None:
        """Its copy of the file goes too: it may hold secrets."""
        for kind in ("json", "before"):
            self._name(path, kind).unlink(missing_ok=True)

    def _name(self, path: Path, kind: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.{kind}"


def to_install(place: Place, caller: Caller, version: str | None) -> Change:
    """Raises ConfigError with file and line for what is not understood."""
    before = files.read(place.path)

    def put(text: str) -> str:
        if place.is_notify:
            return hook_edits.put_notify(text, place.hooks.agent, caller)
        return hook_edits.put_in(text, place.hooks, caller, version)

    if not place.is_notify and not hook_edits.wanted_events(place.hooks, version):
        return Change(place, before, before)
    return Change(place, before, _edited(place.path, before or b"", put))


def to_uninstall(place: Place, records: Records) -> Change:
    """To the byte as it was, where nobody has changed it since; else only ours is taken out. Raises ConfigError."""
    before, record = files.read(place.path), records.get(place.path)
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
    if files.read(path) != change.before:
        raise Refused(f"{path} has changed just now", next_step="Run the command again.")
    why = files.is_kept_from_us(path)
    if why is not None:
        raise ConfigError(f"{path} cannot be written: it {why}", next_step="Nothing was changed there.")
    try:
        if install:
            known = records.get(path)
            untouched = known is not None and hashlib.sha256(change.before or b"").hexdigest() == known.after_sha256
            base = known.before if known is not None and untouched else to_uninstall(change.place, records).after
            missing = files.missing_folders(path.parent)
            files.make_folders(missing)
            made = tuple(map(str, missing))
            if known is not None and not made:
                made = known.folders
            assert change.after is not None
            # First the way back, then the change.
            records.put(path, Record(base, hashlib.sha256(change.after).hexdigest(), made))
            files.write(path, change.after, mode=NEW_MODE)
        else:
            known = records.get(path)
            if change.after is None:
                path.unlink(missing_ok=True)
                for folder in known.folders if known is not None else ():
                    with suppress(OSError):
                        Path(folder).rmdir()
            else:
                files.write(path, change.after, mode=NEW_MODE)
            records.drop(path)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or error}", next_step="Nothing was changed there."
        ) from error


def text_of(path: Path) -> str | None:
    """Raises ConfigError."""
    data = files.read(path)
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


def _edited(path: Path, data: bytes, edit: Callable[[str], str]) -> bytes:
    text = _decoded(path, data)
    return understood(path, lambda: edit(text)).encode()


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is no UTF-8", next_step="Mend the file by hand.") from None
