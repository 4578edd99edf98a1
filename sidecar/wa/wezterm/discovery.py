"""Which multiplexers run here: every socket of WezTerm's runtime folder and those named by hand, each one tried.

Nothing here starts a server. WezTerm's own choice of socket (display links, `unix_domains`) is not followed: links go
stale, and a running GUI or server always has its socket in the runtime folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wa.model.errors import UsageError
from wa.wezterm.executable import Executable, find_executable
from wa.wezterm.peers import Outcome, SocketError, connect_socket, identify
from wa.wezterm.targets import SocketTarget

_GUI_SOCKET = re.compile(r"gui-sock-(\d+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")


class Candidate(NamedTuple):
    """One socket and what came of trying it. `same_as` names the candidate whose server this one is too."""

    name: str
    path: str
    outcome: Outcome
    detail: str
    explicit: bool
    pid: int | None = None
    started: str = ""
    same_as: str | None = None

    @property
    def usable(self) -> bool:
        return self.outcome is Outcome.LIVE and self.same_as is None

    @property
    def target(self) -> SocketTarget:
        return SocketTarget(self.name, self.path)


class Discovery(NamedTuple):
    runtime_dir: str
    candidates: tuple[Candidate, ...]
    """Named by hand first, then `local`, then GUIs by pid; stale ones included."""
    executable: Executable | None

    @property
    def targets(self) -> tuple[SocketTarget, ...]:
        return tuple(candidate.target for candidate in self.candidates if candidate.usable)


def runtime_dir(env: Mapping[str, str] | None = None) -> Path:
    """WezTerm's RUNTIME_DIR (config/src/config.rs of 20250223): under XDG_RUNTIME_DIR where the system has one."""
    env = os.environ if env is None else env
    xdg = env.get("XDG_RUNTIME_DIR", "")
    if xdg.startswith("/"):
        return Path(xdg) / "wezterm"
    return Path(env.get("HOME") or Path.home()) / ".local/share/wezterm"


def parse_socket_option(value: str) -> SocketTarget:
    """`NAME=PATH` or `PATH` of `--socket`; without a name it is the file's stem. Raises UsageError."""
    name, equals, path = value.partition("=")
    if not equals or "/" in name:
        name, path = "", value
    if not path:
        raise UsageError(f"--socket {value!r} names no path", next_step="Write --socket PATH or --socket NAME=PATH.")
    full = Path(path).expanduser().absolute()
    name = name or re.sub(r"[^A-Za-z0-9._@-]+", "-", full.stem).strip("-.") or "socket"
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a mux",
            next_step="Use letters, digits, '.', '_', '@' and '-', beginning with a letter or a digit.",
        )
    return SocketTarget(name, str(full))


async def discover(
    explicit: Sequence[SocketTarget] = (),
    *,
    env: Mapping[str, str] | None = None,
    wezterm: Sequence[str] = (),
    timeout_s: float = 1.0,
) -> Discovery:
    """Try every socket there is. Two names of one server count once: the one named by hand, else the first."""
    folder = runtime_dir(env)
    found: list[Candidate] = []
    for target, by_hand in [*((t, True) for t in explicit), *((t, False) for t in _in_folder(folder))]:
        candidate = await _try(target, by_hand, timeout_s)
        found.append(candidate._replace(same_as=_twin(candidate, found)))
    return Discovery(str(folder), tuple(found), find_executable(wezterm, env))


def _in_folder(folder: Path) -> list[SocketTarget]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone are wanted
    except OSError:
        return []
    guis = sorted(int(match[1]) for name in names if (match := _GUI_SOCKET.fullmatch(name)))
    server = [SocketTarget("local", str(folder / "sock"))] if "sock" in names else []
    return server + [SocketTarget(f"gui-{pid}", str(folder / f"gui-sock-{pid}")) for pid in guis]


async def _try(target: SocketTarget, by_hand: bool, timeout_s: float) -> Candidate:
    try:
        sock = await connect_socket(target.path, timeout_s=timeout_s)
    except SocketError as trouble:
        return Candidate(target.name, target.path, trouble.outcome, trouble.detail, by_hand)
    with sock:
        peer = identify(sock, target.path)
    return Candidate(target.name, target.path, Outcome.LIVE, "answers", by_hand, peer.pid, peer.started)


def _twin(candidate: Candidate, earlier: Sequence[Candidate]) -> str | None:
    for other in earlier:
        if other.same_as is not None:
            continue
        same_file = os.path.realpath(other.path) == os.path.realpath(candidate.path)
        if same_file or (candidate.started and candidate.started == other.started and candidate.pid == other.pid):
            return other.name
    return None
