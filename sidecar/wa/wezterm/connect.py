"""From a target to a connected Terminal: the protocol where it can be spoken, `wezterm cli` where it cannot."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wa.config.paths import Paths
from wa.model.clock import Clock
from wa.model.errors import ProtocolUnsupported, TerminalUnreachable, WezTermError
from wa.model.identity import MuxInstance
from wa.wezterm import ssh
from wa.wezterm.cli_calls import CliCalls, LocalRoute, SshRoute
from wa.wezterm.cli_terminal import CliTerminal
from wa.wezterm.connection import Limits, MuxConnection
from wa.wezterm.executable import find_executable
from wa.wezterm.handshake import shake_hands
from wa.wezterm.mux_terminal import MuxTerminal
from wa.wezterm.peers import SocketError, connect_socket, identify
from wa.wezterm.targets import SocketTarget, SshTarget, Target
from wa.wezterm.terminal import Terminal
from wa.wezterm.timekeeping import SystemClock
from wa.wezterm.transports import open_process, open_socket

log = logging.getLogger(__name__)

_CLI_PERSIST_S = 60
"""How long ssh's shared connection waits for the next call of the CLI."""


@dataclass(frozen=True, slots=True)
class Options:
    wezterm: Sequence[str] = ()
    """The command in place of the `wezterm` of PATH; WA_WEZTERM beats it."""
    control_dir: Path = field(default_factory=lambda: Paths.from_env().runtime / "ssh")
    """For ssh's control sockets."""
    limits: Limits = field(default_factory=Limits)
    handshake_s: float = 10.0
    ssh_handshake_s: float = 30.0
    cli_timeout_s: float = 5.0
    clock: Clock = field(default_factory=SystemClock)


async def connect(target: Target, options: Options | None = None) -> Terminal:
    """A Terminal whose server has proved that it can be understood.

    Raises TerminalUnreachable where nothing answers, ProtocolUnsupported where neither way works. Starts no server.
    """
    return await Connector(target, options).connect()


class Connector:
    """Connects to one target again and again, and remembers servers whose protocol failed while it was spoken."""

    def __init__(self, target: Target, options: Options | None = None) -> None:
        self.target = target
        self._options = options or Options()
        self._last: MuxTerminal | None = None
        self._distrusted: dict[str, ProtocolUnsupported] = {}

    async def connect(self) -> Terminal:
        self._learn()
        try:
            terminal = await open_mux(self.target, self._options)
        except ProtocolUnsupported as error:
            return await self._stand_in(error)
        if (failed := self._distrusted.get(terminal.mux.key)) is not None:
            await terminal.close()
            return await self._stand_in(failed, version=terminal.version)
        self._last = terminal
        return terminal

    def _learn(self) -> None:
        """A server that passed the self-test and then sent what does not decode would do so for ever."""
        if self._last is not None and isinstance(self._last.error, ProtocolUnsupported):
            self._distrusted = {self._last.mux.key: self._last.error}
        self._last = None

    async def _stand_in(self, why: ProtocolUnsupported, *, version: str | None = None) -> CliTerminal:
        log.warning("mux protocol not usable", extra={"mux": self.target.name, "reason": why.message})
        try:
            return await open_cli(
                self.target, self._options, reason=why.message, version=version or why.details.get("version", "")
            )
        except WezTermError as error:
            raise ProtocolUnsupported(
                f"{why.message}; and the CLI cannot stand in: {error.message}",
                next_step=error.next_step,
                details={**why.details, **error.details},
            ) from error


async def open_mux(target: Target, options: Options) -> MuxTerminal:
    """The protocol or nothing: ProtocolUnsupported says why not."""
    connection = MuxConnection(target.name, options.clock, limits=options.limits)
    try:
        if isinstance(target, SshTarget):
            return await _over_ssh(target, connection, options)
        return await _over_socket(target, connection, options)
    except BaseException:
        await connection.close()
        raise


