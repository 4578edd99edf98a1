"""What ties a process to a session, by what the kernel and the agent itself say of it. Linux; elsewhere nothing is known.

Seen on 2026-11-21: Codex 0.87.0 and 0.169.0 hold the rollout of every session they have begun open for writing, 0.169 also
`thread-writer-locks/<id>.lock`, from its start on. Claude Code 2.1.328 writes `sessions/<pid>.json` and keeps it true over
`/clear`. Claude Code 2.1.12 and Gemini CLI leave nothing that ties them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wa.protocol.session_files import LiveSession, file_session_id, live_session
from wa.sources.proc import FOREGROUND_GROUP, GROUP, PROC, SESSION, TTY, kernel_number, stat_fields
from wa.sources.session_homes import HOME_VARIABLES, MAX_SMALL_FILE, Homes

PROGRAMS = {
    "codex": frozenset({"codex", "codex.js"}),
    "claude_code": frozenset({"claude", "claude.exe", "cli.js"}),
    "gemini": frozenset({"gemini", "gemini.js", "index.js"}),
}
"""How the processes of the npm builds are called. Seen on 2026-11-21."""
ELSEWHERE = frozenset(
    {
        "ssh",
        "mosh-client",
        "et",
        "telnet",
        "docker",
        "podman",
        "nerdctl",
        "kubectl",
        "lxc",
        "incus",
        "machinectl",
        "distrobox",
    }
)
"""What runs in such a program's terminal writes its files on another machine, or in another file system."""
MAX_PROCESSES = 64
MAX_FDS = 4096
MAX_BELOW, MAX_THREADS, MAX_LEADERS = 256, 256, 1024
"""Looked at below the leader of one session before all processes there are, threads of one process, and leaders remembered."""
_LOCK = re.compile(r"/thread-writer-locks/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.lock$")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Process(NamedTuple):
    pid: int
    start_ticks: str
    """Field 22 of stat; with the pid it names one process."""
    started_ms: int | None
    cwd: str | None
    words: tuple[str, ...]
    """The last parts of the first words of its command line."""
    env: Mapping[str, str]
    """Of its environment only what names a home."""

    def runs(self, programs: Collection[str]) -> bool:
        """Whether its program, or the script of its interpreter, is one of these, `codex-cli` for codex too."""
        return any(word in programs or word.partition("-")[0] in programs for word in self.words)

    @property
    def program(self) -> str:
        return self.words[0] if self.words else ""


class Left(NamedTuple):
    """A process that may run a session outside of every terminal that is watched."""

    pid: int
    has_terminal: bool
    """False: the one it had has closed. Seen on 2026-11-21: Gemini CLI 0.61.0 and Claude Code 2.1.12 outlive theirs."""


class Held(NamedTuple):
    """A session that a process has open."""

    session_id: str
    path: Path | None
    """None for a lock whose file does not exist yet."""


def foreground(tty_name: str | None, proc: Path = PROC) -> list[Process]:
    """The processes of the foreground group of a terminal."""
    return Terminals(proc).foreground(tty_name)


