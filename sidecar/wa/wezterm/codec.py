"""Which codec a WezTerm speaks: asked of its server, or known by its version."""

from __future__ import annotations

from pathlib import Path

from wa.protocol import mux
from wa.wezterm import ssh
from wa.wezterm.connection import MuxConnection
from wa.wezterm.peers import connect_socket
from wa.wezterm.ssh import SshSession
from wa.wezterm.timekeeping import SystemClock
from wa.wezterm.transports import Pipe, open_process, open_socket

BY_DATE = (
    (42, "20230712", "20240331"),
    (43, "20240601", "20250131"),
    (44, "20250301", "20251231"),
    (45, "20260201", "20261121"),
)
"""First and last day of builds that surely speak it; in the months between one has to ask (wezterm's history, 2026-11-21)."""


def codec_of(version: str | None) -> int | None:
    """Of `20240203-110809-5046fc22`; None where that day does not tell."""
    day = (version or "")[:8]
    return next((codec for codec, first, last in BY_DATE if first <= day <= last), None) if day.isdigit() else None


async def ask_socket(path: Path, *, timeout_s: float = 5.0) -> int:
    """Raises WezTermError, OSError."""
    connection = MuxConnection(str(path), SystemClock())
    return await _ask(
        connection, await open_socket(await connect_socket(str(path)), connection, name=str(path)), timeout_s
    )


async def ask_host(session: SshSession, *, timeout_s: float = 15.0) -> int:
    """Through `wezterm cli proxy` there. Raises WezTermError, OSError."""
    connection = MuxConnection(session.target.name, SystemClock())
    command = ssh.wezterm_command(session.target, ("cli", "--prefer-mux", "--no-auto-start", "proxy"))
    host = session.target.host
    pipe = await open_process(
        session.argv(command), connection, explain=lambda status, said: ssh.explain(host, status, said)
    )
    return await _ask(connection, pipe, timeout_s)


async def _ask(connection: MuxConnection, pipe: Pipe, timeout_s: float) -> int:
    connection.attach(pipe)
    try:
        answer = await connection.request(mux.GetCodecVersion(), mux.GetCodecVersionResponse, timeout_s=timeout_s)
    finally:
        await connection.close()
    return answer.codec_vers
