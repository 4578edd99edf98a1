"""`wa status`."""

from __future__ import annotations

from wa.api.status import read_status
from wa.api.times import age
from wa.protocol.results import MuxResult, SidecarResult, StatusResult
from wa.surfaces.answer import Json, answer, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.panes import pane_table
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
STATES = {"connected": Style.GOOD, "connecting": Style.WARN, "disconnected": Style.BAD}


def status(json: Json = False) -> None:
    """Say what the sidecar is doing: which multiplexers, which panes, how much is stored.

    Example: wa status
    """
    answer("status", read_status(paths()), render, as_json=json)


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
    if result["panes"]:
        lines += ["", *pane_table(result["panes"], terminal)]
    return lines + staleness(result["live"], result["as_of"], terminal)


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


def _size(count: int) -> str:
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
