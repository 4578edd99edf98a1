"""What setup/rescue.sh said of a machine: its lines, read into nouns. Lines of anybody else (noisy rc files) are passed over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from wa.model.errors import WaError

_MARK = "wa\t"


class ScriptFailure(WaError):
    """The script gave up, in its own words."""

    code = "rescue"
    next_step = "Run `wa rescue` to see how things stand."


@dataclass(frozen=True, slots=True)
class Process:
    tty: int
    """The N of /dev/pts/N."""
    pid: int
    start: int
    """In clock ticks since the machine's start: with the pid it names one process for good."""
    state: str
    parent: int
    group: int
    session: int
    front: int
    """The group in the terminal's foreground."""
    cwd: str
    command: str

    @property
    def is_leader(self) -> bool:
        return self.pid == self.session

    @property
    def in_front(self) -> bool:
        return self.group == self.front


@dataclass(slots=True)
class Server:
    pid: int
    kind: str
    """mux, gui, or other: a server by another name that listens where WezTerm's does."""
    start: int
    age_s: int
    rss_kib: int | None
    threads: int | None
    descriptors: int
    descriptor_limit: int | None
    """None: there is none, or it is not told."""
    state: str
    parent: int
    unit: str | None
    runtime: str
    program: str
    command: str
    sockets: list[str] = field(default_factory=list)
    ttys: list[int] = field(default_factory=list)
    readings: list[tuple[float, int]] = field(default_factory=list)
    """Seconds since the machine's start, and KiB."""
    accounted: dict[str, int] = field(default_factory=dict)
    """memory.current, memory.peak, memory.max of its unit, in bytes."""

    @property
    def growth_kib_per_minute(self) -> float | None:
        """Over the readings; None where they cover less than a second."""
        if len(self.readings) < 2 or (span := self.readings[-1][0] - self.readings[0][0]) < 1:
            return None
        return (self.readings[-1][1] - self.readings[0][1]) * 60 / span


@dataclass(slots=True)
class Log:
    path: str
    size: int
    tail: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Machine:
    """Everything of one look."""

    system: tuple[str, str, str, int, str] = ("", "", "", 0, "")
    """Kernel, processor, user, uid, its own name."""
    load: float = 0.0
    cores: int = 1
    memory_kib: dict[str, int] = field(default_factory=dict)
    scope_path: str = ""
    scope: int | None = None
    """Of ptrace_scope; None: the kernel has none."""
    scope_way: str = "none"
    """none (nothing to change), write, sudo, told (a person must), never."""
    programs: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Path and version of reptyr and tmux where they are."""
    install: str | None = None
    can_install: bool = False
    runtime: str = ""
    servers: list[Server] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    panes: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    """By tty: WEZTERM_PANE and WEZTERM_UNIX_SOCKET of its first process."""
    socket_files: list[str] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    looked_ms: float = 0.0
    """When the look began, by this machine's clock."""
    said: list[str] = field(default_factory=list)
    """What an earlier rescue had left changed, and whether it was put back: sentences."""
    left: str | None = None
    """The command that a person must run to put ptrace_scope back."""

    def of_tty(self, tty: int) -> list[Process]:
        return [process for process in self.processes if process.tty == tty]

    def leader(self, tty: int) -> Process | None:
        return next((process for process in self.of_tty(tty) if process.is_leader), None)

    def server(self, pid: int) -> Server | None:
        return next((server for server in self.servers if server.pid == pid), None)


def lines_of(text: str) -> Iterator[list[str]]:
    """The script's lines, word first. Raises ScriptFailure at one that says so."""
    for line in text.split("\n"):
        if not line.startswith(_MARK):
            continue
        word, *fields = line.removeprefix(_MARK).split("\t")
        if word == "fail":
            step = f"Run `{fields[2]}`." if len(fields) > 2 and fields[2] not in ("", "-") else None
            raise ScriptFailure(fields[1] if len(fields) > 1 else "the script failed", next_step=step)
        yield [word, *(value.strip() for value in fields)]


