"""Finding out what ails a multiplexer, here or on another host, and getting its programs out of it into tmux."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from wa.api.rescue_shown import Known, diagnosis, merged, planned
from wa.config.paths import Paths, ensure_private, write_private
from wa.config.settings import Settings
from wa.model.errors import NotFound, Refused, UsageError, WaError, WezTermError
from wa.protocol.results_rescue import RescueMoveResult, RescueResult
from wa.provision.rescue_facts import Machine, Server, lines_of, read_machine
from wa.provision.rescue_plan import SESSION, Pane, choose, own_ttys, panes_of, steps
from wa.provision.rescue_report import Report, read_report
from wa.provision.rescue_script import Hand
from wa.provision.rescue_symptoms import Answer, Look, owners
from wa.wezterm.connect import Options, open_mux
from wa.wezterm.executable import find_executable, read_version
from wa.wezterm.targets import SocketTarget, SshTarget

READINGS = 4
"""Of each server's memory, a second apart."""
ANSWER_WITHIN_S = 5.0
MOVE_WITHIN_S = 30.0
"""For each pane: setup/rescue.sh gives it 20 s, and three more to show something."""
INSTALL_WITHIN_S = 600.0
RESTART_WITHIN_S = 60.0
Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Move:
    """What `plan_move` found, for `make_move`."""

    id: str
    hand: Hand
    panes: tuple[Pane, ...]
    session: str
    missing: tuple[str, ...]
    result: RescueMoveResult


def hand_for(paths: Paths, host: str | None) -> Hand:
    """*host*: as for ssh, or the name of a `[[mux]]` table with `ssh`."""
    if host is None:
        return Hand(paths)
    named = next((one for one in Settings.load(paths.config_file).mux if one.name == host and one.ssh), None)
    return Hand(paths, SshTarget((named.ssh if named is not None else None) or host, host))


async def diagnose(
    paths: Paths, *, host: str | None = None, server: int | None = None, readings: int = READINGS
) -> RescueResult:
    """Changes nothing, except that a rescue which was cut off has what it changed put back first."""
    hand = hand_for(paths, host)
    machine = await _look(hand, server, readings)
    answers, here = await _ask(hand, machine, server)
    look = Look(machine, answers, owners(machine), here, server)
    last = await _report(hand, None)
    return diagnosis(hand.host, look, await _known(paths, machine, hand.host), last.id)


async def plan_move(
    paths: Paths,
    names: Sequence[str],
    *,
    host: str | None = None,
    server: int | None = None,
    session: str = SESSION,
) -> Move:
    """Raises NotFound, UsageError for *names*, Refused where it cannot work and a person must act first."""
    if not session.replace("-", "").replace("_", "").isalnum() or not session.isascii():
        raise UsageError(f"{session!r} cannot name a session of tmux", next_step="Use letters, digits, - and _.")
    hand = hand_for(paths, host)
    machine = await _look(hand, server, 1)
    known = await _known(paths, machine, hand.host)
    panes = choose(panes_of(machine, server=server), names, known.uids)
    own = own_ttys(machine) if hand.target is None else set()
    chosen = [pane for pane in panes if pane.tty not in own]
    if own & {pane.tty for pane in panes} and not chosen:
        raise Refused("wa cannot move the pane that it runs in", next_step="Log in by plain ssh and run it there.")
    todo = steps(machine, chosen, session)
    movable = [pane for pane in chosen if pane.hindrance is None]
    missing = tuple(program for program in ("reptyr", "tmux") if program not in machine.programs)
    rescue_id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}"
    result = planned(hand.host, session, chosen, known, todo if movable else [])
    result["notes"] += machine.said
    if len(chosen) < len(panes):
        result["notes"].append("The pane that wa runs in stays where it is: log in by plain ssh to move it too.")
    if any(pane.server.kind == "gui" for pane in movable):
        result["notes"].append("Panes of a window (wezterm-gui) close there as they are moved.")
    return Move(rescue_id, hand, tuple(movable), session, missing, result)


