"""What `wezterm cli list --format json` and `list-clients` print, in wa's nouns (shapes of 20230712 to 20250223)."""

from __future__ import annotations

import json
from typing import Any

from wa.model.errors import ProtocolUnsupported
from wa.model.identity import Client, Pane
from wa.wezterm.translate import with_window_rows


def parse_list(printed: bytes) -> list[Pane]:
    """Every pane, ordered by window, tab and id; the server's own order changes from call to call."""
    found = [_pane(entry) for entry in _entries(printed, "list")]
    found.sort(key=lambda pane: (pane.window_id, pane.tab_id, pane.pane_id))
    return with_window_rows(found)


def parse_clients(printed: bytes) -> list[Client]:
    return [_client(entry) for entry in _entries(printed, "list-clients")]


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
    size = size if isinstance(size, dict) else {}
    return Pane(
        pane_id=_number(entry, "pane_id"),
        tab_id=_number(entry, "tab_id"),
        window_id=_number(entry, "window_id"),
        workspace=_text(entry, "workspace"),
        title=_text(entry, "title"),
        cwd=_text(entry, "cwd") or None,
        cols=_number(size, "cols"),
        rows=_number(size, "rows"),
        is_active=entry.get("is_active") is True,
        is_zoomed=entry.get("is_zoomed") is True,
        tty_name=_text(entry, "tty_name") or None,
        tab_title=_text(entry, "tab_title"),
        window_title=_text(entry, "window_title"),
        physical_top=None,
        cursor=(_number(entry, "cursor_x", 0), _number(entry, "cursor_y", 0)),
        left_col=_number(entry, "left_col", 0),
        top_row=_number(entry, "top_row", 0),
    )


def _client(entry: dict[str, Any]) -> Client:
    focused = entry.get("focused_pane_id")
    return Client(
        hostname=_text(entry, "hostname"),
        username=_text(entry, "username"),
        pid=_number(entry, "pid", 0),
        workspace=_text(entry, "workspace") or None,
        focused_pane_id=focused if isinstance(focused, int) else None,
        connected_s=_seconds(entry.get("connection_elapsed")),
        idle_s=_seconds(entry.get("idle_time")),
    )


def _number(entry: dict[str, Any], key: str, default: int | None = None) -> int:
    value = entry.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProtocolUnsupported(f"`wezterm cli` gives {value!r} as {key}")
    return value


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _seconds(duration: Any) -> float:
    if not isinstance(duration, dict):
        return 0.0
    return float(_number(duration, "secs", 0)) + _number(duration, "nanos", 0) / 1e9
