"""The way back: what a plan did is undone last first, and what somebody changed since is left alone and told."""

from __future__ import annotations

import os
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from wa.config.paths import Paths
from wa.model.errors import ConfigError, NotFound, Refused, StoreError
from wa.protocol.results_setup import PlanResult, UndoResult
from wa.provision import files, programs
from wa.provision.journal import Facts, Journal, Outcome, journal_of, journals, sha256
from wa.provision.own_block import OwnBlock
from wa.provision.plan import ChangeState, EnableUnit, FileChange, Plan, PlanState, RunCommand
from wa.provision.plan_lock import give_back_times, held, is_as_left, sweep
from wa.provision.programs import Run
from wa.provision.shown import diff_of, result_of
from wa.provision.text_trouble import TextTrouble

OnHost = Callable[[str, str], Awaitable[PlanResult]]
"""Takes back a plan on another machine, by its ssh name and the plan's id. Raises WaError."""
Later = dict[Path, bytes | None]
_MADE = ("begun", "done", "conflict")
"""Events of a change after which there may be something to take back."""


class WayBack(NamedTuple):
    """What undo makes of one file."""

    place: Path
    kind: Literal["restore", "edit", "remove", "nothing", "conflict"]
    now: bytes | None = None
    then: bytes | None = None
    seen: os.stat_result | None = None
    why: str | None = None
    next_step: str | None = None
    diff: tuple[str, ...] = ()


async def undo(
    paths: Paths,
    plan_id: str | None = None,
    *,
    run: Run = programs.run,
    on_host: OnHost | None = None,
    leave: bool = False,
) -> UndoResult:
    """Of that plan, or the newest. Raises NotFound, Refused where a later plan stands on it, StoreError.

    A change with the state `conflict` was left alone: its plan stays in the history, to be tried again;
    with *leave* it goes, and what was kept for it.
    """
    _swept(paths, plan_id)
    with held(paths, "setup undo"):
        journal = chosen(paths, plan_id)
        if journal.plan.machine is not None:
            return UndoResult(plans=[await _undo_there(journal, on_host)])
        _refuse_under_later(paths, journal)
        outcomes = await take_back(journal, run)
        conflicts = any(one.state is ChangeState.CONFLICT for one in outcomes.values())
        conflicts = conflicts and not leave
        state = PlanState.UNDOING if conflicts else PlanState.UNDONE
        result = result_of(_without_notes(journal), state, plan_id=journal.id, outcomes=outcomes, diffs=False)
        if not conflicts:
            journal.drop()
    return UndoResult(plans=[result])


def preview(paths: Paths, plan_id: str | None = None) -> UndoResult:
    """What `undo` would do, with a diff of each file from now to then. Raises as `undo`."""
    journal = _swept(paths, plan_id)
    if journal.plan.machine is None:
        _refuse_under_later(paths, journal)
    return UndoResult(plans=[preview_of(journal)])


def preview_of(journal: Journal, after: Later | None = None) -> PlanResult:
    """*after*: what the files hold once later plans are taken back; this one's are entered there."""
    after = {} if after is None else after
    outcomes = {}
    for number, change in journal.numbered:
        word = journal.words.get(number, ("", ""))[0]
        if isinstance(change, FileChange) and word in _MADE and journal.plan.machine is None:
            back = way_back(journal, number, change, after)
            after[back.place] = back.now if back.kind == "conflict" else back.then
            if back.kind == "conflict":
                outcomes[number] = Outcome(ChangeState.CONFLICT, back.why, back.next_step, back.diff)
            else:
                diff = diff_of(back.now, back.then, str(change.path), is_secret=change.is_secret)
                outcomes[number] = Outcome(ChangeState.TO_DO if diff else ChangeState.UNDONE, diff=tuple(diff))
        elif word in _MADE:
            outcomes[number] = Outcome(ChangeState.TO_DO, diff=())
        else:
            outcomes[number] = Outcome(ChangeState.HOLDS, diff=())
    return result_of(_without_notes(journal), journal.state, plan_id=journal.id, outcomes=outcomes)


def chosen(paths: Paths, plan_id: str | None) -> Journal:
    """That one, else the newest that has something to take back. Raises NotFound, StoreError."""
    if plan_id is not None:
        return journal_of(paths, plan_id)
    known = journals(paths)
    if not known:
        raise NotFound("there is nothing to take back: wa has made no plan here", next_step="wa setup history")
    # One whose rest was left alone stays out of the way of those below it.
    return next((journal for journal in reversed(known) if not _is_stuck(journal)), known[-1])