async def _over_socket(target: SocketTarget, connection: MuxConnection, options: Options) -> MuxTerminal:
    sock = await _connected(target)
    instance = MuxInstance(target.name, "", target.path, identify(sock, target.path).started)
    if target.through_proxy:
        sock.close()
        route = _local_route(target, options)
        argv = route.argv(["proxy"])
        try:
            pipe = await open_process(
                argv, connection, env=route.env(), explain=lambda status, said: _proxy_ended(target.name, status, said)
            )
        except OSError as error:
            raise TerminalUnreachable(f"{target.name}: cannot run {argv[0]}: {error.strerror or error}") from error
    else:
        pipe = await open_socket(sock, connection, name=target.name)
    connection.attach(pipe)
    version = await shake_hands(connection, timeout_s=options.handshake_s)
    return MuxTerminal(instance, connection, version, options.clock)


async def _over_ssh(target: SshTarget, connection: MuxConnection, options: Options) -> MuxTerminal:
    session = await ssh.open_session(target, options.control_dir)
    command = ssh.wezterm_command(target, ("cli", "--prefer-mux", "--no-auto-start", "proxy"))
    try:
        pipe = await open_process(
            session.argv(command), connection, explain=lambda status, said: ssh.explain(target.host, status, said)
        )
    except OSError as error:
        raise TerminalUnreachable(
            f"cannot run {target.ssh[0]}: {error}", next_step="Install OpenSSH's client."
        ) from error
    connection.attach(pipe)
    version = await shake_hands(connection, timeout_s=options.ssh_handshake_s, host=target.host)
    # Asked after the handshake, over the same ssh connection: a restart in between ends the one that shook hands.
    server = await ssh.remote_server(session)
    instance = MuxInstance(target.name, target.host, server.socket, server.identity, server.zone)
    return MuxTerminal(instance, connection, version, options.clock)


async def open_cli(target: Target, options: Options, *, reason: str, version: str = "") -> CliTerminal:
    """The CLI or nothing; *reason* is what a person reads of why it is used. Proves itself by a list."""
    if isinstance(target, SshTarget):
        session = await ssh.open_session(target, options.control_dir, persist_s=_CLI_PERSIST_S)
        server = await ssh.remote_server(session)
        instance = MuxInstance(target.name, target.host, server.socket, server.identity, server.zone)
        calls = CliCalls(SshRoute(session, server), timeout_s=options.cli_timeout_s)
    else:
        with await _connected(target) as sock:
            instance = MuxInstance(target.name, "", target.path, identify(sock, target.path).started)
        calls = CliCalls(_local_route(target, options), timeout_s=options.cli_timeout_s)
    terminal = CliTerminal(instance, calls, options.clock, version=version, reason=reason)
    try:
        await terminal.list_panes()
    except BaseException:
        await terminal.close()
        raise
    return terminal


async def _connected(target: SocketTarget) -> socket.socket:
    try:
        return await connect_socket(target.path)
    except SocketError as error:
        raise TerminalUnreachable(
            f"{target.name}: {error}", details={"socket": target.path, "outcome": error.outcome.value}
        ) from None


def _local_route(target: SocketTarget, options: Options) -> LocalRoute:
    executable = find_executable(options.wezterm)
    if executable is None:
        raise TerminalUnreachable(
            f"{target.name}: there is no `wezterm` command here",
            next_step="Install WezTerm's command, or set `wezterm` in config.toml or WA_WEZTERM.",
        )
    return LocalRoute(target.name, executable.argv, target.path)


def _proxy_ended(name: str, status: int, stderr: bytes) -> TerminalUnreachable:
    said = ssh.readable(stderr)[-400:]
    why = said.splitlines()[-1] if said else f"status {status}"
    return TerminalUnreachable(f"{name}: `wezterm cli proxy` ended: {why}", details={"stderr": said})