class Terminals:
    """Which processes stand in front of terminals. One instance for many questions, from any thread."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._leaders: dict[int, int] = {}
        """Of terminals that were found before: the process that leads the session. All that it started is below it."""

    def foreground(self, tty_name: str | None) -> list[Process]:
        try:
            device = Path(tty_name).stat().st_rdev if tty_name else 0
        except (OSError, ValueError):
            return []
        if not device:
            return []
        wanted = kernel_number(device)
        found = self._below(wanted) or self._anywhere(wanted)
        return [process for pid in found[:MAX_PROCESSES] if (process := process_of(pid, self._proc)) is not None]

    def _below(self, wanted: int) -> list[int]:
        """A look at the few processes of one session, and not at all there are."""
        leader = self._leaders.get(wanted)
        if leader is None or not self._is_on(leader, wanted):
            return []
        if not self._is_told_of_children(leader):
            return []
        found, waiting = list[int](), [leader]
        for _ in range(MAX_BELOW):
            if not waiting:
                return sorted(found)
            pid = waiting.pop()
            if self._is_in_front(pid, wanted):
                found.append(pid)
            waiting += self._children(pid)
        return []

    def _anywhere(self, wanted: int) -> list[int]:
        found = [pid for pid in _pids(self._proc) if self._is_in_front(pid, wanted)]
        if found and (fields := _stat(self._proc, found[0])) is not None:
            if len(self._leaders) >= MAX_LEADERS:
                self._leaders.clear()
            self._leaders[wanted] = int(fields[SESSION])
        return found

    def _is_on(self, pid: int, wanted: int) -> bool:
        fields = _stat(self._proc, pid)
        return fields is not None and int(fields[TTY]) & 0xFFFFFFFF == wanted and int(fields[SESSION]) == pid

    def _is_in_front(self, pid: int, wanted: int) -> bool:
        fields = _stat(self._proc, pid)
        if fields is None or int(fields[TTY]) & 0xFFFFFFFF != wanted:
            return False
        return fields[GROUP] == fields[FOREGROUND_GROUP]

    def _is_told_of_children(self, pid: int) -> bool:
        """By kernels with CONFIG_PROC_CHILDREN."""
        return (self._proc / str(pid) / "task" / str(pid) / "children").exists()

    def _children(self, pid: int) -> list[int]:
        """Each thread has its own."""
        found: list[int] = []
        try:
            threads = os.listdir(self._proc / str(pid) / "task")  # noqa: PTH208 - names alone are wanted
            for thread in threads[:MAX_THREADS]:
                words = (self._proc / str(pid) / "task" / thread / "children").read_bytes().split()
                found += [int(word) for word in words]
        except (OSError, ValueError):
            pass
        return found


def running(
    agent: str, folder: str, session_id: str, ttys: Iterable[str], homes: Homes, proc: Path = PROC
) -> list[Left]:
    """Processes of *agent* that may run this session, beside those in the terminals *ttys*: by what they hold open or say of
    themselves, and where they do neither, by the folder that they run in.
    """
    programs = PROGRAMS.get(agent)
    if programs is None:
        return []
    seen = {number for number in map(_device, ttys) if number}
    found = []
    for pid in _pids(proc):
        if not any(word in programs or word.partition("-")[0] in programs for word in _words(proc, pid)):
            continue
        fields, process = _stat(proc, pid), process_of(pid, proc)
        if fields is None or process is None or fields[0] == "Z" or int(fields[TTY]) & 0xFFFFFFFF in seen:
            continue
        live = live_of(process, homes_of(process, homes)) if agent == "claude_code" else None
        said = {held.session_id for held in held_by([process], proc)} if live is None else {live.session_id}
        if session_id in said or (not said and process.cwd == folder and agent != "codex"):
            found.append(Left(pid, int(fields[TTY]) != 0))
    return found


def _device(tty_name: str) -> int:
    try:
        return kernel_number(Path(tty_name).stat().st_rdev)
    except (OSError, ValueError):
        return 0


def process_of(pid: int, proc: Path = PROC) -> Process | None:
    fields = _stat(proc, pid)
    if fields is None:
        return None
    ticks, boot_s = fields[19], _boot_s(proc)
    started_ms = None if boot_s is None else boot_s * 1000 + int(ticks) * 1000 // _TICKS_A_SECOND
    try:
        cwd: str | None = str((proc / str(pid) / "cwd").readlink())
    except OSError:
        cwd = None
    return Process(pid, ticks, started_ms, cwd, _words(proc, pid), _env(proc, pid))


def homes_of(process: Process, default: Homes) -> Homes:
    """Where this process keeps its files; *default* where its environment cannot be read."""
    return Homes.from_env(process.env) if process.env.get("HOME") else default


def held_by(processes: Sequence[Process], proc: Path = PROC) -> list[Held]:
    """The sessions that these processes have open for writing, each once."""
    found: dict[str, Held] = {}
    for process in processes:
        for target, number in _written(proc, process.pid):
            lock = _LOCK.search(target)
            session_id = lock[1] if lock else file_session_id(target) if "/rollout-" in target else None
            if session_id is None:
                continue
            if lock is None:
                # By what is open, not by its name: a file that was replaced is another one.
                path = Path(target)
                found[session_id] = Held(session_id, path if _same(proc, process.pid, number, path) else None)
            else:
                found.setdefault(session_id, Held(session_id, None))
    return list(found.values())


def live_of(process: Process, homes: Homes) -> LiveSession | None:
    """What Claude Code wrote of this very process; a file left by an earlier one with the same pid is not believed."""
    path = homes.claude / "sessions" / f"{process.pid}.json"
    try:
        if path.stat().st_size > MAX_SMALL_FILE:
            return None
        live = live_session(path.read_bytes())
    except OSError:
        return None
    if live is None or live.pid != process.pid or live.process_start != process.start_ticks:
        return None
    return live


def _written(proc: Path, pid: int) -> list[tuple[str, str]]:
    folder = proc / str(pid)
    try:
        numbers = os.listdir(folder / "fd")  # noqa: PTH208 - names alone are wanted
    except OSError:
        return []
    found = []
    for number in numbers[:MAX_FDS]:
        try:
            target = str((folder / "fd" / number).readlink())
            if not target.endswith((".jsonl", ".lock")):
                continue
            flags = re.search(r"^flags:\s*([0-7]+)", (folder / "fdinfo" / number).read_text(), re.MULTILINE)
        except OSError:
            continue
        if flags is not None and int(flags[1], 8) & os.O_ACCMODE != os.O_RDONLY:
            found.append((target, number))
    return found


def _same(proc: Path, pid: int, number: str, path: Path) -> bool:
    try:
        return os.path.samestat((proc / str(pid) / "fd" / number).stat(), path.stat())
    except OSError:
        return False


def _pids(proc: Path) -> list[int]:
    try:
        return [int(name) for name in os.listdir(proc) if name.isdigit()]  # noqa: PTH208 - names alone are wanted
    except OSError:
        return []


def _stat(proc: Path, pid: int) -> list[str] | None:
    """Numbers alone, from the second field on: what a process can forge is not read further."""
    fields = [field.decode("ascii", "replace") for field in stat_fields(proc, pid) or ()]
    return fields if len(fields) > 20 and all(field.lstrip("-").isdigit() for field in fields[1:20]) else None


def _boot_s(proc: Path) -> int | None:
    try:
        found = re.search(rb"^btime (\d+)", (proc / "stat").read_bytes(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def _words(proc: Path, pid: int) -> tuple[str, ...]:
    """Node may stand before the script, with options of its own."""
    try:
        with (proc / str(pid) / "cmdline").open("rb") as file:
            raw = file.read(4096)
    except OSError:
        return ()
    words = [os.fsdecode(word) for word in raw.split(b"\0")[:6]]
    return tuple(word.rpartition("/")[2].lstrip("-") for word in words if word)


def _env(proc: Path, pid: int) -> Mapping[str, str]:
    try:
        raw = (proc / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0"))
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs if os.fsdecode(name) in HOME_VARIABLES}
