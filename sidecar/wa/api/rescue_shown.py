"""A rescue's nouns as results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from wa.detect.pack import Pack
from wa.detect.program import Program, agent_of
from wa.protocol.results_rescue import (
    RescuedPaneResult,
    RescueLogResult,
    RescueMoveResult,
    RescuePaneResult,
    RescueResult,
    RescueServerResult,
    SymptomResult,
)
from wa.provision.rescue_facts import Process, Server
from wa.provision.rescue_plan import Pane, panes_of
from wa.provision.rescue_report import Report, Wanted
from wa.provision.rescue_symptoms import SYMPTOMS, Answer, Look

KIB = 1024
Outcome = Literal["planned", "moved", "stayed", "stuck", "gone", "lost", "unknown"]


@dataclass(frozen=True, slots=True)
class Known:
    """What wa knows beside what the machine says."""

    packs: Sequence[Pack]
    uids: dict[int, str] = field(default_factory=dict)
    """By tty."""
    titles: dict[int, str] = field(default_factory=dict)

    def agent(self, processes: Iterable[Process]) -> str | None:
        for process in processes:
            words = process.command.split()
            if words:
                name = re.sub(r"^-", "", words[0]).rpartition("/")[2]
                if (found := agent_of(Program(name, process.command), self.packs)) is not None:
                    return found
        return None


def diagnosis(host: str | None, look: Look, known: Known, last_rescue: str | None) -> RescueResult:
    machine = look.machine
    memory = {key: value * KIB for key, value in machine.memory_kib.items()}
    programs = {name: f"{path} ({version})" for name, (path, version) in machine.programs.items()}
    return RescueResult(
        host=host,
        system=" ".join(machine.system[:2]),
        load=machine.load,
        cores=machine.cores,
        memory_bytes=memory.get("MemTotal"),
        available_bytes=memory.get("MemAvailable"),
        swap_bytes=memory.get("SwapTotal"),
        swap_free_bytes=memory.get("SwapFree"),
        ptrace_scope=machine.scope,
        reptyr=programs.get("reptyr"),
        tmux=programs.get("tmux"),
        servers=[_server(one, look) for one in look.servers],
        panes=[_pane(pane, known) for pane in panes_of(machine, server=look.only)],
        logs=[
            RescueLogResult(path=one.path, bytes=one.size, tail=one.tail, troubles=one.troubles) for one in look.logs
        ],
        symptoms=[_symptom(at, look) for at in range(len(SYMPTOMS))],
        last_rescue=last_rescue,
        notes=list(machine.said),
    )


def _server(one: Server, look: Look) -> RescueServerResult:
    answer = look.answers.get(one.pid, Answer(None))
    growth = one.growth_kib_per_minute
    return RescueServerResult(
        pid=one.pid,
        kind=cast("Literal['mux', 'gui', 'other']", one.kind),
        age_s=max(0, one.age_s),
        state=one.state,
        command=one.command,
        unit=one.unit,
        sockets=one.sockets,
        owns_socket=look.owns(one),
        answers=answer.answers,
        answer_ms=answer.took_ms,
        trouble=answer.trouble,
        version=answer.version,
        codec=answer.codec,
        rss_bytes=None if one.rss_kib is None else one.rss_kib * KIB,
        growth_bytes_per_minute=None if growth is None else growth * KIB,
        unit_memory_bytes=one.accounted.get("memory.current"),
        unit_memory_peak_bytes=one.accounted.get("memory.peak"),
        threads=one.threads,
        descriptors=one.descriptors,
        descriptor_limit=one.descriptor_limit,
        panes=len(one.ttys),
    )


def _symptom(at: int, look: Look) -> SymptomResult:
    one = SYMPTOMS[at]
    seen = one.found(look)
    return SymptomResult(symptom=one.symptom, cause=one.cause, fix=one.fix, applies=bool(seen), seen=seen)


def _pane(pane: Pane, known: Known) -> RescuePaneResult:
    front = pane.front
    return RescuePaneResult(
        tty=pane.name,
        pane_uid=known.uids.get(pane.tty),
        pane_id=pane.pane_id,
        server=pane.server.pid,
        leader=None if pane.leader is None else pane.leader.pid,
        processes=[process.pid for process in pane.processes],
        program="" if front is None else front.command,
        agent=known.agent(([front] if front else []) + list(pane.processes)),
        cwd="" if front is None else front.cwd,
        title=known.titles.get(pane.tty),
        hindrance=pane.hindrance,
    )


def planned(
    host: str | None, session: str | None, panes: Sequence[Pane], known: Known, steps: Sequence[str]
) -> RescueMoveResult:
    shown = []
    for pane in panes:
        told = _pane(pane, known)
        shown.append(
            RescuedPaneResult(
                tty=pane.name,
                pane_uid=told["pane_uid"],
                pane_id=told["pane_id"],
                outcome="planned" if pane.hindrance is None else "stayed",
                place=None,
                window=None,
                held_by=f"server {pane.server.pid}",
                alive=bool(pane.processes),
                leader=told["leader"],
                processes=told["processes"],
                program=told["program"],
                agent=told["agent"],
                title=told["title"],
                shows=None,
                why=pane.hindrance,
            )
        )
    state: Literal["planned", "none"] = "planned" if steps else "none"
    return RescueMoveResult(
        id=None, host=host, session=session, state=state, steps=list(steps), panes=shown, restarted=False, notes=[]
    )


def merged(host: str | None, found: Report, kept: RescueMoveResult | None, known: Known) -> RescueMoveResult:
    """The report of a machine, with what was written down about its panes before they were moved."""
    before = {pane["tty"]: pane for pane in (kept["panes"] if kept is not None else [])}
    panes = [_rescued(one, before.get(f"pts/{one.tty}"), known) for one in found.wanted]
    wanted = {pane["tty"] for pane in panes}
    panes += [pane for tty, pane in before.items() if tty not in wanted and pane["outcome"] == "stayed"]
    moved = sum(pane["outcome"] == "moved" for pane in panes)
    state: Literal["moved", "partly", "running", "none"] = "moved" if moved == len(panes) else "partly"
    if not moved:
        state = "none"
    notes = [*(kept["notes"] if kept is not None else []), *found.notes]
    if found.restarted is not None:
        old, fresh, *socket = found.restarted.split(" ")
        named = f"anew as {fresh}" if fresh != "0" else "anew"
        notes.append(f"The server {old} was ended and started {named} at {' '.join(socket)}.")
    if any(one.outcome is None for one in found.wanted) and not found.running:
        notes.append("This rescue was cut off before its end; what is told of each pane is how it stands now.")
    return RescueMoveResult(
        id=found.id,
        host=host,
        session=found.session,
        state="running" if found.running else state,
        steps=kept["steps"] if kept is not None else [],
        panes=panes,
        restarted=found.restarted is not None,
        notes=list(dict.fromkeys(notes)),
    )


def _rescued(one: Wanted, before: RescuedPaneResult | None, known: Known) -> RescuedPaneResult:
    front = next(
        (p for p in one.processes if p.in_front and p.pid == p.group), one.processes[0] if one.processes else None
    )
    uid = known.uids.get(one.tty)
    return RescuedPaneResult(
        tty=f"pts/{one.tty}",
        pane_uid=uid if before is None else before["pane_uid"],
        pane_id=one.pane_id if before is None else before["pane_id"],
        outcome=cast("Outcome", one.standing),
        place=one.place,
        window=one.window,
        held_by=one.held_by,
        alive=one.alive,
        leader=one.leader,
        processes=[process.pid for process in one.processes],
        program=front.command if front is not None else (before["program"] if before is not None else ""),
        agent=before["agent"] if before is not None and before["agent"] else known.agent(one.processes),
        title=None if before is None else before["title"],
        shows=cast("Literal['seen', 'silent'] | None", one.shows if one.shows in ("seen", "silent") else None),
        why=one.why,
    )
