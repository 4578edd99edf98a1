"""What `wezterm cli list --format json` and `list-clients --format json` print: read into nouns, and printed alike.

Fields and order: wezterm/src/cli/list.rs and list_clients.rs of 4ff581a8 (2025-02-23). 20230712 to 20240203 print the
same without `ssh_auth_sock`. Fields that are not known are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from wa.model.errors import ProtocolUnsupported
from wa.model.identity import Client, Pane
from wa.protocol.mux import ClientInfo, ListPanesResponse, PaneEntry, entries_of, with_window_rows

_SHAPES = (
    "Default",
    "BlinkingBlock",
    "SteadyBlock",
    "BlinkingUnderline",
    "SteadyUnderline",
    "BlinkingBar",
    "SteadyBar",
)
_LARGEST = 1 << 63


def parse_list(printed: bytes) -> list[Pane]:
    """Every pane, ordered by window, tab and id; the server's own order changes from call to call.

    Raises ProtocolUnsupported where it is no such list or a pane lacks its ids or size.
    """
    found = [_pane(entry) for entry in _entries(printed, "list")]
    found.sort(key=lambda pane: (pane.window_id, pane.tab_id, pane.pane_id))
    return with_window_rows(found)


def parse_clients(printed: bytes) -> list[Client]:
    """Raises ProtocolUnsupported where it is no such list."""
    return [_client(entry) for entry in _entries(printed, "list-clients")]


def render_list(response: ListPanesResponse) -> str:
    """As `wezterm cli list --format json` prints it: no newline at the end."""
    return _pretty(
        _entry_json(entry, tab_title, response.window_titles.get(entry.window_id, ""))
        for node, tab_title in zip(response.tabs, response.tab_titles, strict=False)
        for entry in entries_of(node)
    )


def render_clients(clients: Iterable[ClientInfo], now_ms: int) -> str:
    """As `wezterm cli list-clients --format json` prints it: no newline at the end."""
    return _pretty(
        {
            "username": info.client_id.username,
            "hostname": info.client_id.hostname,
            "pid": info.client_id.pid,
            "connection_elapsed": _duration(now_ms - info.connected_at * 1000),
            "idle_time": _duration(now_ms - info.last_input * 1000),
            "workspace": info.active_workspace or "",
            "focused_pane_id": info.focused_pane_id,
            "ssh_auth_sock": info.client_id.ssh_auth_sock,
        }
        for info in clients
    )


def _entry_json(entry: PaneEntry, tab_title: str, window_title: str) -> dict[str, Any]:
    size, cursor = entry.size, entry.cursor
    return {
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
        "cursor_x": cursor.x,
        "cursor_y": max(cursor.y - entry.physical_top, 0),
        "cursor_shape": _SHAPES[cursor.shape],
        "cursor_visibility": "Visible" if cursor.visible else "Hidden",
        "left_col": entry.left_col,
        "top_row": entry.top_row,
        "tab_title": tab_title,
        "window_title": window_title,
        "is_active": entry.is_active,
        "is_zoomed": entry.is_zoomed,
        "tty_name": entry.tty_name,
    }


def _duration(elapsed_ms: int) -> dict[str, int]:
    secs, ms = divmod(max(elapsed_ms, 0), 1000)
    return {"secs": secs, "nanos": ms * 1_000_000}


def _pretty(entries: Iterable[dict[str, Any]]) -> str:
    return json.dumps(list(entries), indent=2, ensure_ascii=False)


def _entries(printed: bytes, command: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(printed.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        shown = printed[:60].decode("utf-8", "replace")
        raise ProtocolUnsupported(f"`wezterm cli {command}` printed no list: {shown!r}", next_step="Run `wa doctor`.")
    return entries


def _pane(entry: dict[str, Any]) -> Pane:
    size = entry.get("size")
    if not isinstance(size, dict):
        raise _missing("list", "size", size)
    return Pane(
        pane_id=_number("list", entry, "pane_id"),
        tab_id=_number("list", entry, "tab_id"),
        window_id=_number("list", entry, "window_id"),
        workspace=_text(entry, "workspace"),
        title=_text(entry, "title"),
        cwd=_text(entry, "cwd") or None,
        cols=_number("list", size, "cols"),
        rows=_number("list", size, "rows"),
        is_active=entry.get("is_active") is True,
        is_zoomed=entry.get("is_zoomed") is True,
        tty_name=_text(entry, "tty_name") or None,
        tab_title=_text(entry, "tab_title"),
        window_title=_text(entry, "window_title"),
        physical_top=None,
        cursor=(_cursor(entry, "cursor_x"), _cursor(entry, "cursor_y")),
        left_col=_number("list", entry, "left_col", 0),
        top_row=_number("list", entry, "top_row", 0),
    )


def _client(entry: dict[str, Any]) -> Client:
    focused = entry.get("focused_pane_id")
    return Client(
        hostname=_text(entry, "hostname"),
        username=_text(entry, "username"),
        pid=_number("list-clients", entry, "pid"),
        workspace=_text(entry, "workspace") or None,
        focused_pane_id=None if focused is None else _number("list-clients", entry, "focused_pane_id"),
        connected_s=_seconds(entry, "connection_elapsed"),
        idle_s=_seconds(entry, "idle_time"),
    )


def _seconds(entry: dict[str, Any], key: str) -> float:
    duration = entry.get(key)
    if not isinstance(duration, dict):
        raise _missing("list-clients", key, duration)
    return _number("list-clients", duration, "secs") + _number("list-clients", duration, "nanos", 0) / 1e9


def _number(command: str, entry: dict[str, Any], key: str, default: int | None = None) -> int:
    value = entry.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _LARGEST:
        raise _missing(command, key, value)
    return value


def _cursor(entry: dict[str, Any], key: str) -> int:
    # A cursor above the viewport is printed as a number near 2**64.
    value = entry.get(key)
    return value if isinstance(value, int) and 0 <= value < 1 << 31 else 0


def _missing(command: str, key: str, value: object) -> ProtocolUnsupported:
    return ProtocolUnsupported(f"`wezterm cli {command}` gives {value!r} as {key}", next_step="Run `wa doctor`.")


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    # A lone surrogate, which JSON can spell, would fail at every later write.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
