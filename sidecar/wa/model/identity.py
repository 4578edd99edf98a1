"""Who a pane is. Pane ids are the mux's and are reused after a restart: only PaneKey, or the store's pane_uid, names a pane."""

from __future__ import annotations

from typing import NamedTuple


class MuxInstance(NamedTuple):
    """One run of one multiplexer server.

    `name` is how people name it: `local`, `gui-PID`, the ssh host, or the NAME of `--socket NAME=PATH`; it is not
    part of the identity. `host` is "" for this machine. `started` is opaque and differs between two runs of a server at the same
    socket (locally pid and start time of the listening process, over ssh inode and mtime of its socket).
    """

    name: str
    host: str
    socket: str
    started: str
    zone: str = ""
    """What its host calls its time zone, an IANA name as a rule; empty where it does not say, and for this machine."""

    @property
    def key(self) -> str:
        """Stable text form without the name; the store's identity of a mux."""
        return f"{self.host}|{self.socket}|{self.started}"


class PaneKey(NamedTuple):
    mux: str
    """`MuxInstance.key`"""
    pane_id: int


class Pane(NamedTuple):
    """A pane as the mux lists it."""

    pane_id: int
    tab_id: int
    window_id: int
    workspace: str
    title: str
    cwd: str | None
    """A file:// URL as the terminal reports it, or None."""
    cols: int
    rows: int
    is_active: bool
    is_zoomed: bool
    tty_name: str | None
    """None: not a local PTY of that mux (a mirror of a remote pane)."""
    tab_title: str
    window_title: str
    physical_top: int | None
    """None where the source cannot tell (CLI)."""
    cursor: tuple[int, int]
    """x, y; y counted from the top of the viewport."""
    left_col: int = 0
    top_row: int = 0
    window_rows: int = 0


class Client(NamedTuple):
    """A GUI or other registered client of a mux."""

    hostname: str
    username: str
    pid: int
    workspace: str | None
    focused_pane_id: int | None
    connected_s: float
    idle_s: float
