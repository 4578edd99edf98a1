"""The desktop's own notifications: notify-send(1) on Linux, osascript(1) on macOS."""

from __future__ import annotations

import asyncio
import html
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from wa.helpers.notify import WITHIN_S, Message, NotifyError

OSASCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
"""The texts are arguments: nothing of them is read as a script."""


class DesktopNotifier:
    name = "desktop"

    def __init__(self, *, platform: str = sys.platform, env: Mapping[str, str] | None = None) -> None:
        self._platform = platform
        self._env = env

    async def deliver(self, message: Message) -> None:
        env = dict(os.environ if self._env is None else self._env)
        mac = self._platform == "darwin"
        program = "osascript" if mac else "notify-send"
        found = shutil.which(program, path=env.get("PATH", os.defpath))
        if found is None:
            raise NotifyError(f"{program} is not on PATH", next_step=_install(mac=mac))
        if not mac:
            with_session_bus(env)
        await _run([found, *(_osascript(message) if mac else _notify_send(message))], env, program)


def with_session_bus(env: dict[str, str]) -> None:
    """A sidecar that was started by a service or over ssh may lack the address of the session's bus; its place is known."""
    runtime = env.get("XDG_RUNTIME_DIR", "")
    if not env.get("DBUS_SESSION_BUS_ADDRESS") and runtime and Path(runtime, "bus").is_socket():
        env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={runtime}/bus"


def _notify_send(message: Message) -> list[str]:
    body = "\n".join(part for part in (message.body, message.command) if part)
    urgency = "critical" if message.needs_you else "normal"
    # Servers read markup in the body, none in the title.
    return ["--app-name=wa", f"--urgency={urgency}", "--", message.title, html.escape(body, quote=False)]


def _osascript(message: Message) -> list[str]:
    body = "\n".join(part for part in (message.body, message.command) if part)
    script = [word for line in OSASCRIPT for word in ("-e", line)]
    return [*script, "--", message.title, body]


def _install(*, mac: bool) -> str:
    return "It belongs to macOS: look at PATH." if mac else "Install it (Debian, Ubuntu: apt install libnotify-bin)."


async def _run(argv: list[str], env: Mapping[str, str], program: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise NotifyError(f"{program} cannot be started: {error.strerror}") from None
    try:
        async with asyncio.timeout(WITHIN_S):
            _, said = await process.communicate()
    except TimeoutError:
        raise NotifyError(f"{program} did not end within {WITHIN_S:g} s: no desktop answers", again=True) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        why = " ".join(said.decode("utf-8", "replace").split())[:200] or f"status {process.returncode}"
        step = "No desktop session is there for this user (no session bus); use webhook or ntfy in notify.channels."
        raise NotifyError(f"{program}: {why}", next_step=step)
