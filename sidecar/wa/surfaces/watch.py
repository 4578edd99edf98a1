"""`wa watch`."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from wa.model.errors import UsageError
from wa.protocol.results import WatchResult
from wa.surfaces.answer import Json, answer, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout, warn

LEVELS = ("debug", "info", "warning", "error")


def watch(
    socket: Annotated[
        list[str] | None,
        typer.Option("--socket", metavar="[NAME=]PATH", help="One more multiplexer's socket; may be repeated."),
    ] = None,
    ssh: Annotated[
        list[str] | None,
        typer.Option("--ssh", metavar="HOST", help="The multiplexer on HOST, by ssh; may be repeated."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Go on in the background; return when it serves.")
    ] = False,
    log_level: Annotated[
        str | None,
        typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error, for the log file."),
    ] = None,
    json: Json = False,
) -> None:
    """Watch every pane of every WezTerm that is found, and store what they print. One sidecar per user; Ctrl-C ends it.

    Example: wa watch --detach
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.watch import WatchWish, detach_sidecar, nothing_to_watch, watch_panes

    if log_level is not None and log_level not in LEVELS:
        raise UsageError(
            f"--log-level {log_level!r} is none of {', '.join(LEVELS)}", next_step="Write --log-level debug."
        )
    wish = WatchWish(sockets=tuple(socket or ()), ssh=tuple(ssh or ()), log_level=log_level)
    if (notice := asyncio.run(nothing_to_watch(paths(), wish))) is not None:
        warn(notice)
    if detach:
        answer("watch", detach_sidecar(paths(), wish), render, as_json=json)
        return
    started = time.perf_counter()

    def ready(result: WatchResult) -> None:
        if json:
            show_json("watch", result, started)
        else:
            say(*render(result, stdout()))

    asyncio.run(watch_panes(paths(), wish, ready=ready))
    if not json:
        warn("Stopped.")


def render(result: WatchResult, terminal: Terminal) -> list[str]:
    lines = [f"wa {result['version']} watches (pid {result['pid']}). Database: {result['database']}"]
    if result["detached"]:
        lines.append("See `wa status`; end it with `wa stop`.")
    else:
        lines.append(
            terminal.styled("In another terminal: wa status, wa panes, wa search WORDS. Ctrl-C ends it.", Style.DIM)
        )
    return lines
