"""distributed.toml as typed values: which role this machine has in account recovery, and whom it speaks to.

`wa setup distributed` writes it; docs/topics/setup-distributed.md describes each key.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wa.model.errors import ConfigError

FILE = "distributed.toml"
"""Below wa's folder of configuration."""
TOKENS = "tokens"
"""The folder beside it."""
MIN_TOKEN_CHARACTERS = 32
_AGAIN = "Run `wa setup distributed` again, or mend the file."


@dataclass(frozen=True, slots=True)
class Coordinator:
    """`[coordinator]`: this machine has panes, and tells of sign-ins that they need."""

    name: str
    """What its agents call this machine."""
    listen: str
    """An IP address of this machine: 127.0.0.1, or that of the tailnet."""
    port: int
    token_file: Path


@dataclass(frozen=True, slots=True)
class AgentHost:
    """`[[agent.host]]`: a coordinator."""

    name: str
    way: Literal["ssh", "tailnet"]
    """`ssh`: through a forward to *address* as the host itself sees it. `tailnet`: straight to *address*."""
    ssh: str
    """What ssh takes, behind `--`."""
    ssh_options: tuple[str, ...]
    address: str
    port: int
    token_file: Path


@dataclass(frozen=True, slots=True)
class AccountAgent:
    """`[agent]`: this machine has the browser."""

    listen: str
    port: int
    token_file: Path
    hosts: tuple[AgentHost, ...]


@dataclass(frozen=True, slots=True)
class Distributed:
    """A machine may have both roles, or none."""

    coordinator: Coordinator | None = None
    agent: AccountAgent | None = None


def load_distributed(path: Path) -> Distributed:
    """Of a missing file: no role. Raises ConfigError with file and key."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Distributed()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", next_step=_AGAIN) from error
    return parse_distributed(text, path)


def parse_distributed(text: str, path: Path) -> Distributed:
    """*path*: what relative token files are beside. Raises ConfigError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}", next_step=_AGAIN) from error
    top = _Table(table, "", path)
    top.only("coordinator", "agent")
    found = Distributed(
        _coordinator(top.table("coordinator")) if "coordinator" in table else None,
        _agent(top.table("agent")) if "agent" in table else None,
    )
    names = [host.name.casefold() for host in found.agent.hosts] if found.agent else []
    if len(set(names)) < len(names):
        raise top.error("agent.host", "names a host twice")
    return found


def read_token(path: Path) -> str:
    """Raises ConfigError where it is missing, short, or not this user's alone."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            token = file.read(4096).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", next_step=_AGAIN) from error
    if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
        raise ConfigError(f"{path} can be read by others", next_step=f"Run `chmod 600 {path}`.")
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise ConfigError(f"{path} holds no token", next_step=_AGAIN)
    return token


def _coordinator(table: _Table) -> Coordinator:
    table.only("name", "listen", "port", "token_file")
    return Coordinator(table.text("name"), table.text("listen"), table.port(), table.token_file())


def _agent(table: _Table) -> AccountAgent:
    table.only("listen", "port", "token_file", "host")
    hosts = tuple(_host(one) for one in table.tables("host"))
    return AccountAgent(table.text("listen"), table.port(), table.token_file(), hosts)


def _host(table: _Table) -> AgentHost:
    table.only("name", "way", "ssh", "ssh_options", "address", "port", "token_file")
    way = table.text("way")
    if way not in ("ssh", "tailnet"):
        raise table.error("way", f"must be ssh or tailnet, not {way!r:.60}")
    ssh = table.text("ssh")
    if ssh.startswith("-"):
        raise table.error("ssh", "would be read as an option")
    return AgentHost(
        table.text("name"),
        "ssh" if way == "ssh" else "tailnet",
        ssh,
        table.texts("ssh_options"),
        table.text("address"),
        table.port(),
        table.token_file(),
    )


class _Table:
    """One table of the file, and where it stands."""

    def __init__(self, values: Mapping[str, Any], name: str, path: Path) -> None:
        self._values = values
        self._name = name
        self._path = path

    def error(self, key: str, reason: str) -> ConfigError:
        whole = f"{self._name}.{key}" if self._name else key
        return ConfigError(f"{self._path}: `{whole}` {reason}", next_step=_AGAIN)

    def only(self, *keys: str) -> None:
        for key in self._values:
            if key not in keys:
                raise self.error(key, f"is unknown; there are {', '.join(keys)}")

    def text(self, key: str) -> str:
        value = self._values.get(key)
        if not isinstance(value, str) or not value or not value.isprintable():
            raise self.error(key, "must be a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.isprintable() for one in value):
            raise self.error(key, "must be a list of texts")
        return tuple(value)

    def port(self) -> int:
        value = self._values.get("port")
        if type(value) is not int or not 1 <= value <= 65535:
            raise self.error("port", "must be a whole number from 1 to 65535")
        return value

    def token_file(self) -> Path:
        return self._path.parent / self.text("token_file")

    def table(self, key: str) -> _Table:
        value = self._values.get(key)
        if not isinstance(value, dict):
            raise self.error(key, "must be a table")
        return _Table(value, f"{self._name}.{key}" if self._name else key, self._path)

    def tables(self, key: str) -> list[_Table]:
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.error(key, f"must be written as [[{self._name}.{key}]] tables")
        return [_Table(one, f"{self._name}.{key}", self._path) for one in value]
