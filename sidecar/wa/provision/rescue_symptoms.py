"""Symptom, cause and fix: what is known to go wrong with a multiplexer, and which of it a look has found. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from wa.provision.rescue_facts import Log, Machine, Server

SLOW_MS = 1000.0
NEARLY_ALL_DESCRIPTORS = 0.8
LITTLE_MEMORY = 0.05
MUCH_SWAP = 0.5
FAST_GROWTH_KIB = 50 * 1024
"""A minute: a server that keeps 20,000 rows of a pane grows by less than a tenth of it."""
GROWN_UP_S = 60
"""Younger ones are still being filled."""
LARGE_SHARE = 0.25
"""Of the machine's memory, in one server."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking a server."""

    answers: bool | None
    took_ms: float | None = None
    trouble: str | None = None
    version: str | None = None
    codec: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    machine: Machine
    answers: Mapping[int, Answer]
    owners: Mapping[str, int]
    """Who answers at each socket, by pid."""
    here: str | None = None
    """The version of this machine's `wezterm` program."""
    only: int | None = None
    """The server that is asked about, by pid; None: all of them."""

    def owns(self, server: Server) -> bool | None:
        """Whether the server is reached at its socket. None: it listens nowhere with a path, or nobody can tell."""
        told = [self.owners[path] == server.pid for path in server.sockets if path in self.owners]
        return any(told) if told else None

    @property
    def servers(self) -> list[Server]:
        return [server for server in self.machine.servers if self.only in (None, server.pid)]

    @property
    def muxes(self) -> list[Server]:
        """Those that have not ended."""
        return [server for server in self.servers if server.state != "Z"]

    @property
    def logs(self) -> list[Log]:
        """Of the folders of `servers`."""
        return [log for log in self.machine.logs if self._is_asked(log.path)]

    @property
    def socket_files(self) -> list[str]:
        return [path for path in self.machine.socket_files if self._is_asked(path)]

    def _is_asked(self, path: str) -> bool:
        return self.only is None or path.rpartition("/")[0] in {server.runtime for server in self.servers}


class Symptom(NamedTuple):
    symptom: str
    cause: str
    fix: str
    found: Callable[[Look], list[str]]
    """What speaks for it, one entry for each server or file; empty: it does not apply."""


def owners(machine: Machine) -> dict[str, int]:
    """Of two servers that listen at one path the later one has it: it unlinked the other's socket (WezTerm 20250223)."""
    holders: dict[str, Server] = {}
    for server in sorted(machine.servers, key=lambda one: one.start):
        holders |= dict.fromkeys(server.sockets, server)
    present = set(machine.socket_files)
    in_folder = (f"{server.runtime}/" for server in machine.servers)
    folders = tuple({f"{machine.runtime}/", *in_folder})
    return {path: one.pid for path, one in holders.items() if path in present or not path.startswith(folders)}


def _none_runs(look: Look) -> list[str]:
    if look.muxes:
        return []
    return [f"no server of {look.machine.system[2] or 'this user'} runs"]


def _stale(look: Look) -> list[str]:
    listened = {path for server in look.machine.servers if server.state != "Z" for path in server.sockets}
    return [f"{path}: nobody listens" for path in look.socket_files if path not in listened]


def _unlinked(look: Look) -> list[str]:
    return [
        f"{path} of {server.pid} is gone"
        for server in look.muxes
        for path in server.sockets
        if path not in look.owners and path.startswith(f"{server.runtime}/")
    ]


def _orphaned(look: Look) -> list[str]:
    return [
        f"{server.pid} ({len(server.ttys)} panes): {path} is of {look.owners[path]} now"
        for server in look.muxes
        for path in server.sockets
        if look.owners.get(path, server.pid) != server.pid
    ]


def _silent(look: Look) -> list[str]:
    found = []
    for server in look.muxes:
        answer = look.answers.get(server.pid)
        if answer is not None and answer.answers is False:
            found.append(f"{server.pid}: {answer.trouble or 'no answer'}")
        elif answer is not None and (answer.took_ms or 0) > SLOW_MS:
            found.append(f"{server.pid} took {answer.took_ms:.0f} ms")
    return found


def _in_state(letters: str) -> Callable[[Look], list[str]]:
    return lambda look: [
        f"{server.pid} is in state {server.state}" for server in look.servers if server.state in letters
    ]


def _descriptors(look: Look) -> list[str]:
    return [
        f"{server.pid}: {server.descriptors} of {server.descriptor_limit}"
        for server in look.muxes
        if server.descriptor_limit and server.descriptors >= NEARLY_ALL_DESCRIPTORS * server.descriptor_limit
    ]


def _memory(look: Look) -> list[str]:
    found = []
    memory = look.machine.memory_kib
    total, available = memory.get("MemTotal", 0), memory.get("MemAvailable")
    if total and available is not None and available < LITTLE_MEMORY * total:
        found.append(f"{available // 1024} MiB of {total // 1024} MiB are left")
    swap, free = memory.get("SwapTotal", 0), memory.get("SwapFree", 0)
    if swap and swap - free > MUCH_SWAP * swap:
        found.append(f"{(swap - free) // 1024} MiB of {swap // 1024} MiB of swap are used")
    return found


