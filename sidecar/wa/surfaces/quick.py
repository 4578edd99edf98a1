"""`wa status --json` and `wa panes --json` against a running sidecar, without Typer, asyncio and aiohttp.

The one surface that speaks the sidecar's wire itself (tests/test_imports.py names it): badges and scripts ask once a
second, and nine tenths of a cold start would be imports. Whatever is out of the ordinary is left to the full command.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import Any

from wa.config.paths import Paths
from wa.model.errors import WaError
from wa.protocol import sidecar_wire as wire
from wa.protocol.envelope import failed, succeeded, to_json

COMMANDS = ("status", "panes")
ANSWER_WITHIN_S = 5.0


def wanted(words: list[str]) -> str | None:
    """The command, where *words* are one of the two and `--json` in any order; else None."""
    if len(words) != 2 or "--json" not in words:
        return None
    other = words[words.index("--json") - 1]
    return other if other in COMMANDS else None


def run(command: str) -> int | None:
    """Prints the envelope; the exit status. None: nothing was printed (no sidecar, or a silent one)."""
    started = time.perf_counter()
    try:
        data = ask(command, {})
    except (OSError, wire.WireError):
        return None
    except WaError as error:
        _print(failed(error))
        return error.exit_status
    elapsed_ms = (time.perf_counter() - started) * 1000
    _print(succeeded(command, data, at_ms=time.time_ns() // 1_000_000, elapsed_ms=elapsed_ms))
    return 0


def pane_names() -> list[str]:
    """Names of live panes for shell completion: `p17`, a tab, its title. Empty without a sidecar."""
    try:
        panes = ask("panes", {})["panes"]
    except (OSError, WaError, KeyError, TypeError):
        return []
    return [f"{pane['pane_uid']}\t{_printable(pane['title'])}" for pane in panes if pane["alive"]]


def ask(method: str, params: dict[str, Any]) -> Any:
    """One request, one reply. Raises OSError, WireError, or what the sidecar reports."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(ANSWER_WITHIN_S)
        sock.connect(os.fspath(Paths.from_env().socket))
        frames = wire.FrameReader()
        sock.sendall(wire.request(1, method, params))
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while True:
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            received = sock.recv(256 * 1024)
            if not received:
                raise ConnectionResetError("the sidecar closed the connection")
            for message in frames.feed(received):
                if message["kind"] == "reply" and message.get("id") == 1:
                    if message.get("ok"):
                        return message.get("data")
                    raise wire.error_from(message.get("error"))


def _print(envelope: dict[str, Any]) -> None:
    sys.stdout.buffer.write((to_json(envelope) + "\n").encode())
    sys.stdout.flush()


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
