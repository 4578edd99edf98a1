"""The folder of one plan below DATA/setup: what is to be done, what was there, and how far it has come.

Layout and order of writing: docs/protocol/setup-plan.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from wa.config.paths import Paths
from wa.model.errors import NotFound, StoreError
from wa.provision.files import sync_folder, write_all
from wa.provision.plan import Change, ChangeState, EnableUnit, FileChange, Plan, PlanState, RunCommand

VERSION = 1
ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_EVENT = re.compile(r"(\d+) (begun|done|holds|failed|undone|conflict)(?: (.*))?")
_ENDS = {
    "begin": PlanState.BEGUN,
    "finished": PlanState.FINISHED,
    "undo": PlanState.UNDOING,
    "undone": PlanState.UNDONE,
}


class Outcome(NamedTuple):
    """How one change stands."""

    state: ChangeState
    trouble: str | None = None
    next_step: str | None = None
    diff: tuple[str, ...] | None = None
    """In place of the plan's own."""


class Journal:
    """Changes are counted from 1."""

    def __init__(self, folder: Path, plan: Plan, made_at: str) -> None:
        self.folder = folder
        self.plan = plan
        self.made_at = made_at
        self.state = PlanState.BEGUN
        self.words: dict[int, tuple[str, str]] = {}
        """The last event of each change, and why."""

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def is_interrupted(self) -> bool:
        return self.state in (PlanState.BEGUN, PlanState.UNDOING)

    @property
    def numbered(self) -> list[tuple[int, Change]]:
        return list(enumerate(self.plan.changes, 1))

    @classmethod
    def begin(cls, house: Path, plan: Plan, plan_id: str | None = None) -> Journal:
        """Whole on disk when this returns. *house* is DATA/setup, and locked. Raises OSError; then nothing is left."""
        name = plan_id or new_id(house)
        made_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        fresh = house / f".{name}"
        fresh.mkdir(0o700)
        try:
            fresh.chmod(0o700)
            for file, data in folder_files(plan, name, made_at).items():
                _put(fresh / file, data)
            _put(fresh / "journal", b"begin\n")
            sync_folder(fresh)
            fresh.rename(house / name)
        except BaseException:
            with suppress(OSError):
                _remove(fresh)
            raise
        sync_folder(house)
        return cls(house / name, plan, made_at)

    @classmethod
    def load(cls, folder: Path) -> Journal:
        """Raises StoreError where it cannot be understood."""
        try:
            data = json.loads((folder / "plan.json").read_bytes())
            if data["v"] != VERSION:
                raise StoreError(f"{folder} was written by another version of wa", next_step="Use that version of wa.")
            plan = Plan(
                str(data["command"]),
                tuple(_change(folder, one) for one in data["changes"]),
                data["machine"],
                tuple(map(str, data["notes"])),
            )
            journal = cls(folder, plan, str(data["made_at"]))
            for line in (folder / "journal").read_bytes().decode("utf-8", "surrogateescape").split("\n"):
                journal._take(line)
        except (OSError, ValueError, KeyError, TypeError) as error:
            step = f"Look into {folder}: before.N is what was found, plan.json says where."
            raise StoreError(f"the journal {folder} cannot be read: {error}", next_step=step) from error
        return journal

    def event(self, line: str) -> None:
        """On disk when this returns. Raises OSError."""
        line = " ".join(line.split())
        descriptor = os.open(self.folder / "journal", os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            # Where a disk was full in the middle of a line, the next one begins anew.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            write_all(descriptor, (b"\n" if torn else b"") + line.encode("utf-8", "surrogateescape") + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._take(line)

    def facts(self, number: int) -> Facts:
        """Empty where there are none."""
        try:
            return Facts.parse((self.folder / f"done.{number}").read_bytes())
        except FileNotFoundError:
            return Facts()

    def put_facts(self, number: int, pairs: Sequence[tuple[str, object]]) -> None:
        """In the place of those before. Raises OSError."""
        fresh, place = self.folder / f".done.{number}", self.folder / f"done.{number}"
        _put(fresh, Facts(pairs).lines())
        fresh.replace(place)
        sync_folder(self.folder)

    def add_facts(self, number: int, pairs: Sequence[tuple[str, object]]) -> None:
        """Behind those that are there; lost where the machine dies. Raises OSError."""
        descriptor = os.open(self.folder / f"done.{number}", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            write_all(descriptor, Facts(pairs).lines())
        finally:
            os.close(descriptor)

    def drop_secrets(self) -> None:
        """What a finished plan wrote is kept for the diff of a conflict, unless it is secret. Raises OSError."""
        for number, change in self.numbered:
            if isinstance(change, FileChange) and change.is_secret:
                with suppress(FileNotFoundError):
                    (self.folder / f"after.{number}").unlink()

    def drop(self) -> None:
        """Raises OSError."""
        hidden = self.folder.with_name(f".{self.folder.name}")
        self.folder.rename(hidden)
        _remove(hidden)

    def _take(self, line: str) -> None:
        if line in _ENDS:
            self.state = _ENDS[line]
        elif found := _EVENT.fullmatch(line):
            self.words[int(found[1])] = (found[2], found[3] or "")


class Facts:
    """`key=value` lines, in order; a key may come again. In a value backslash, tab and line break are escaped as in `steps`."""

    def __init__(self, pairs: Sequence[tuple[str, object]] = ()) -> None:
        self.pairs = [(key, str(value)) for key, value in pairs]

    @classmethod
    def parse(cls, data: bytes) -> Facts:
        # A line without its end was not written whole.
        lines = data.decode("utf-8", "surrogateescape").split("\n")[:-1]
        return cls(
            [(key, _unescaped(value)) for key, equals, value in (line.partition("=") for line in lines) if equals]
        )

    def lines(self) -> bytes:
        return "".join(f"{key}={_field(value)}\n" for key, value in self.pairs).encode("utf-8", "surrogateescape")

    def text(self, key: str) -> str | None:
        """The last one."""
        return next((value for name, value in reversed(self.pairs) if name == key), None)

    def number(self, key: str, base: int = 10) -> int | None:
        value = self.text(key)
        try:
            return None if value is None else int(value, base)
        except ValueError:
            return None

    def all(self, key: str) -> list[str]:
        return [value for name, value in self.pairs if name == key]


def house_of(paths: Paths) -> Path:
    return paths.data / "setup"


def journals(paths: Paths) -> list[Journal]:
    """Oldest first; without those of `unreadable`, which do not bar the way of the others."""
    found = []
    for folder in _folders(house_of(paths)):
        with suppress(StoreError):
            found.append(Journal.load(folder))
    return found


def unreadable(paths: Paths) -> dict[str, StoreError]:
    """By the plan's id."""
    found = {}
    for folder in _folders(house_of(paths)):
        try:
            Journal.load(folder)
        except StoreError as error:
            # One that goes at this moment is no trouble.
            if folder.is_dir():
                found[folder.name] = error
    return found


def journal_of(paths: Paths, plan_id: str) -> Journal:
    """Raises NotFound, StoreError."""
    if not ID.fullmatch(plan_id) or not (folder := house_of(paths) / plan_id).is_dir():
        raise NotFound(f"there is no plan {plan_id}", next_step="wa setup history")
    return Journal.load(folder)


def new_id(house: Path, now: datetime | None = None) -> str:
    """Sorts behind every one that is there, even where the clock went back."""
    now = now or datetime.now(UTC)
    last = max((folder.name for folder in _folders(house)), default="")
    while True:
        name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        if name > last:
            return name
        now = max(now, datetime.strptime(last[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)) + timedelta(seconds=1)


def folder_files(plan: Plan, plan_id: str, made_at: str) -> dict[str, bytes]:
    """What the folder of a plan that is to be made holds, beside its journal: here, and on a host."""
    files: dict[str, bytes] = {}
    described, steps = [], []
    for number, change in enumerate(plan.changes, 1):
        if isinstance(change, FileChange):
            for kind, content in (("before", change.before), ("after", change.after)):
                if content is not None:
                    files[f"{kind}.{number}"] = content
        described.append(_described(number, change))
        steps.append(_step(number, change))
    data = {
        "v": VERSION,
        "id": plan_id,
        "command": plan.command,
        "machine": plan.machine,
        "made_at": made_at,
        "notes": list(plan.notes),
        "changes": described,
    }
    files["plan.json"] = (json.dumps(data, indent=1) + "\n").encode("ascii")
    files["steps"] = os.fsencode("".join(line + "\n" for line in steps))
    return files


def clear_torn(house: Path) -> None:
    """Folders of plans that were never begun, or have been taken back: a death left them. *house* is locked."""
    for folder in house.iterdir():
        if folder.name.startswith(".") and ID.fullmatch(folder.name[1:]):
            _remove(folder)


def _folders(house: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from sorted(folder for folder in house.iterdir() if ID.fullmatch(folder.name))


def _described(number: int, change: Change) -> dict[str, Any]:
    match change:
        case FileChange():
            return {
                "kind": "file",
                "path": str(change.path),
                "before": None if change.before is None else f"before.{number}",
                "after": None if change.after is None else f"after.{number}",
                "what": change.what,
                "mode": change.mode,
                "block": change.block,
                "is_secret": change.is_secret,
            }
        case RunCommand():
            return {
                "kind": "command",
                "argv": list(change.argv),
                "what": change.what,
                "holds": list(change.holds),
                "undo": list(change.undo),
                "within_s": change.within_s,
                "may_fail": change.may_fail,
            }
        case EnableUnit():
            return {
                "kind": "unit",
                "name": change.name,
                "path": str(change.path),
                "what": change.what,
                "manager": change.manager,
                "start": change.start,
                "undo_stops": change.undo_stops,
            }


def _change(folder: Path, data: Mapping[str, Any]) -> Change:
    fields = {key: value for key, value in data.items() if key != "kind"}
    match data["kind"]:
        case "file":
            before, after = (
                # What was dropped reads as empty; `sha256` among the facts says what was written.
                None if fields.pop(kind) is None else _kept(folder / Path(str(data[kind])).name)
                for kind in ("before", "after")
            )
            return FileChange(PurePosixPath(fields.pop("path")), before, after, **fields)
        case "command":
            argv, holds, undo = (tuple(fields.pop(key)) for key in ("argv", "holds", "undo"))
            return RunCommand(argv=argv, holds=holds, undo=undo, **fields)
        case "unit":
            return EnableUnit(fields.pop("name"), PurePosixPath(fields.pop("path")), **fields)
    raise ValueError(f"a change of kind {data['kind']!r}")


def _kept(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _step(number: int, change: Change) -> str:
    match change:
        case FileChange():
            mode = "-" if change.mode is None else f"{change.mode:o}"
            words = ["file", number, change.path, mode, change.block or "-"]
        case RunCommand():
            words = ["run", number, f"{change.within_s:g}", int(change.may_fail)]
            for argv in (change.argv, change.holds, change.undo):
                words += [len(argv), *argv]
        case EnableUnit():
            start, stops = int(change.start), int(change.undo_stops)
            words = ["unit", number, change.name, change.manager, start, stops, change.path]
    return "\t".join(_field(str(word)) for word in words)


def _field(word: str) -> str:
    return word.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _unescaped(word: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n"}.get(found[1], found[1]), word)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _put(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