async def make_move(move: Move, *, heard: Heard | None = None) -> RescueMoveResult:
    """Raises what the script could not do; what was moved by then is told by `report`."""
    if not move.panes:
        return move.result
    if move.missing:
        text = await move.hand.run(["install", *move.missing], timeout_s=INSTALL_WITHIN_S)
        list(lines_of(text))
    # Who was where must be known afterwards, also to the next run after a kill.
    await asyncio.to_thread(_keep, move.hand.paths, move.id, {**move.result, "id": move.id})
    words = ["move", move.id, move.session, *(pane.entry for pane in move.panes)]
    within = 30 + MOVE_WITHIN_S * len(move.panes)
    text = await move.hand.run(words, timeout_s=within, heard=heard)
    return await _told(move.hand, read_report(text))


async def report(paths: Paths, *, host: str | None = None, rescue_id: str | None = None) -> RescueMoveResult:
    """The last rescue, or that one: what was done, and where each process is now. Raises NotFound where there is none."""
    hand = hand_for(paths, host)
    found = await _report(hand, rescue_id)
    if found.id is None:
        raise NotFound("nothing was ever rescued here", next_step="Run `wa rescue` to see how things stand.")
    return await _told(hand, found)


async def plan_restart(
    paths: Paths, *, host: str | None = None, server: int | None = None, lose: Sequence[str] = ()
) -> tuple[Hand, Server, tuple[Pane, ...], RescueMoveResult]:
    """Which server would be ended, and which panes with it. Raises Refused where one of them is not named in *lose*."""
    hand = hand_for(paths, host)
    machine = await _look(hand, server, 1)
    whose = owners(machine)
    one = _the_server(machine, server, whose)
    if one.kind == "gui":
        raise Refused(f"{one.pid} is a window of WezTerm", next_step="Close it, and open WezTerm again.")
    if any(whose.get(path, one.pid) != one.pid for path in one.sockets):
        raise Refused(
            f"the socket of {one.pid} is another server's now",
            next_step=f"Move its panes (`wa rescue --move all --server {one.pid}`), then `kill {one.pid}`.",
        )
    known = await _known(paths, machine, hand.host)
    left = [pane for pane in panes_of(machine, server=one.pid) if pane.processes]
    given_up = choose(left, lose, known.uids) if lose and left else []
    kept = [pane for pane in left if pane not in given_up]
    if kept:
        names = " ".join(pane.name for pane in kept)
        raise Refused(
            f"{len(kept)} panes would be lost: {names}",
            next_step=f"Move them (`wa rescue --move {names}`), or name those to lose: --lose {kept[0].name}",
            details={"panes": [pane.name for pane in kept]},
        )
    how = f"by its unit {one.unit}" if one.unit else "by SIGTERM, and after 5 s SIGKILL"
    todo = [f"end the server {one.pid} {how}", "start it anew as it was started", "wait until it answers"]
    lost = [f"lose {pane.name}: {pane.front.command if pane.front else ''}" for pane in given_up]
    result = planned(hand.host, None, (), known, [*lost, *todo])
    result["notes"] += machine.said
    return hand, one, tuple(given_up), result


async def make_restart(hand: Hand, server: Server, lost: Sequence[Pane]) -> RescueMoveResult:
    """Ends exactly that process and starts it anew; returns the last rescue's report."""
    last = await _report(hand, None)
    rescue_id = last.id or f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}"
    ttys = ",".join(str(pane.tty) for pane in lost)
    words = ["restart", rescue_id, str(server.pid), str(server.start), *([ttys] if ttys else [])]
    text = await hand.run(words, timeout_s=RESTART_WITHIN_S)
    answer = next((line for line in lines_of(text) if line[0] == "answer"), None)
    result = await _told(hand, await _report(hand, rescue_id))
    if answer is not None and answer[3] != "yes":
        result["notes"].append(f"The new server does not answer yet: {answer[4]}")
    return result


def _the_server(machine: Machine, server: int | None, whose: Mapping[str, int]) -> Server:
    if server is not None:
        if (found := machine.server(server)) is None:
            raise NotFound(f"no server of yours has the pid {server}", next_step="Run `wa rescue` to see them.")
        return found
    muxes = [one for one in machine.servers if one.kind != "gui" and one.state != "Z"]
    mine = [one for one in muxes if f"{machine.runtime}/sock" in one.sockets and one.pid in whose.values()]
    if len(candidates := mine or muxes) != 1:
        pids = " ".join(str(one.pid) for one in candidates) or "none"
        raise UsageError(f"which server? there are: {pids}", next_step="Name it: --server PID.")
    return candidates[0]


