"""wa at work without WezTerm: three busy programs in the embedded multiplexer, a sidecar, and what it found."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from wa.api.client import SidecarClient, connected
from wa.api.demo_programs import FINISHED, PROGRAMS, STEP, program_path
from wa.api.demo_stage import Stage, program_env, stage
from wa.api.logs import LogWish, read_log
from wa.api.search import SearchWish, find
from wa.protocol.results import DemoResult, Latency, PaneResult, SearchResult
from wa.wezterm.terminal import SpawnRequest

COLUMNS, ROWS = 96, 18
QUERY = "FAILED expected columns"
"""What one of the programs prints now and then."""
TELL_EVERY_S = 0.25
OVERTIME_S = 15.0
"""How long after their time the programs may take to say that they are done."""
SETTLE_WITHIN_S = 5.0
"""What was erased to be printed again, or left an alternate screen, is final a second later."""


@dataclass(slots=True)
class Progress:
    """What was seen so far; the same object is handed out again and again."""

    seconds: float
    elapsed_s: float = 0.0
    panes: list[PaneResult] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROGRAMS, 0))
    """By program: the newest step that reached us."""
    promised: dict[str, int] = field(default_factory=dict)
    """By program: how many steps it printed, once it says so."""
    latest: dict[str, str] = field(default_factory=dict)
    """By program: the row of the newest step."""
    latencies_ms: list[float] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Every program said that it is done."""

    @property
    def latency(self) -> Latency | None:
        if not self.latencies_ms:
            return None
        ranked = sorted(self.latencies_ms)

        def rank(share: float) -> float:
            return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 1)

        return Latency(samples=len(ranked), p50_ms=rank(0.5), p95_ms=rank(0.95), max_ms=round(ranked[-1], 1))


async def run_demo(seconds: float, tell: Callable[[Progress], None]) -> DemoResult:
    """Runs for about *seconds*; *tell* hears of the progress some times a second. Leaves nothing behind."""
    began = time.monotonic()
    progress = Progress(seconds)
    async with stage() as built:
        await built.start_mux()
        await built.start_sidecar()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_watch(built, progress)), group.create_task(_tell(built, progress, tell))]
            await _spawn(built, seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds + OVERTIME_S):
                    await progress.done.wait()
            for task in tasks:
                task.cancel()
        result = await _collect(built, progress)
    result["cleaned"] = built.cleared
    result["seconds"] = round(time.monotonic() - began, 1)
    return result


async def _spawn(built: Stage, seconds: float) -> None:
    terminal = await built.terminal()
    try:
        for name in PROGRAMS:
            argv = (sys.executable, str(program_path(name)), f"{seconds:g}")
            env = program_env(built.env)
            await terminal.spawn(SpawnRequest(argv=argv, cwd=str(built.root), env=env, cols=COLUMNS, rows=ROWS))
    finally:
        await terminal.close()


async def _watch(built: Stage, progress: Progress) -> None:
    """Reads screens as any subscriber would, and takes the time of each step the moment its screen is here."""
    async with connected(built.paths.socket) as sidecar:
        async for item in await sidecar.stream("subscribe", {"kinds": ["screen"]}):
            now_us = time.time_ns() // 1000
            for row in item["rows"]:
                text = row if isinstance(row, str) else row[0]
                if step := STEP.search(text):
                    name, number = step[1], int(step[2])
                    if name in progress.steps and number > progress.steps[name]:
                        progress.steps[name] = number
                        progress.latest[name] = text[: text.index("@")].strip()
                        progress.latencies_ms.append((now_us - int(step[3])) / 1000)
                elif done := FINISHED.search(text):
                    progress.promised[done[1]] = int(done[2])
                    if len(progress.promised) == len(PROGRAMS):
                        progress.done.set()


async def _tell(built: Stage, progress: Progress, tell: Callable[[Progress], None]) -> None:
    began = time.monotonic()
    async with connected(built.paths.socket) as sidecar:
        while True:
            progress.panes = (await sidecar.call("panes"))["panes"]
            progress.elapsed_s = time.monotonic() - began
            tell(progress)
            await asyncio.sleep(TELL_EVERY_S)


async def _collect(built: Stage, progress: Progress) -> DemoResult:
    promised = {(name, number) for name, count in progress.promised.items() for number in range(1, count + 1)}
    give_up = time.monotonic() + SETTLE_WITHIN_S
    async with connected(built.paths.socket) as sidecar:
        while True:
            await sidecar.call("flush")
            panes = await _panes(sidecar)
            found = await _logged(built, panes)
            if promised <= found.keys() or time.monotonic() > give_up:
                break
            await asyncio.sleep(TELL_EVERY_S)
    search: SearchResult = await find(built.paths, SearchWish(query=QUERY, limit=1, context=2))
    return DemoResult(
        seconds=0.0,
        panes=panes,
        steps_printed=len(promised),
        steps_found=len(promised & found.keys()),
        steps_doubled=sum(count > 1 for count in found.values()),
        rows_stored=sum(pane["rows_stored"] for pane in panes),
        rows_lost=sum(pane["rows_lost"] for pane in panes),
        gaps=sum(pane["gaps"] for pane in panes),
        latency=progress.latency,
        search=search,
        cleaned=False,
    )


async def _logged(built: Stage, panes: Sequence[PaneResult]) -> Counter[tuple[str, int]]:
    """How often each step stands in the logs and on the screens."""
    found: Counter[tuple[str, int]] = Counter()
    for pane in panes:
        log = await read_log(built.paths, LogWish(pane=pane["pane_uid"], everything=True))
        found.update((step[1], int(step[2])) for row in log["rows"] if (step := STEP.search(row["text"])))
    return found


async def _panes(sidecar: SidecarClient) -> list[PaneResult]:
    found: list[PaneResult] = (await sidecar.call("panes"))["panes"]
    return found