def read_machine(text: str) -> Machine:
    """Raises ScriptFailure; a line that is cut short (a lost connection) is passed over."""
    machine = Machine()
    logs: dict[str, Log] = {}
    for word, *fields in lines_of(text):
        try:
            _take(machine, logs, word, fields)
        except (ValueError, LookupError):
            continue
    machine.logs = list(logs.values())
    return machine


def read_process(fields: list[str]) -> Process:
    numbers = [int(value) for value in fields[:3]]
    parent, group, session, front = (int(value) for value in fields[4:8])
    return Process(
        numbers[0], numbers[1], numbers[2], fields[3], parent, group, session, front, fields[8], "\t".join(fields[9:])
    )


def sentence_of(word: str, fields: list[str]) -> str | None:
    """What the script did about ptrace_scope, for a person; None for every other line."""
    match word, fields:
        case "scope-lowered", [path, was, *_]:
            return f"{path} was {was} and is 0 while panes are moved."
        case "scope-restored", [path, was, *_]:
            return f"{path} is {was} again."
        case "scope-recovered", [rescue, path, was, *_]:
            return f"Rescue {rescue} was cut off and had left {path} at 0: it is {was} again."
        case "scope-left", [rescue, path, was, command, *_]:
            return (
                f"Rescue {rescue} was cut off and has left {path} at 0; it was {was}. Only root may mend it: {command}"
            )
    return None


def _take(machine: Machine, logs: dict[str, Log], word: str, fields: list[str]) -> None:
    if said := sentence_of(word, fields):
        machine.said.append(said)
        machine.left = fields[3] if word == "scope-left" else machine.left
    match word:
        case "system":
            machine.system = (fields[0], fields[1], fields[2], int(fields[3]), fields[4])
        case "load":
            machine.load, machine.cores = float(fields[0]), max(1, int(fields[1]))
        case "memory":
            machine.memory_kib[fields[0]] = int(fields[1])
        case "scope":
            machine.scope_path, machine.scope_way = fields[0], fields[2]
            machine.scope = None if fields[1] == "-" else int(fields[1])
        case "program" if fields[1] != "-":
            machine.programs[fields[0]] = (fields[1], fields[2])
        case "install":
            machine.install, machine.can_install = (None if fields[0] == "-" else fields[0]), fields[1] == "yes"
        case "runtime":
            machine.runtime = fields[0]
        case "server":
            machine.servers.append(_server(fields))
        case "process":
            machine.processes.append(read_process(fields))
        case "pane":
            machine.panes[int(fields[0])] = (int(fields[1]) if fields[1].isdigit() else None, fields[2])
        case "socket":
            machine.socket_files.append(fields[0])
        case "log":
            logs[fields[0]] = Log(fields[0], int(fields[1]))
        case "tail":
            logs[fields[0]].tail.append(fields[1])
        case "bad":
            logs[fields[0]].troubles.append(fields[1])
        case "listens" | "holds" | "rss" | "accounted":
            if (server := machine.server(int(fields[0]))) is not None:
                _of_server(server, word, fields)


def _of_server(server: Server, word: str, fields: list[str]) -> None:
    if word == "listens" and fields[1] not in server.sockets:
        server.sockets.append(fields[1])
    elif word == "holds":
        server.ttys.append(int(fields[1]))
    elif word == "rss":
        server.readings.append((float(fields[1]), int(fields[2])))
    elif word == "accounted" and fields[2].isdigit():
        server.accounted[fields[1]] = int(fields[2])


def _server(fields: list[str]) -> Server:
    def number(at: int) -> int | None:
        return int(fields[at]) if fields[at].isdigit() else None

    return Server(
        pid=int(fields[0]),
        kind=fields[1],
        start=int(fields[2]),
        age_s=int(fields[3]),
        rss_kib=number(4),
        threads=number(5),
        descriptors=int(fields[6]),
        descriptor_limit=number(7),
        state=fields[8],
        parent=int(fields[9]),
        unit=None if fields[10] == "-" else fields[10],
        runtime=fields[11],
        program=fields[12],
        command="\t".join(fields[13:]),
    )


def ended(lines: Iterable[list[str]], verb: str) -> bool:
    """Whether the script came to its end."""
    return any(line[0] == "end" and line[1:] == [verb] for line in lines)
