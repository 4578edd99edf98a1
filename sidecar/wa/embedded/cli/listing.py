"""What `list` and `list-clients` print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from wcwidth import wcswidth

from wa.protocol.mux import ClientInfo, ListPanesResponse, entries_of

_SHAPES = (
    "Default", "BlinkingBlock", "SteadyBlock", "BlinkingUnderline", "SteadyUnderline", "BlinkingBar", "SteadyBar",
)  # fmt: skip


def list_panes(listed: ListPanesResponse, *, as_json: bool) -> str:
    items: list[dict[str, Any]] = []
    for tab, tab_title in zip(listed.tabs, listed.tab_titles, strict=True):
        for entry in entries_of(tab):
            size = entry.size
            items.append(
                {
                    "window_id": entry.window_id,
                    "tab_id": entry.tab_id,
                    "pane_id": entry.pane_id,
                    "workspace": entry.workspace,
                    "size": {
                        "rows": size.rows,
                        "cols": size.cols,
                        "pixel_width": size.pixel_width,
                        "pixel_height": size.pixel_height,
                        "dpi": size.dpi,
                    },
                    "title": entry.title,
                    "cwd": entry.working_dir or "",
                    "cursor_x": entry.cursor.x,
                    "cursor_y": max(0, entry.cursor.y - entry.physical_top),
                    "cursor_shape": _SHAPES[entry.cursor.shape],
                    "cursor_visibility": "Visible" if entry.cursor.visible else "Hidden",
                    "left_col": entry.left_col,
                    "top_row": entry.top_row,
                    "tab_title": tab_title,
                    "window_title": listed.window_titles.get(entry.window_id, ""),
                    "is_active": entry.is_active,
                    "is_zoomed": entry.is_zoomed,
                    "tty_name": entry.tty_name,
                }
            )
    if as_json:
        return _json(items)
    rows = [
        [
            str(item["window_id"]),
            str(item["tab_id"]),
            str(item["pane_id"]),
            item["workspace"],
            f"{item['size']['cols']}x{item['size']['rows']}",
            item["title"],
            item["cwd"],
        ]
        for item in items
    ]
    return _table(["WINID", "TABID", "PANEID", "WORKSPACE", "SIZE", "TITLE", "CWD"], rows, right=3)


def list_clients(clients: Sequence[ClientInfo], now: float, *, as_json: bool) -> str:
    if as_json:
        return _json(
            [
                {
                    "username": info.client_id.username,
                    "hostname": info.client_id.hostname,
                    "pid": info.client_id.pid,
                    "connection_elapsed": _elapsed(now - info.connected_at),
                    "idle_time": _elapsed(now - info.last_input),
                    "workspace": info.active_workspace or "",
                    "focused_pane_id": info.focused_pane_id,
                    "ssh_auth_sock": info.client_id.ssh_auth_sock,
                }
                for info in clients
            ]
        )
    rows = [
        [
            info.client_id.username,
            info.client_id.hostname,
            str(info.client_id.pid),
            f"{now - info.connected_at:.6f}s",
            f"{now - info.last_input:.6f}s",
            info.active_workspace or "",
            "" if info.focused_pane_id is None else str(info.focused_pane_id),
            info.client_id.ssh_auth_sock or "",
        ]
        for info in clients
    ]
    return _table(["USER", "HOST", "PID", "CONNECTED", "IDLE", "WORKSPACE", "FOCUS", "SSH_AUTH_SOCK"], rows, right=0)


def _elapsed(seconds: float) -> dict[str, int]:
    whole = max(0, int(seconds))
    return {"secs": whole, "nanos": int(max(0.0, seconds - whole) * 1e9)}


def _json(items: list[dict[str, Any]]) -> str:
    return json.dumps(items, indent=2, ensure_ascii=False)


def _table(head: list[str], rows: list[list[str]], *, right: int) -> str:
    """Columns as wide as their widest cell; the first *right* ones are flush right."""
    lines = [head, *rows]
    widths = [max(_width(line[at]) for line in lines) for at in range(len(head))]
    out = []
    for line in lines:
        cells = []
        for at, cell in enumerate(line):
            blanks = " " * (widths[at] - _width(cell))
            cells.append(blanks + cell if at < right else cell + blanks)
        out.append(" ".join(cells) + "\n")
    return "".join(out)


def _width(text: str) -> int:
    width = wcswidth(text)
    return len(text) if width < 0 else width
