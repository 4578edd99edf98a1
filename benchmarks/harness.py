"""What every figure needs: its printed form, a place that cleans up after itself, and what /proc says."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn, TypeVar

T = TypeVar("T")

RUNS = 5
QUICK_RUNS = 2
REPOSITORY = Path(__file__).resolve().parent.parent
PYTHONPATH = f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'sidecar'}"
"""For the processes started here: this checkout's wa, installed or not."""


class Figure(NamedTuple):
    """One measured value beside its yardstick, measured in the same run.

    `against` names the yardstick with its value. `ok` None: reported, without a goal of its own.
    """

    name: str
    value: float
    unit: str
    against: str = "-"
    ratio: float | None = None
    goal: str = "-"
    ok: bool | None = None
    note: str = ""


COLUMNS = (58, 16, 44, 8, 21)


def line(figure: Figure) -> str:
    """`name  value unit  against  ratio  goal  ok|MISSED`; two blanks part the columns."""
    ratio = "-" if figure.ratio is None else f"{figure.ratio:.3g}x"
    verdict = {True: "ok", False: "MISSED", None: "-"}[figure.ok]
    value = f"{number(figure.value)} {figure.unit}".rstrip()
    texts = (figure.name, value, figure.against, ratio, figure.goal)
    shown = "  ".join(text.ljust(width) for text, width in zip(texts, COLUMNS, strict=True)) + "  " + verdict
    return f"{shown}\n    {figure.note}" if figure.note else shown


def heading() -> str:
    titles = ("name", "value", "against (same run)", "ratio", "goal")
    return "  ".join(title.ljust(width) for title, width in zip(titles, COLUMNS, strict=True)) + "  verdict"


def number(value: float) -> str:
    """Three significant digits below 1,000, whole with thousands marks above."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def report(figures: Sequence[Figure], *, as_json: bool) -> int:
    """Print them; the exit status: 1 where a goal was missed."""
    if as_json:
        print(json.dumps([figure._asdict() for figure in figures], ensure_ascii=False, indent=1))
    else:
        for figure in figures:
            print(line(figure), flush=True)
    return 1 if any(figure.ok is False for figure in figures) else 0


class Options(NamedTuple):
    json: bool
    quick: bool
    mux: tuple[str, ...]
    """Which terminals are measured, each `real` or `embedded`."""
    keep: bool

    @property
    def runs(self) -> int:
        return QUICK_RUNS if self.quick else RUNS


def options(argv: Sequence[str], what: str) -> Options:
    parser = argparse.ArgumentParser(prog="benchmarks", description=what)
    parser.add_argument("--json", action="store_true", help="the figures as a JSON list")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs in place of {RUNS}, shorter ones")
    parser.add_argument(
        "--mux", choices=("auto", "real", "embedded", "both"), default="auto", help="default: real where on PATH"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the folder with databases and logs, and print its name"
    )
    found = parser.parse_args(argv)
    have_real = shutil.which("wezterm-mux-server") is not None and shutil.which("wezterm") is not None
    if found.mux in ("real", "both") and not have_real:
        parser.error("wezterm-mux-server and wezterm are not both on PATH; --mux embedded needs neither")
    kinds = {"auto": ("real",) if have_real else ("embedded",), "both": ("real", "embedded")}.get(
        found.mux, (found.mux,)
    )
    return Options(found.json, found.quick, kinds, found.keep)


def say(text: str) -> None:
    """Progress, for a person who waits; never among the figures."""
    print(f"  … {text}", file=sys.stderr, flush=True)


LEAVING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stage:
    """A private folder and the processes started from it. `close` ends them, with their groups, and removes it."""

    def __init__(self, *, keep: bool = False) -> None:
        # Socket paths hold 107 bytes, and those below this folder take 40.
        is_short = len(os.fsencode(tempfile.gettempdir())) < 40
        self.root = Path(tempfile.mkdtemp(prefix="wab-", dir=None if is_short else "/tmp"))
        self.keep = keep
        self.stack = ExitStack()
        self._groups: list[subprocess.Popen[Any]] = []
        self._counter = 0

    def fresh(self, name: str) -> Path:
        """A new private folder below this stage's."""
        self._counter += 1
        folder = self.root / f"{name}{self._counter}"
        folder.mkdir(mode=0o700)
        return folder

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        stdin: int = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.DEVNULL,
        stderr: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """A process in a session of its own, so that its whole group can be ended and Ctrl-C reaches only us."""
        process: subprocess.Popen[bytes] = subprocess.Popen(
            argv, env=dict(env), stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True, cwd=REPOSITORY
        )
        self._groups.append(process)
        return process

    def end(self, process: subprocess.Popen[Any], *, within_s: float = 5.0) -> None:
        """SIGTERM to its group, SIGKILL to what is left; returns when it is reaped."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            say(f"pid {process.pid} did not end on SIGTERM within {within_s:g} s")
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if process in self._groups:
            self._groups.remove(process)

    def close(self) -> None:
        try:
            self.stack.close()
        finally:
            for process in reversed(self._groups[:]):
                self.end(process)
            if self.keep:
                say(f"kept {self.root}")
            else:
                shutil.rmtree(self.root, ignore_errors=True)


@contextmanager
def stage(options: Options) -> Iterator[Stage]:
    """A Stage that is closed on every way out: return, error, Ctrl-C, SIGTERM, SIGHUP."""

    def leave(signum: int, _frame: object) -> NoReturn:
        for number in LEAVING:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave processes behind
        raise KeyboardInterrupt if signum == signal.SIGINT else SystemExit(128 + signum)

    before = {number: signal.signal(number, leave) for number in LEAVING}
    here = Stage(keep=options.keep)
    try:
        yield here
    finally:
        for number in LEAVING:
            signal.signal(number, signal.SIG_IGN)
        here.close()
        for number, handler in before.items():
            signal.signal(number, handler)


class MeasuringError(Exception):
    """A condition was not met in time: nothing was measured."""


def wait_for(what: str, condition: Callable[[], T | None], *, within_s: float = 30.0, every_s: float = 0.02) -> T:
    """The first value of *condition* that is true."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise MeasuringError(f"{what} did not happen within {within_s:g} s")
        time.sleep(every_s)


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank: the smallest value that at least *percent* of all do not exceed. NaN of nothing."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else math.nan


TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int, *, children: bool) -> float:
    """User and system seconds of a process; with *children* also of descendants, live ones and those waited for.

    Resolution 10 ms. The process must exist.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    utime, stime, cutime, cstime = (int(value) for value in fields[11:15])
    if not children:
        return (utime + stime) / TICKS_PER_S
    total = (utime + stime + cutime + cstime) / TICKS_PER_S
    for child in children_of(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            total += cpu_s(child, children=True)
    return total


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError):
                found += map(int, (task / "children").read_text().split())
    return found


def rss_mb(pid: int) -> float:
    """Resident memory in MB (10^6 bytes)."""
    for text in Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith("VmRSS:"):
            return int(text.split()[1]) * 1024 / 1e6
    raise MeasuringError(f"pid {pid} has no memory: it ended")


def measured_on_each_mux(argv: Sequence[str], what: str, *parts: Callable[[Stage, str, Options], list[Figure]]) -> int:
    """The exit status. Each part has a stage of its own."""
    chosen = options(argv, what)
    figures: list[Figure] = []
    for kind in chosen.mux:
        for part in parts:
            with stage(chosen) as here:
                figures += part(here, kind, chosen)
    return report(figures, as_json=chosen.json)
