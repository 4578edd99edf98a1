"""A plan of this machine, made: each change under the journal, and all of them or none.

Files are written in the event loop's own thread, and on purpose: a Ctrl-C then arrives between two changes, never
beside one that a thread goes on with.
"""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path, PurePosixPath

from wa.config.paths import Paths
from wa.model.errors import ConfigError, Refused, WaError
from wa.protocol.results_setup import PlanResult
from wa.provision import files, programs
from wa.provision.journal import Journal, Outcome, journals, sha256
from wa.provision.own_block import OwnBlock
from wa.provision.plan import Change, ChangeState, EnableUnit, FileChange, Plan, PlanState, RunCommand
from wa.provision.plan_lock import held, times_of
from wa.provision.programs import Failed, Run, Unit
from wa.provision.shown import diff_of, result_of
from wa.provision.text_trouble import TextTrouble
from wa.provision.undoing import take_back, take_back_file, way_back

HOLDS = Outcome(ChangeState.HOLDS)


async def apply(plan: Plan, paths: Paths, *, run: Run = programs.run) -> PlanResult:
    """Every change, or none: where one fails, or Ctrl-C comes, those before it are taken back.

    Raises WaError, which says which change failed, why, and what is left of the others. A plan that holds already
    writes nothing, not even a journal.
    """
    if plan.machine is not None:
        raise ValueError(f"a plan for {plan.machine} is not made here")
    standing = await holding(plan, run)
    if len(standing) == len(plan.changes) and not _begun(paths, plan.command):
        return result_of(plan, PlanState.FINISHED, outcomes=standing)
    _check_files(plan)
    with held(paths, plan.command) as house:
        told = [await settle(journal, run) for journal in _begun(paths, plan.command)]
        plan = plan.with_notes(*told)
        if len(standing) == len(plan.changes):
            return result_of(plan, PlanState.FINISHED, outcomes=standing)
        _check_files(plan)
        try:
            journal = Journal.begin(house, plan)
        except OSError as error:
            raise ConfigError(
                f"what is there now cannot be kept below {house}: {error.strerror or error}",
                next_step="Nothing was changed. Make room there, then try again.",
            ) from error
        outcomes = await _perform(journal, run)
        return result_of(plan, PlanState.FINISHED, plan_id=journal.id, outcomes=outcomes)


async def holding(plan: Plan, run: Run = programs.run) -> dict[int, Outcome]:
    """The changes that are so already, by number."""
    changed = {change.path for change in plan.changes if isinstance(change, FileChange) and change.is_needed}
    found = {}
    for number, change in enumerate(plan.changes, 1):
        match change:
            case FileChange():
                is_so = not change.is_needed
            case RunCommand():
                is_so = await programs.holds(change, run)
            case EnableUnit():
                # A manager that has not read the new file runs the old one.
                is_so = change.path not in changed and await Unit(change, run).holds()
        if is_so:
            found[number] = HOLDS
    return found


async def settle(journal: Journal, run: Run) -> str:
    """Ends a plan that was interrupted where it stands, so that the same command goes on from there; what to tell.

    What was made stays made, and can be undone.
    """
    made = 0
    for number, change in journal.numbered:
        word = journal.words.get(number, ("", ""))[0]
        if word == "begun":
            word = await _found(journal, number, change, run)
            journal.event(f"{number} {word}")
        made += word == "done"
    told = f"An earlier `wa {journal.plan.command}` ({journal.id}) was interrupted"
    if not made:
        journal.drop()
        return f"{told} before it had changed anything."
    journal.event("finished")
    return f"{told} after {made} of its {len(journal.plan.changes)} changes; this one went on from there."


async def _found(journal: Journal, number: int, change: Change, run: Run) -> str:
    """The event that a change without its end should have had."""
    if isinstance(change, RunCommand):
        return "done" if not change.holds or await programs.holds(change, run) else "undone"
    if isinstance(change, EnableUnit):
        return "done"
    back = way_back(journal, number, change)
    is_half = back.kind == "restore" and back.now is not None
    is_half = is_half and sha256(back.now or b"") != journal.facts(number).text("sha256")
    if back.kind in ("restore", "remove", "edit") and not is_half:
        files.drop_temporary(back.place, f"{journal.id}-{number}")
        return "done"
    # Not yet written, or half-written in place: the folders that were made for it go too.
    outcome = take_back_file(journal, number, change)
    return "undone" if outcome.state is ChangeState.UNDONE else f"conflict {outcome.trouble}"


def _begun(paths: Paths, command: str) -> list[Journal]:
    return [
        one
        for one in journals(paths)
        if one.state is PlanState.BEGUN and one.plan.machine is None and one.plan.command == command
    ]


def _check_files(plan: Plan) -> None:
    """Before anything is done. Raises ConfigError, Refused."""
    made = dict[PurePosixPath, bytes | None]()
    for change in plan.changes:
        if isinstance(change, FileChange) and change.is_needed:
            why = files.is_kept_from_us(change.path)
            if why is not None:
                raise ConfigError(f"{change.path} {why}", next_step="Nothing was changed. Look at that path.")
            # A plan may change a file twice.
            if change.path not in made or made[change.path] != change.before:
                _check_before(change)
            made[change.path] = change.after


