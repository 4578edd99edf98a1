"""`wa status`."""

from __future__ import annotations

from shutil import get_terminal_size
from typing import Annotated

import typer

from wa.api.status import follow_status, read_status
from wa.api.times import age
from wa.protocol.results import MuxResult, PaneResult, SidecarResult, StatusResult
from wa.protocol.results_acting import ActingStatus
from wa.surfaces.acting import approval_table, pause_line
from wa.surfaces.answer import Json, answer, answer_stream, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.panes import pane_table
from wa.surfaces.queue import queue_table
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

MUX_COLUMNS = (
    Column("MUX", flexible=True, least=6),
    Column("STATE"),
    Column("BY"),
    Column("CODEC", right=True, drop=3),
    Column("PANES", right=True),
    Column("SINCE", right=True, drop=2),
    Column("VERSION", flexible=True, least=8, drop=4),
    Column("SOCKET", flexible=True, least=8, drop=5),
)
AGENT_COLUMNS = (
    Column("PANE"),
    Column("AGENT"),
    Column("STATE"),
    Column("SINCE", right=True),
    Column("RESET", flexible=True, least=6, drop=3),
    Column("PROJECT", flexible=True, least=8, drop=2),
    Column("LAST EVENT", flexible=True, least=8, drop=4),
)
HOME, TO_LINE_END, TO_SCREEN_END = "\x1b[H", "\x1b[K", "\x1b[J"
"""Painted over, not cleared: no flicker, and the terminal's scrollback stays."""
CALM = ("idle", "working", "starting", "compacting")
STATES = {"connected": Style.GOOD, "connecting": Style.WARN, "disconnected": Style.BAD}


def status(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on, and print it anew whenever something changes.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what the agents and the sidecar are doing: states, resets, multiplexers, how much is stored.

    Example: wa status --watch
    """
    if watch:
        answer_stream("status", follow_status(paths()), render_anew, as_json=json)
    else:
        answer("status", read_status(paths()), render, as_json=json)


def render_anew(result: StatusResult, terminal: Terminal) -> list[str]:
    if not terminal.columns:
        return [*render(result, terminal), ""]
    shown = render(result, terminal)
    height = get_terminal_size().lines
    if len(shown) >= height:
        shown = [*shown[: height - 2], f"… {len(shown) - height + 2} more lines: `wa status` prints all"]
    lines = [line + TO_LINE_END for line in shown]
    lines[0] = HOME + lines[0]
    lines[-1] += TO_SCREEN_END
    return lines


def render(result: StatusResult, terminal: Terminal) -> list[str]:
    lines = [sidecar_line(result["sidecar"], terminal)]
    lines += [terminal.styled(f"! {harmless(notice)}", Style.WARN) for notice in result["sidecar"]["notices"]]
    if result["muxes"]:
        lines += ["", *mux_table(result["muxes"], terminal)]
        lines += [
            terminal.styled(f"! {harmless(mux['name'])}: {harmless(mux['notice'])}", Style.WARN)
            for mux in result["muxes"]
            if mux["notice"]
        ]
    if any(pane["agent"] for pane in result["panes"]):
        lines += ["", *agent_table(result["panes"], terminal)]
    lines += acting_lines(result["acting"], terminal)
    if result["panes"]:
        lines += ["", *pane_table(result["panes"], terminal)]
    return lines + staleness(result["live"], result["as_of"], terminal)


def acting_lines(acting: ActingStatus, terminal: Terminal) -> list[str]:
    """What holds automations, what waits for a person's yes, and what waits for an agent; nothing for nothing."""
    lines = [pause_line(one, terminal) for one in acting["pauses"]]
    if acting["approvals"]:
        lines += ["Waits for your yes (`wa approve ID`):", *approval_table(acting["approvals"], terminal)]
    if acting["queued"]:
        lines += ["Waits for an agent to be idle:", *queue_table(acting["queued"], terminal)]
    return ["", *lines] if lines else []


def sidecar_line(sidecar: SidecarResult, terminal: Terminal) -> str:
    stored = "no database yet" if sidecar["database_bytes"] is None else f"{_size(sidecar['database_bytes'])} stored"
    if not sidecar["running"]:
        return f"{terminal.styled('sidecar: not running', Style.WARN)}, {stored} in {sidecar['database']}"
    facts = f"pid {sidecar['pid']}, version {sidecar['version']}, up {age(sidecar['started_at'])}, {stored}"
    return f"{terminal.styled('sidecar: running', Style.GOOD)}, {facts}"


def mux_table(muxes: list[MuxResult], terminal: Terminal) -> list[str]:
    rows: list[list[str | Cell]] = [
        [
            Cell(mux["name"], Style.BOLD),
            Cell(mux["state"], STATES[mux["state"]]),
            mux["source"] or "",
            "" if mux["codec"] is None else str(mux["codec"]),
            str(mux["panes"]),
            age(mux["connected_at"]) if mux["connected_at"] else "",
            mux["version"],
            mux["socket"] if not mux["host"] else f"{mux['host']}:{mux['socket']}",
        ]
        for mux in muxes
    ]
    return table(MUX_COLUMNS, rows, terminal)


def agent_table(panes: list[PaneResult], terminal: Terminal) -> list[str]:
    """The panes that an agent is known in."""
    rows: list[list[str | Cell]] = []
    for pane in panes:
        detail, last = pane["detail"], pane["last_event"]
        if pane["agent"] is None or detail is None:
            continue
        limit = detail["limit"]
        reset = "" if limit is None else limit["printed"] or "unknown"
        state = pane["state"] if detail["draft"] is not True else f"{pane['state']} (draft)"
        rows.append(
            [
                Cell(pane["pane_uid"], Style.BOLD),
                pane["agent"] if detail["version"] is None else f"{pane['agent']} {detail['version']}",
                Cell(state, Style.GOOD if pane["state"] in CALM else Style.WARN),
                age(pane["since"]) if pane["since"] else "",
                reset,
                detail["project"] or pane["cwd"] or "",
                "" if last is None else f"{last['event']} {age(last['at'])} ago",
            ]
        )
    return table(AGENT_COLUMNS, rows, terminal)


def _size(count: int) -> str:
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
