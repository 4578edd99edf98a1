"""Which panes are meant, which can be moved, and what would be done, step by step. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wa.model.errors import NotFound, Refused, UsageError
from wa.provision.rescue_facts import Machine, Process, Server

SESSION = "wa-rescue"
OUTLIVES = frozenset({"tmux", "screen", "zellij", "dtach", "abduco"})
"""Their clients in a pane need not be moved; tmux in tmux would show itself."""
_TTY = re.compile(r"(?:/dev/)?(?:pts/)?(\d+)")


@dataclass(frozen=True, slots=True)
class Pane:
    """A terminal that a server holds."""

    tty: int
    server: Server
    leader: Process | None
    processes: tuple[Process, ...]
    pane_id: int | None

    @property
    def name(self) -> str:
        return f"pts/{self.tty}"

    @property
    def front(self) -> Process | None:
        """Who is in the foreground: the first of its group, else of the terminal."""
        ahead = [process for process in self.processes if process.in_front]
        return next((one for one in ahead if one.pid == one.group), ahead[0] if ahead else self.leader)

    @property
    def hindrance(self) -> str | None:
        """Why reptyr cannot move it."""
        if not self.processes:
            return "no process runs in it"
        if self.leader is None:
            return "its first process has ended, and reptyr goes by that one"
        if self.leader.parent != self.server.pid:
            return f"its first process is no longer a child of the server {self.server.pid}"
        if self.front is not None and self.front.command.split(" ")[0].rpartition("/")[2].rstrip(":") in OUTLIVES:
            return "what it shows runs in a multiplexer of its own, and outlives this one anyway"
        if self.server.state in "DZ":
            return f"the server {self.server.pid} hangs in the kernel"
        return None

    @property
    def entry(self) -> str:
        """For setup/rescue.sh. Only of one without a hindrance."""
        return f"{self.tty}:{self.leader.pid}:{self.leader.start}" if self.leader is not None else ""


def panes_of(machine: Machine, *, server: int | None = None) -> list[Pane]:
    """By tty. Raises NotFound where *server* is none."""
    servers = [one for one in machine.servers if server is None or one.pid == server]
    if server is not None and not servers:
        raise NotFound(f"no server of yours has the pid {server}", next_step="Run `wa rescue` to see them.")
    found = []
    for one in servers:
        for tty in one.ttys:
            mine = tuple(process for process in machine.of_tty(tty) if process.state != "Z")
            pane_id = machine.panes.get(tty, (None, ""))[0]
            found.append(Pane(tty, one, machine.leader(tty), mine, pane_id))
    return sorted(found, key=lambda pane: pane.tty)


def choose(panes: Sequence[Pane], names: Sequence[str], uids: Mapping[int, str]) -> list[Pane]:
    """Those that *names* mean: `all`, a tty, wa's name (p17) or WezTerm's id. Raises NotFound, UsageError.

    *uids*: wa's name for each tty it knows. `all` leaves out those without a process in them.
    """
    chosen: dict[int, Pane] = {}
    for name in names:
        meant = _named(panes, name, uids)
        if not meant:
            raise NotFound(f"no server holds a pane {name}", next_step="Run `wa rescue` to see them.")
        chosen |= {pane.tty: pane for pane in meant}
    return [chosen[tty] for tty in sorted(chosen)]


def _named(panes: Sequence[Pane], name: str, uids: Mapping[int, str]) -> list[Pane]:
    if name == "all":
        return [pane for pane in panes if pane.processes]
    if re.fullmatch(r"p\d+", name):
        return [pane for pane in panes if uids.get(pane.tty) == name]
    if (by_tty := re.fullmatch(r"(?:/dev/)?pts/(\d+)", name)) is not None:
        return [pane for pane in panes if pane.tty == int(by_tty[1])]
    if name.isdecimal():
        found = [pane for pane in panes if pane.pane_id == int(name)]
        if len(found) > 1:
            ttys = " or ".join(pane.name for pane in found)
            raise UsageError(f"{len(found)} servers have a pane {name}", next_step=f"Name {ttys}.")
        return found
    raise UsageError(f"{name!r} names no pane", next_step="Write pts/4, p17, WezTerm's pane id, or all.")


def own_ttys(machine: Machine, pid: int | None = None) -> set[int]:
    """The terminals that wa itself was started in, as far up as its ancestors go."""
    found = set()
    for number in range(3):
        try:
            name = os.ttyname(number)
        except OSError:
            continue
        if (place := _TTY.fullmatch(name)) is not None and name.startswith("/dev/pts/"):
            found.add(int(place[1]))
    me = os.getpid() if pid is None else pid
    return found | {process.tty for process in machine.processes if process.pid in (me, os.getppid())}


def steps(machine: Machine, panes: Sequence[Pane], session: str) -> list[str]:
    """What would be done, for a person. Raises Refused where it cannot work."""
    missing = [program for program in ("reptyr", "tmux") if program not in machine.programs]
    found = []
    if missing:
        words = (machine.install or "").replace("reptyr tmux", " ".join(missing))
        if not machine.install or not machine.can_install:
            by_hand = f"Run `sudo {words}`." if words else f"Install {' and '.join(missing)}."
            raise Refused(f"{' and '.join(missing)} must be installed first", next_step=by_hand)
        found.append(f"install {' and '.join(missing)}: {words}")
    match machine.scope_way:
        case "told":
            raise Refused(
                f"{machine.scope_path} is {machine.scope}: only root may let a program take another's terminal",
                next_step=f"Run `sudo sysctl kernel.yama.ptrace_scope=0`, then this again, then `… ptrace_scope={machine.scope}`.",
            )
        case "never":
            raise Refused(
                f"{machine.scope_path} is 3: until the next boot no program may take another's terminal",
                next_step="Nothing can be moved; leave the server alone as long as its panes are needed.",
            )
        case "write" | "sudo":
            how = " by sudo" if machine.scope_way == "sudo" else ""
            found.append(f"set {machine.scope_path} from {machine.scope} to 0{how}, and back in every case")
    for pane in panes:
        if pane.hindrance is None and pane.leader is not None:
            what = f"{len(pane.processes)} process{'es' if len(pane.processes) != 1 else ''}"
            found.append(f"move {pane.name} ({what}) to tmux session {session}: reptyr -T {pane.leader.pid}")
    found.append("check that each lives, that its terminal is held by reptyr, and what its window shows")
    return found