def _swept(paths: Paths, plan_id: str | None) -> Journal:
    """As `chosen`; where there is none, what a death left of one goes."""
    try:
        return chosen(paths, plan_id)
    except NotFound:
        sweep(paths)
        raise


async def take_back(journal: Journal, run: Run) -> dict[int, Outcome]:
    """Every change that was made or begun; what goes wrong with one does not stop the others.

    A journal that cannot be written (a full disk) does not either: what a file holds tells how far it came.
    """
    _note(journal, "undo")
    outcomes = dict[int, Outcome]()
    units = list[EnableUnit]()
    for number, change in reversed(journal.numbered):
        word, why = journal.words.get(number, ("", ""))
        if word not in _MADE:
            outcomes[number] = Outcome(ChangeState.UNDONE if word in ("", "undone") else ChangeState(word), why or None)
            continue
        match change:
            case FileChange():
                outcome = take_back_file(journal, number, change)
            case RunCommand():
                outcome = await programs.take_back_command(change, run)
            case EnableUnit():
                outcome = await programs.take_back_unit(change, journal.facts(number), run)
                units.append(change)
        outcomes[number] = outcome
        words = "undone" if outcome.state is ChangeState.UNDONE else f"conflict {outcome.trouble}"
        _note(journal, f"{number} {words}")
    for unit in units:
        # Its file has gone, or is another one again.
        with suppress(programs.Failed):
            await programs.Unit(unit, run).reload()
    if all(one.state is not ChangeState.CONFLICT for one in outcomes.values()):
        _note(journal, "undone")
    return outcomes


def _without_notes(journal: Journal) -> Plan:
    """They told how to go on with what is taken back now."""
    return replace(journal.plan, notes=())


def way_back(journal: Journal, number: int, change: FileChange, after: Later | None = None) -> WayBack:
    """Looks at the file as it is now, or as *after* says. Raises nothing: what cannot be read is a conflict."""
    facts = journal.facts(number)
    place = Path(facts.text("target") or change.path)
    existed = facts.text("existed") == "1"
    before = change.before if existed else None
    try:
        seen = place.stat() if place.exists() else None
        now = after[place] if after is not None and place in after else files.read(place)
    except (ConfigError, OSError) as error:
        return WayBack(place, "conflict", why=str(error), next_step="Look at that path, then undo again.")
    if now == before:
        return WayBack(place, "nothing", now, now)
    if change.after is None or now is None:
        return _of_one_that_is_gone(place, change, now, before)
    if sha256(now) == facts.text("sha256") or _is_half_done(facts, now, before, change.after):
        return WayBack(place, "restore" if existed else "remove", now, before, seen)
    edited = _without_block(change, facts, now, before)
    if edited is not None:
        is_left_empty = not edited and not existed
        kind: Literal["nothing", "remove", "edit"] = (
            "remove" if is_left_empty else "nothing" if edited == now else "edit"
        )
        return WayBack(place, kind, now, None if is_left_empty else edited, seen)
    return WayBack(
        place,
        "conflict",
        now,
        now,
        why=f"{place} was changed since wa wrote it",
        next_step=f"Take out by hand what wa wrote; what was there before is {journal.folder / f'before.{number}'}."
        if existed
        else "Take out by hand what wa wrote, or remove the file; then undo again.",
        diff=tuple(diff_of(change.after, now, str(place), is_secret=change.is_secret)),
    )


def _of_one_that_is_gone(place: Path, change: FileChange, now: bytes | None, before: bytes | None) -> WayBack:
    if now is None and change.after is None:
        return WayBack(place, "restore", None, before)
    if now is None and (before is None or change.block is not None):
        return WayBack(place, "nothing")
    if now is None:
        return WayBack(
            place, "conflict", why=f"{place} was removed since", next_step="Make the file again, or leave it so."
        )
    return WayBack(
        place,
        "conflict",
        now,
        now,
        why=f"{place} was made anew since wa removed it",
        next_step="Move it out of the way, then undo again.",
        diff=tuple(diff_of(None, now, str(place), is_secret=change.is_secret)),
    )


def _is_half_done(facts: Facts, now: bytes, before: bytes | None, after: bytes) -> bool:
    """A death in the middle of a file that is written in place."""
    if facts.text("in_place") != "1" or before is None:
        return False
    return files.is_half_written(now, before, after) or files.is_half_written(now, after, before)


def _without_block(change: FileChange, facts: Facts, now: bytes, before: bytes | None) -> bytes | None:
    """None where wa's block is not as it was written."""
    syntax = facts.text("block_syntax")
    if change.block is None or syntax is None:
        return None
    own = OwnBlock(change.block, syntax)
    try:
        text = files.text_of(now)
        block = own.found(text)
        if block is None:
            return now
        if sha256(files.data_of(block)) != facts.text("block_sha256"):
            return None
        return files.data_of(own.with_that_of(text, files.text_of(before)))
    except TextTrouble:
        return None


