"""What was begun and not ended: plans of setup, and rescues that lowered ptrace_scope."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shlex import join

from wa.api.doctor_findings import finding
from wa.config.paths import Paths
from wa.protocol.results import FixableFinding
from wa.provision.journal import Journal, house_of, journals, unreadable
from wa.provision.plan_lock import LOCK

RESCUE = ("wa", "rescue")
"""Puts right first what an earlier one left."""


def plan_findings(paths: Paths) -> list[FixableFinding]:
    """Reads journals only."""
    busy = _at_work(paths)
    return [
        *(finding("error", error.message, error.next_step) for error in unreadable(paths).values()),
        *(_interrupted(one, busy) for one in journals(paths) if one.is_interrupted),
    ]


def _interrupted(journal: Journal, busy: int | None) -> FixableFinding:
    made = sum(word in ("done", "holds") for word, _ in journal.words.values())
    where = "" if journal.plan.machine is None else f" on {journal.plan.machine}"
    name = f"`wa {journal.plan.command}`{where} of {journal.made_at[:16].replace('T', ' ')} UTC ({journal.id})"
    if busy is not None:
        return finding("note", f"{name} is under way: pid {busy}")
    undone = journal.state.value == "undoing"
    what = f"{name} was interrupted {'while it was taken back' if undone else ''}".rstrip()
    what += f": {made} of its {len(journal.plan.changes)} changes are made"
    argv = ["wa", "setup", "undo", journal.id, "--yes"]
    again = ""
    if not undone and not journal.plan.command.startswith("tune --host"):
        host = journal.plan.machine if journal.plan.command == "setup remote" else None
        again = f"Run `{join(['wa', *journal.plan.command.split(), *([host] if host else [])])}` again to go on, or "
    step = f"{again}run `{join(argv)}` to take it back."
    return finding("error", what, step[0].upper() + step[1:], fix=argv)


def _at_work(paths: Paths) -> int | None:
    """Who makes a plan at this moment."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        pid = int(json.loads((house_of(paths) / LOCK).read_bytes())["pid"])
        os.kill(pid, 0)
        return pid
    return None


def rescue_findings(paths: Paths) -> list[FixableFinding]:
    """ptrace_scope as a rescue that was cut off left it (the folders of setup/rescue.sh)."""
    return [one for folder in _rescues(paths) for one in _lowered(folder)]


def _rescues(paths: Paths) -> Iterator[Path]:
    with suppress(OSError):
        yield from sorted(one for one in (paths.data / "rescue").iterdir() if one.is_dir())


def _lowered(folder: Path) -> Iterator[FixableFinding]:
    try:
        scope, was = (folder / "scope").read_text("utf-8", "surrogateescape").splitlines()[:2]
        now = Path(scope).read_text("ascii").strip()
    except (OSError, ValueError):
        return
    if now != "0" or was == "0" or (folder / "restored").exists() or _is_moving(folder):
        return
    what = f"{scope} is 0 since a rescue that was interrupted ({folder.name}); it was {was}: any program of yours may trace any other"
    yield finding("error", what, f"Run `{join(RESCUE)}`: it puts that back first.", fix=RESCUE, safe=True)


def _is_moving(folder: Path) -> bool:
    """The rescue still runs: it puts that back itself."""
    with suppress(OSError, ValueError, IndexError):
        pid, born = (folder / "mover").read_text("ascii").split()[:2]
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[19] == born
    return False
