"""A throw-away home that plans are made in, and all that can be told of it."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wa.config.paths import Paths
from wa.protocol.results_setup import PlanResult, UndoResult
from wa.provision import files, programs
from wa.provision.applying import apply
from wa.provision.blocks import put_block
from wa.provision.journal import journals
from wa.provision.plan import Change, FileChange, Plan
from wa.provision.undoing import undo
from wa.wezterm.processes import Completed


class Entry(NamedTuple):
    kind: str
    mode: int
    mtime_ns: int
    atime_ns: int
    content: bytes
    names: int


class Manager:
    """systemd's manager of a user, as far as plans ask it; what it knows lies in a file, and outlives a death."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def state(self) -> set[str]:
        return set(self._file.read_text().split()) if self._file.exists() else set()

    async def run(self, argv: Sequence[str], within_s: float) -> Completed:
        if argv[0] != "systemctl":
            return await programs.run(argv, within_s)
        verb, unit, state = argv[2], argv[-1], self.state
        known = {"is-enabled": f"enabled:{unit}", "is-active": f"active:{unit}"}
        if verb in known:
            is_so = known[verb] in state
            word = verb.removeprefix("is-") if is_so else "disabled"
            return Completed(0 if is_so else 1, word.encode() + b"\n", b"")
        made = {"enable": f"enabled:{unit}", "start": f"active:{unit}"}
        gone = {"disable": f"enabled:{unit}", "stop": f"active:{unit}"}
        state |= {made[verb]} if verb in made else set()
        state -= {gone[verb]} if verb in gone else set()
        self._file.write_text("\n".join(sorted(state)))
        return Completed(0, b"", b"")


class Machine:
    """Its home holds wa's data too, so that a snapshot tells what of it is left."""

    def __init__(self, folder: Path, *, is_new: bool = True) -> None:
        self.home = folder / "home"
        if is_new:
            self.home.mkdir()
        self.paths = Paths.from_env({"HOME": str(self.home)})
        self.manager = Manager(folder / "units")

    def plan(self, *more: Change, command: str = "setup local") -> Plan:
        """A block in .bashrc, a file in a folder that is not there, and *more*."""
        rc, made = self.home / ".bashrc", self.home / ".config/wa-made/init.lua"
        text = put_block(files.text_of(files.read(rc)), "shell", "source /x/wa.bash")
        changes = (
            files.file_change(rc, files.data_of(text), "wa's lines for bash", block="shell"),
            files.file_change(made, b"return 1\n", "the plugin"),
        )
        return Plan(command, (*changes, *more))

    def file(self, name: str, after: bytes | None, **fields: object) -> FileChange:
        return files.file_change(self.home / name, after, f"the file {name}", **fields)

    def apply(self, plan: Plan) -> PlanResult:
        return asyncio.run(apply(plan, self.paths, run=self.manager.run))

    def undo(self, plan_id: str | None = None) -> UndoResult:
        return asyncio.run(undo(self.paths, plan_id, run=self.manager.run))

    def undo_all(self) -> None:
        for _ in range(20):
            if not journals(self.paths):
                return
            self.undo()
        raise AssertionError("some plan cannot be taken back")

    def snapshot(self) -> dict[str, Entry]:
        """Every name below the home: kind, mode, times, content or where a link points. Reading leaves no trace."""
        found = {".": _entry(self.home)}
        for folder, folders, names in os.walk(self.home):
            for name in (*folders, *names):
                path = Path(folder) / name
                entry = _entry(path)
                if path.is_relative_to(self.paths.data):
                    # wa may read its own journals.
                    entry = entry._replace(atime_ns=0)
                found[os.path.relpath(path, self.home)] = entry
        return found


def _entry(path: Path) -> Entry:
    known = path.lstat()
    match stat.S_IFMT(known.st_mode):
        case stat.S_IFLNK:
            # To follow a link may touch its atime.
            return Entry("link", 0, known.st_mtime_ns, 0, os.fsencode(path.readlink()), 1)
        case stat.S_IFDIR:
            # To list a folder does too.
            return Entry("folder", stat.S_IMODE(known.st_mode), known.st_mtime_ns, 0, b"", 0)
        case stat.S_IFREG:
            content = files.read(path) or b""
            mode = stat.S_IMODE(known.st_mode)
            return Entry("file", mode, known.st_mtime_ns, known.st_atime_ns, content, known.st_nlink)
    return Entry("other", stat.S_IMODE(known.st_mode), known.st_mtime_ns, 0, b"", known.st_nlink)
