"""What `wa setup`, `wa tune` and their like made, and is not there any more."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from wa.api.doctor_findings import finding
from wa.config.paths import Paths
from wa.model.errors import ConfigError
from wa.protocol.results import FixableFinding
from wa.provision import files
from wa.provision.journal import Journal, journals
from wa.provision.own_block import OwnBlock
from wa.provision.plan import FileChange, PlanState
from wa.provision.text_trouble import TextTrouble

Key = tuple[PurePosixPath, str | None]


def setup_findings(paths: Paths) -> list[FixableFinding]:
    """Compares what stands in the journals of this machine with its files; what the user added is the user's."""
    newest: dict[Key, tuple[Journal, FileChange]] = {}
    for journal in journals(paths):
        if journal.plan.machine is not None or journal.state is not PlanState.FINISHED:
            continue
        for number, change in journal.numbered:
            if isinstance(change, FileChange) and journal.words.get(number, ("", ""))[0] in ("done", "holds"):
                newest[change.path, change.block] = (journal, change)
    found = list[FixableFinding]()
    gone = set[PurePosixPath]()
    for journal, change in newest.values():
        if change.path not in gone and (what := _missing(change)) is not None:
            gone.add(change.path)
            found.append(_told(journal, what))
    if newest and not found:
        count = len({one.id for one, _ in newest.values()})
        made = "one plan" if count == 1 else f"{count} plans"
        found.append(finding("ok", f"what {made} of setup made is in its place"))
    return found


def _missing(change: FileChange) -> str | None:
    """None: it is there, or was not to be."""
    if change.after is None:
        return None
    try:
        now = files.read(change.path)
        if now is None:
            return f"{change.path} is gone: {change.what}"
        own = None if change.block is None else OwnBlock.of(files.text_of(change.after), change.block)
        if own is not None and own.found(files.text_of(now)) is None:
            return f"{change.path} has lost wa's lines: {change.what}"
    except (ConfigError, TextTrouble) as error:
        return f"{Path(change.path)}: {error}"
    return None


def _told(journal: Journal, what: str) -> FixableFinding:
    argv = ["wa", *journal.plan.command.split()]
    step = f"Run `wa {journal.plan.command}` to have it again, or `wa setup undo {journal.id}` if you do not want it."
    return finding("warning", what, step, fix=argv)