def take_back_file(journal: Journal, number: int, change: FileChange) -> Outcome:
    """Whatever of it was made; a conflict where it cannot be, or must not."""
    facts = journal.facts(number)
    back = way_back(journal, number, change)
    token = f"{journal.id}-{number}"
    files.drop_temporary(back.place, token)
    if back.kind == "conflict":
        return Outcome(ChangeState.CONFLICT, back.why, back.next_step, back.diff)
    is_ours_to_write = facts.text("existed") != "1" and change.mode is not None and not change.mode & stat.S_IWUSR
    why = None if back.kind == "nothing" or is_ours_to_write else files.is_kept_from_us(back.place)
    if why is not None:
        return Outcome(ChangeState.CONFLICT, f"{back.place} {why}", "Let it be written to, then undo again.")
    as_left = is_as_left(facts)
    try:
        match back.kind:
            case "restore":
                _restore(journal, number, back, facts, token)
            case "edit":
                assert back.then is not None
                files.write(back.place, back.then, token=token, seen=back.seen)
            case "nothing" if facts.text("in_place") == "1" and back.now is not None:
                # A death between its content and its times.
                os.utime(back.place, ns=_times(facts))
            case "remove":
                back.place.unlink()
                files.sync_folder(back.place.parent)
    except OSError as error:
        why = f"{back.place} cannot be written: {error.strerror or error}"
        return Outcome(ChangeState.CONFLICT, why, "Mend that, then undo again.")
    if facts.text("existed") != "1" and not back.place.exists():
        for folder in facts.all("folder"):
            with suppress(OSError):
                Path(folder).rmdir()
    if as_left:
        give_back_times(facts)
    return Outcome(ChangeState.UNDONE)


def _restore(journal: Journal, number: int, back: WayBack, facts: Facts, token: str) -> None:
    assert back.then is not None
    times = _times(facts)
    mode = facts.number("mode", 8)
    try:
        files.write(back.place, back.then, mode=mode, token=token, seen=back.seen, times_ns=times)
    except OSError:
        # Where there is no room for a second copy, the one that was kept takes its place.
        kept = journal.folder / f"before.{number}"
        if files.is_written_in_place(back.place) or kept.stat().st_dev != back.place.parent.stat().st_dev:
            raise
        temporary = files.temporary_of(back.place, token)
        files.drop_temporary(back.place, token)
        temporary.hardlink_to(kept)
        if back.seen is not None:
            mode = stat.S_IMODE(back.seen.st_mode)
        temporary.chmod(files.FILE_MODE if mode is None else mode)
        os.utime(temporary, ns=times)
        temporary.replace(back.place)


def _times(facts: Facts) -> tuple[int, int]:
    return facts.number("atime_ns") or 0, facts.number("mtime_ns") or 0


def _refuse_under_later(paths: Paths, journal: Journal) -> None:
    """Before anything is touched. Raises Refused. One that was tried already, and could not go, bars only its own files."""
    later = [one for one in journals(paths) if one.id > journal.id and one.plan.machine is None and not _is_stuck(one)]
    for number, change in journal.numbered:
        if not isinstance(change, FileChange) or journal.words.get(number, ("", ""))[0] not in _MADE:
            continue
        back = way_back(journal, number, change)
        if back.kind != "conflict":
            continue
        for one in later:
            if back.place in _places(one):
                raise Refused(
                    f"`wa {one.plan.command}` ({one.id}) changed {back.place} after this plan did",
                    next_step=f"Take that one back first: wa setup undo {one.id}",
                )


def _places(journal: Journal) -> set[Path]:
    return {
        Path(journal.facts(number).text("target") or change.path)
        for number, change in journal.numbered
        if isinstance(change, FileChange) and journal.words.get(number, ("", ""))[0] in _MADE
    }


def _is_stuck(journal: Journal) -> bool:
    """Tried before, and all that is left of it is in conflict."""
    words = {word for word, _ in journal.words.values()}
    return journal.state is PlanState.UNDOING and "conflict" in words and not words & {"begun", "done"}


async def _undo_there(journal: Journal, on_host: OnHost | None) -> PlanResult:
    host = journal.plan.machine or ""
    if on_host is None:
        raise StoreError(f"this plan was made on {host}, and nothing here reaches it", next_step="wa setup remote")
    result = await on_host(host, journal.id)
    if result["state"] == "undone":
        journal.drop()
    return result


def _note(journal: Journal, line: str) -> None:
    with suppress(OSError):
        journal.event(line)
