"""Running `wezterm cli …`: here, against one explicit socket, or on another host by ssh.

The CLI is connectionless, and a restarted server reuses pane ids: each call is bound to the server it was meant for.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from wa.model.errors import TerminalRefused, TerminalUnreachable, WezTermError
from wa.wezterm import ssh
from wa.wezterm.discovery import runtime_dir
from wa.wezterm.peers import socket_file_identity
from wa.wezterm.processes import Completed, run

CONCURRENCY = 4

_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "XDG_RUNTIME_DIR", "SYSTEMROOT", "PYTHONPATH")
_REASON = re.compile(r'ErrorResponse \{ reason: "((?:[^"\\]|\\.)*)"')
_LOG_PREFIX = re.compile(r"^\d\d:\d\d:\d\d\.\d+\s+ERROR\s+\S+ > ")
_UNREACHED = re.compile(r"failed to connect|connecting to |Connection refused|No such file or directory \(os error 2\)")


class ServerChanged(TerminalUnreachable):
    """Another server, or none, stands behind the name now: pane ids mean nothing any more."""

    code = "wezterm.restarted"
    next_step = "wa connects anew by itself."


class Starved(TerminalUnreachable):
    """No answer in time."""

    code = "wezterm.starved"
    next_step = "The server hangs or is starved; wa asks again, less often."


class Route(Protocol):
    """How a call reaches its server."""

    name: str

    def argv(self, args: Sequence[str]) -> list[str]: ...

    def env(self) -> dict[str, str]: ...

    def check(self) -> None:
        """Raises ServerChanged where that can be known from here."""
        ...

    def explain(self, done: Completed) -> WezTermError | None:
        """What a failure means that is not WezTerm's own; None where it is."""
        ...

    @property
    def extra_s(self) -> float:
        """What the way itself may take."""
        ...

    async def close(self) -> None: ...


class LocalRoute:
    extra_s = 0.0

    def __init__(self, name: str, command: Sequence[str], socket_path: str) -> None:
        self.name = name
        self._command = tuple(command)
        self._socket = socket_path
        self._identity = socket_file_identity(socket_path)

    def argv(self, args: Sequence[str]) -> list[str]:
        return [*self._command, "cli", "--no-auto-start", *args]

    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
        return {**kept, "WEZTERM_UNIX_SOCKET": self._socket, "WEZTERM_LOG": "error"}

    def check(self) -> None:
        if socket_file_identity(self._socket) != self._identity:
            raise ServerChanged(f"{self.name}: the server at {self._socket} ended or was replaced")

    def explain(self, done: Completed) -> WezTermError | None:
        """Nothing stands in between here; takes away the log file that a failing `wezterm` leaves behind."""
        (runtime_dir() / f"wezterm-log-{done.pid}.txt").unlink(missing_ok=True)
        return None

    async def close(self) -> None:
        pass


class SshRoute:
    extra_s = 10.0

    def __init__(self, session: ssh.SshSession, server: ssh.RemoteServer) -> None:
        self.name = session.target.name
        self._session = session
        self._server = server

    def argv(self, args: Sequence[str]) -> list[str]:
        wezterm = ("cli", "--prefer-mux", "--no-auto-start", *args)
        return self._session.argv(ssh.wezterm_command(self._session.target, wezterm, only=self._server.identity))

    def env(self) -> dict[str, str]:
        return dict(os.environ)

    def check(self) -> None:
        """The guard runs on the other host, in the same command."""

    def explain(self, done: Completed) -> WezTermError | None:
        if done.status == ssh.IDENTITY_CHANGED:
            return ServerChanged(f"{self.name}: the server at {self._server.socket} ended or was replaced")
        if done.status in (126, 127, 255):
            return ssh.explain(self._session.target.host, done.status, done.stderr)
        return None

    async def close(self) -> None:
        if self._session.owns_control:
            try:
                await run(self._session.control_argv("exit"), timeout_s=5.0)
            except OSError:
                return


class CliCalls:
    """At most `CONCURRENCY` calls at a time: more would starve the server they ask."""

    def __init__(self, route: Route, *, timeout_s: float = 5.0) -> None:
        self.route = route
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(CONCURRENCY)

    async def call(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """What `wezterm cli ARGS` prints. *env* is the whole environment of the call, where the default will not do."""
        async with self._slots:
            self.route.check()
            timeout_s = self._timeout_s + self.route.extra_s
            argv = self.route.argv(args)
            try:
                done = await run(argv, stdin=stdin, env=self.route.env() if env is None else env, timeout_s=timeout_s)
            except TimeoutError:
                raise Starved(
                    f"{self.route.name}: `wezterm cli {args[0]}` took longer than {timeout_s:.0f} s"
                ) from None
            except OSError as error:
                raise TerminalUnreachable(
                    f"{self.route.name}: cannot run {argv[0]}: {error.strerror or error}",
                    next_step="Install WezTerm's command, or set `wezterm` in config.toml or WA_WEZTERM.",
                ) from error
            if done.status != 0:
                raise self._error(args[0], done)
            self.route.check()
            return done.stdout

    def _error(self, command: str, done: Completed) -> WezTermError:
        if (explained := self.route.explain(done)) is not None:
            return explained
        said = ssh.readable(done.stderr)
        details = {"status": done.status, "stderr": said[-400:]}
        if reason := _REASON.search(said):
            text = reason[1].replace('\\"', '"').removeprefix("Error: ")
            return TerminalRefused(f"{self.route.name}: {text}", details=details)
        last = _LOG_PREFIX.sub("", said.splitlines()[-1] if said else "").removesuffix("; terminating")
        what = last or f"status {done.status} and no word"
        message = f"{self.route.name}: `wezterm cli {command}` failed: {what}"
        if _UNREACHED.search(said):
            return ServerChanged(message, details=details)
        if done.status in (1, 2):
            return TerminalRefused(message, details=details)
        return TerminalUnreachable(message, details=details)