def _growth(look: Look) -> list[str]:
    found = []
    for server in look.muxes:
        growth = server.growth_kib_per_minute
        if growth is not None and growth > FAST_GROWTH_KIB and server.age_s >= GROWN_UP_S:
            found.append(f"{server.pid} grows by {growth / 1024:.0f} MiB a minute")
        total = look.machine.memory_kib.get("MemTotal", 0)
        if server.rss_kib and total and server.rss_kib > LARGE_SHARE * total:
            found.append(f"{server.pid} holds {server.rss_kib // 1024} MiB of {total // 1024} MiB")
    return found


def _load(look: Look) -> list[str]:
    machine = look.machine
    return [f"load {machine.load:.1f} on {machine.cores} cores"] if machine.load > 2 * machine.cores else []


def _replaced(look: Look) -> list[str]:
    return [
        f"{server.pid}: {server.program.removesuffix(' (deleted)')} was replaced since it started"
        for server in look.muxes
        if server.program.endswith(" (deleted)")
    ]


def _version(look: Look) -> list[str]:
    return [
        f"{server.pid} is {answer.version}, the program here {look.here}"
        for server in look.muxes
        if (answer := look.answers.get(server.pid)) and answer.version and look.here and answer.version != look.here
    ]


def _logged(look: Look) -> list[str]:
    return [f"{log.path}: {log.troubles[-1]}" for log in look.logs if log.troubles]


MOVE = "wa rescue --move all"
SYMPTOMS: tuple[Symptom, ...] = (
    Symptom(
        "No server runs",
        "It ended or was never started; the programs of its panes ended with it and cannot be brought back.",
        "Start it: `systemctl --user start wezterm-mux-server`, or `wezterm-mux-server --daemonize`.",
        _none_runs,
    ),
    Symptom(
        "A socket's file without a server",
        "The server was killed; the file stayed.",
        "Start the server: it takes the file away by itself.",
        _stale,
    ),
    Symptom(
        "A server whose socket's file is gone",
        "Something cleaned its runtime folder; its panes live, but nobody can connect.",
        f"`{MOVE} --server PID`, then `wa rescue --restart --server PID`.",
        _unlinked,
    ),
    Symptom(
        "A server whose socket another one took",
        "A second server was started beside it: it takes the file away without asking.",
        f"`{MOVE} --server PID`, look at the panes in tmux, then `kill PID`.",
        _orphaned,
    ),
    Symptom(
        "It does not answer within a second",
        "Its main thread is busy or stuck: long scrollback, a client that does not read, a starved machine.",
        f"Wait a minute, close clients that hang; else `{MOVE}`, then `wa rescue --restart`.",
        _silent,
    ),
    Symptom("It is stopped", "Somebody sent SIGSTOP, or a debugger holds it.", "`kill -CONT PID`.", _in_state("Tt")),
    Symptom(
        "It hangs in the kernel",
        "It waits for a disk or a network file system.",
        "Look at `dmesg` and the mounts; nothing can be moved until it comes back.",
        _in_state("D"),
    ),
    Symptom(
        "A server that has ended and is still listed",
        "Whoever started it has not noticed.",
        "Nothing: it holds nothing any more, and goes when its parent does.",
        _in_state("Z"),
    ),
    Symptom(
        "Nearly out of descriptors",
        "Each pane takes several files; clients that come and go may leak more.",
        f"`prlimit --pid PID --nofile=65536`; LimitNOFILE=65536 in its unit; else `{MOVE}` and `wa rescue --restart`.",
        _descriptors,
    ),
    Symptom(
        "Memory is short",
        "Every reply waits for the disk; the kernel may end the server next.",
        "End what is not needed, before anything is moved.",
        _memory,
    ),
    Symptom(
        "It is large, or grows fast",
        "Scrollback of many panes, or output that a hanging client does not take.",
        f"`wa tune`, which takes hold with new panes; to have the memory back: `{MOVE}`, then `wa rescue --restart`.",
        _growth,
    ),
    Symptom(
        "More work than cores",
        "Builds, agents or a runaway process starve the server.",
        "`renice` or end the greediest (`ps aux --sort=-%cpu | head`); nothing is wrong with the server itself.",
        _load,
    ),
    Symptom(
        "The program was replaced under it",
        "WezTerm was upgraded; the old server runs on, and new clients may not understand it.",
        f"When the panes are idle: `{MOVE}`, then `wa rescue --restart`.",
        _replaced,
    ),
    Symptom(
        "Client and server are of different versions",
        "Only the same codec is understood on both sides.",
        "Install the same WezTerm on both.",
        _version,
    ),
    Symptom(
        "Its log speaks of errors",
        "What WezTerm itself complained of; the newest such line of each log stands above.",
        "Mend what it names; a line from before the last start may be settled.",
        _logged,
    ),
)
"""Facts about WezTerm 20240203 to 20250223, gathered 2026-11."""
