"""`wa demo`."""

from __future__ import annotations

import asyncio
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from wa.protocol.results import DemoResult
from wa.surfaces.answer import Json, show_json
from wa.surfaces.output import Style, Terminal, say, stdout
from wa.surfaces.panes import pane_table
from wa.surfaces.search import hit_lines
from wa.surfaces.text import clip, harmless

if TYPE_CHECKING:
    from wa.api.demo import Progress

INTRODUCTION = (
    "Three programs that behave like busy agents run in a pocket multiplexer that speaks WezTerm's protocol: inline"
    " prints into history, reprint erases its history and prints it again with every step, fullscreen lives on the"
    " alternate screen. A sidecar watches them and stores what they print. Nothing of your WezTerm is touched."
)
TELL_PLAINLY_EVERY_S = 5.0
BAR = 24


def demo(
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="N", min=2, max=3600, help="How long the programs work.")
    ] = 20.0,
    json: Json = False,
) -> None:
    """See wa work without WezTerm: three scripted agents, watched live; then what was found and measured.

    Example: wa demo --seconds 10
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.demo import run_demo

    started = time.perf_counter()
    terminal = stdout()
    if not json:
        say(*textwrap.wrap(INTRODUCTION, min(100, terminal.columns or 100)), "")
    with _display(terminal, quiet=json) as tell:
        result = asyncio.run(run_demo(seconds, tell))
    if json:
        show_json("demo", result, started)
    else:
        say(*render(result, terminal))


class _Plain:
    """Progress as lines, for pipes and logs."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.elapsed_s >= self._next_s:
            self._next_s = progress.elapsed_s + TELL_PLAINLY_EVERY_S
            say(_headline(progress))


@contextmanager
def _display(terminal: Terminal, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    if quiet:
        yield lambda _: None
    elif terminal.columns is None:
        yield _Plain()
    else:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        console = Console(no_color=not terminal.colour, highlight=False)
        with Live(console=console, transient=True, refresh_per_second=8) as live:

            def tell(progress: Progress) -> None:
                columns = max(20, console.width - 1)
                live.update(Text("\n".join(clip(line, columns) for line in _picture(progress))))

            yield tell


def _picture(progress: Progress) -> list[str]:
    share = min(1.0, progress.elapsed_s / progress.seconds)
    bar = "█" * round(share * BAR) + "░" * (BAR - round(share * BAR))
    lines = [f"{bar} {_headline(progress)}", ""]
    lines += [
        f"  {name:<11}{count:>5} steps  {harmless(progress.latest.get(name, ''))}"
        for name, count in progress.steps.items()
    ]
    return lines


def _headline(progress: Progress) -> str:
    stored = sum(pane["rows_stored"] for pane in progress.panes)
    latency = progress.latency
    seen = "" if latency is None else f", seen after {latency['p50_ms']:.1f} ms (p95 {latency['p95_ms']:.1f})"
    elapsed_s = min(progress.elapsed_s, progress.seconds)
    return f"{elapsed_s:4.0f} s: {sum(progress.steps.values())} steps, {stored} rows stored{seen}"


def render(result: DemoResult, terminal: Terminal) -> list[str]:
    def title(text: str) -> list[str]:
        return ["", terminal.styled(text, Style.BOLD)]

    lines = [*title("wa panes"), *pane_table(result["panes"], terminal)]
    lines += title(f"wa search '{result['search']['query']}' --context 2 --limit 1")
    for hit in result["search"]["hits"]:
        lines += hit_lines(hit, terminal)
    lines += title("measured")
    printed, found, doubled = result["steps_printed"], result["steps_found"], result["steps_doubled"]
    lines.append(f"steps    {printed} printed, {found} found in the logs, {doubled} twice")
    lines.append(f"rows     {result['rows_stored']:,} stored, {result['rows_lost']:,} lost, {result['gaps']} gaps")
    if (latency := result["latency"]) is not None:
        figures = f"p50 {latency['p50_ms']:.1f} ms, p95 {latency['p95_ms']:.1f} ms, max {latency['max_ms']:.1f} ms"
        lines.append(
            f"latency  {figures}, from a program's write to its screen in another process ({latency['samples']} marks)"
        )
    lines.append(
        "left     nothing: no process, file or socket"
        if result["cleaned"]
        else "left     something could not be removed"
    )
    return [*lines, "", "Now on your own WezTerm: wa watch --detach, then wa panes."]
