"""What can be connected to, before anything is tried."""

from __future__ import annotations

from dataclasses import dataclass

from wa.model.errors import UsageError


@dataclass(frozen=True, slots=True)
class SocketTarget:
    """A server of this machine, by its socket."""

    name: str
    path: str
    through_proxy: bool = False
    """Speak through `wezterm cli proxy` in place of the socket itself."""


@dataclass(frozen=True, slots=True)
class SshTarget:
    """The default mux server of another host, reached with the system's ssh and the user's ssh configuration."""

    host: str
    """As given to ssh: a name, user@name, or an alias of ssh_config."""
    name: str = ""
    wezterm: tuple[str, ...] = ("wezterm",)
    """The remote command; a non-interactive shell must find it."""
    ssh: tuple[str, ...] = ("ssh",)

    def __post_init__(self) -> None:
        # A host that begins with a dash would be read by ssh as an option (ProxyCommand=… runs programs).
        if not self.host or self.host.startswith("-") or any(c.isspace() or ord(c) < 32 for c in self.host):
            raise UsageError(f"{self.host!r} is not a host", next_step="Give a name as you would to `ssh`.")
        if not self.name:
            object.__setattr__(self, "name", self.host)


Target = SocketTarget | SshTarget