def _check_before(change: FileChange) -> None:
    """Raises Refused, with a diff of what was read against what is there."""
    now = files.read(change.path)
    if now != change.before:
        diff = diff_of(change.before, now, str(change.path), is_secret=change.is_secret)
        raise Refused(
            f"{change.path} was changed since wa read it",
            next_step="Nothing was changed. Run the command again.",
            details={"candidates": diff, "diff": diff},
        )


async def _perform(journal: Journal, run: Run) -> dict[int, Outcome]:
    outcomes = dict[int, Outcome]()
    number, change = 0, journal.plan.changes[0]
    try:
        for number, change in journal.numbered:
            # Here a Ctrl-C arrives.
            await asyncio.sleep(0)
            outcomes[number] = await _make(journal, number, change, run)
        await asyncio.sleep(0)
        number = 0
        journal.event("finished")
        journal.drop_secrets()
    except asyncio.CancelledError:
        await _roll_back(journal, run)
        raise
    except (Failed, OSError, WaError) as error:
        left = await _roll_back(journal, run)
        what = f"change {number} of {len(journal.plan.changes)} failed ({change.what})" if number else "the end failed"
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        if isinstance(error, OSError) and isinstance(change, FileChange):
            why = f"{change.path}: {why}"
        details = error.details if isinstance(error, WaError) else {}
        if left:
            step = f"Not everything could be taken back: {'; '.join(left)}. Then: wa setup undo {journal.id}"
        else:
            step = "Everything before it was taken back; nothing is left of it."
        kind = type(error) if isinstance(error, WaError) else WaError
        raise kind(f"{what}: {why}", next_step=step, details=details) from error
    return outcomes


async def _roll_back(journal: Journal, run: Run) -> list[str]:
    """What could not be taken back."""
    outcomes = await take_back(journal, run)
    left = [one.trouble or "" for one in outcomes.values() if one.state is ChangeState.CONFLICT]
    if not left:
        try:
            journal.drop()
        except OSError as error:
            return [f"{journal.folder} cannot be removed: {error.strerror or error}"]
    return left


async def _make(journal: Journal, number: int, change: Change, run: Run) -> Outcome:
    match change:
        case FileChange():
            if not change.is_needed:
                return _noted(journal, number, HOLDS)
            _make_file(journal, number, change)
        case RunCommand():
            if await programs.holds(change, run):
                return _noted(journal, number, HOLDS)
            journal.event(f"{number} begun")
            try:
                await programs.run_command(change, run)
            except Failed as error:
                if not change.may_fail:
                    raise
                return _noted(journal, number, Outcome(ChangeState.FAILED, str(error)))
        case EnableUnit():
            unit = Unit(change, run)
            was_enabled, was_active = await unit.is_enabled(), await unit.is_active()
            journal.put_facts(number, [("was_enabled", int(was_enabled)), ("was_active", int(was_active))])
            journal.event(f"{number} begun")
            await unit.switch_on()
            if not await unit.holds():
                raise Failed(f"{change.name} did not come up: see `{programs.status_of(change)}`")
            if was_active and any(_is_file_of(change, other) for other in journal.plan.changes):
                why = f"{change.name} runs on as it was started: its new file holds from its next start on"
                return _noted(journal, number, Outcome(ChangeState.DONE, why))
    return _noted(journal, number, Outcome(ChangeState.DONE))


def _is_file_of(unit: EnableUnit, change: Change) -> bool:
    return isinstance(change, FileChange) and change.path == unit.path and change.is_needed


def _noted(journal: Journal, number: int, outcome: Outcome) -> Outcome:
    journal.event(f"{number} {outcome.state}" + (f" {outcome.trouble}" if outcome.trouble else ""))
    return outcome


def _make_file(journal: Journal, number: int, change: FileChange) -> None:
    _check_before(change)
    path = Path(change.path)
    target = path.resolve()
    known = target.stat() if change.before is not None else None
    missing = files.missing_folders(target.parent)
    parent = missing[-1].parent if missing else target.parent
    journal.put_facts(
        number, [*_facts(change, target, known), *(("folder", one) for one in missing), *times_of(parent)]
    )
    journal.event(f"{number} begun")
    files.make_folders(missing)
    if change.after is None:
        target.unlink()
        files.sync_folder(target.parent)
    else:
        files.write(target, change.after, mode=change.mode, token=f"{journal.id}-{number}", seen=known)
    journal.add_facts(number, [("parent_left_ns", parent.stat().st_mtime_ns)])


def _facts(change: FileChange, target: Path, known: os.stat_result | None) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [("target", target), ("existed", int(known is not None))]
    if known is not None:
        facts += [
            ("mode", f"{stat.S_IMODE(known.st_mode):o}"),
            ("uid", known.st_uid),
            ("gid", known.st_gid),
            ("mtime_ns", known.st_mtime_ns),
            ("atime_ns", known.st_atime_ns),
        ]
        if files.is_written_in_place(target):
            facts.append(("in_place", 1))
    if change.after is not None:
        facts.append(("sha256", sha256(change.after)))
        facts += _block_facts(change, change.after)
    return facts


def _block_facts(change: FileChange, after: bytes) -> list[tuple[str, object]]:
    if change.block is None:
        return []
    try:
        text = files.text_of(after)
        own = OwnBlock.of(text, change.block)
        body = None if own is None else own.found(text)
    except TextTrouble:
        return []
    if own is None or body is None:
        return []
    return [("block_syntax", own.syntax), ("block_sha256", sha256(files.data_of(body)))]
