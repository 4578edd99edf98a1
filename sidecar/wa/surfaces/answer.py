"""What every command shares: its options, and the way from an awaited result to the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Annotated, Any, TypeVar

import typer

from wa.api.times import now_ms
from wa.config.paths import Paths
from wa.protocol.envelope import succeeded
from wa.surfaces.output import Style, Terminal, say, say_json, stdout

Result = TypeVar("Result")
Render = Callable[[Result, Terminal], list[str]]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
PaneArgument = Annotated[str, typer.Argument(metavar="PANE", help="p17, MUX/ID, or an id that one live pane has.")]
AnyPane = Annotated[str | None, typer.Option("--pane", metavar="PANE", help="Only this pane, open or closed.")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="T", help="Not older than T: 10m, 14:30, yesterday, ISO.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="T", help="Not newer than T.")]
Newest = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="The newest N.")]


def paths() -> Paths:
    return Paths.from_env()


def answer(command: str, use_case: Coroutine[Any, Any, Result], render: Render[Result], *, as_json: bool) -> Result:
    """Awaits *use_case* and prints what it returns."""
    started = time.perf_counter()
    result = asyncio.run(use_case)
    if as_json:
        show_json(command, result, started)
    else:
        say(*render(result, stdout()))
    return result


def answer_stream(
    command: str, use_case: AsyncGenerator[Result, None], render: Render[Result], *, as_json: bool
) -> Result | None:
    """As `answer` for each result of a stream, as it comes: one envelope a line. The last one, or None."""

    async def drain() -> Result | None:
        started = time.perf_counter()
        result = None
        # Closed by hand: who stops reading in the middle must not leave connections open behind.
        async with aclosing(use_case):
            async for result in use_case:
                if as_json:
                    show_json(command, result, started)
                elif lines := render(result, stdout()):
                    say(*lines)
        return result

    return asyncio.run(drain())


def show_json(command: str, result: object, started: float) -> None:
    """*started* is a `perf_counter` reading."""
    say_json(succeeded(command, result, at_ms=now_ms(), elapsed_ms=(time.perf_counter() - started) * 1000))


def staleness(live: bool, as_of: str | None, terminal: Terminal) -> list[str]:
    """The line that says how old an answer without a sidecar is; none for a live one."""
    from wa.api.times import age, local

    if live:
        return []
    if as_of is None:
        text = "No sidecar runs, and nothing was ever stored. Start it: wa watch --detach"
    else:
        text = f"No sidecar runs: this is what was stored {age(as_of)} ago ({local(as_of)})."
    return [terminal.styled(text, Style.WARN)]