async def _look(hand: Hand, server: int | None, readings: int) -> Machine:
    words = ["facts", str(readings), *([] if server is None else [str(server)])]
    began_ms = time.time() * 1000
    machine = read_machine(await hand.run(words, timeout_s=60.0 + readings))
    machine.looked_ms = began_ms
    return machine


async def _report(hand: Hand, rescue_id: str | None) -> Report:
    return read_report(await hand.run(["report", *([rescue_id] if rescue_id else [])]))


async def _ask(hand: Hand, machine: Machine, only: int | None) -> tuple[dict[int, Answer], str | None]:
    """Each server that is reached at a socket, side by side."""
    whose = owners(machine)
    ended = {one.pid for one in machine.servers if one.state == "Z"}
    asked = [(pid, path) for path, pid in whose.items() if only in (None, pid) and pid not in ended]
    ask = _by_protocol if hand.target is None else lambda pid, path: _by_script(hand, pid, path)
    async with asyncio.TaskGroup() as group:
        tasks = {pid: group.create_task(ask(pid, path)) for pid, path in asked}
    return {pid: task.result() for pid, task in tasks.items()}, await _version_here()


async def _by_protocol(pid: int, path: str) -> Answer:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            terminal = await open_mux(SocketTarget(str(pid), path), Options(handshake_s=ANSWER_WITHIN_S))
            took_ms = (time.perf_counter() - began) * 1000
            await terminal.close()
            return Answer(True, took_ms, None, terminal.version, terminal.codec)
    except TimeoutError:
        return Answer(False, None, f"no answer in {ANSWER_WITHIN_S:.0f} s")
    except WezTermError as error:
        known = error.details
        return Answer(False, None, error.message, known.get("version"), known.get("codec"))


async def _by_script(hand: Hand, pid: int, path: str) -> Answer:
    try:
        lines = lines_of(await hand.run(["probe", str(pid), path]))
    except WaError as error:
        return Answer(None, None, error.message)
    for word, *fields in lines:
        if word == "answer" and len(fields) >= 4:
            told = {"yes": True, "no": False}.get(fields[2])
            took = float(fields[1]) if fields[1].isdigit() else None
            version = fields[3].split()[-1] if told and fields[3] else None
            return Answer(told, took, None if told else fields[3], version)
    return Answer(None)


async def _version_here() -> str | None:
    try:
        found = find_executable()
        return None if found is None else await read_version(found.argv)
    except WaError:
        return None


async def _known(paths: Paths, machine: Machine, host: str | None) -> Known:
    """What the database and the packs of agents say of the panes. Nothing of it is needed: a broken one is passed over."""
    from wa.agents.loader import Agents
    from wa.api.history import open_history

    known = Known(packs=Agents(paths.config / "agents").packs)
    try:
        async with open_history(paths) as reader:
            records = [] if reader is None else await reader.panes()
    except WaError:
        return known
    for server in machine.servers:
        run = f"|{server.pid}-{server.start}-"
        born_ms = machine.looked_ms - (server.age_s + 1) * 1000
        for tty in server.ttys:
            pane_id, socket = machine.panes.get(tty, (None, ""))
            there = {socket, *server.sockets}
            for record in records:
                # Here the run of the server is known; elsewhere it is the newest pane of that id since the server began.
                is_it = run in record.mux_key if host is None else record.host == host and record.created_ms >= born_ms
                if is_it and record.socket in there and record.pane_id == pane_id:
                    known.uids[tty], known.titles[tty] = record.pane_uid, record.title
    return known


def _folder(paths: Paths) -> Path:
    return paths.data / "rescued"


def _keep(paths: Paths, rescue_id: str, result: object) -> None:
    ensure_private(paths.data)
    ensure_private(_folder(paths))
    write_private(_folder(paths) / f"{rescue_id}.json", json.dumps(result, ensure_ascii=False, indent=1) + "\n")


async def _told(hand: Hand, found: Report) -> RescueMoveResult:
    """The report, joined with what was known of the panes before they were moved; kept."""
    path = _folder(hand.paths) / f"{found.id}.json"
    try:
        kept = cast("RescueMoveResult", json.loads(await asyncio.to_thread(path.read_text, "utf-8")))
    except (OSError, ValueError):
        kept = None
    known = await _known(hand.paths, Machine(), hand.host)
    result = merged(hand.host, found, kept, known)
    if found.id is not None:
        await asyncio.to_thread(_keep, hand.paths, found.id, result)
    return result
