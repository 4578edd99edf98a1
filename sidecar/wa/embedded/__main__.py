"""`python -m wa.embedded --socket PATH [-- PROG …]`: the multiplexer in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import resource
import signal
import sys
from pathlib import Path

from wa.model.errors import WaError

try:
    from wa.embedded.screen import DEFAULT_SCROLLBACK
    from wa.embedded.server import EmbeddedMux
except ModuleNotFoundError as error:
    if error.name != "pyghostty":
        raise
    sys.exit("The embedded multiplexer needs pyghostty: pip install 'wezterm-automata[embedded]'")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m wa.embedded", description="A pocket multiplexer.")
    parser.add_argument("--socket", type=Path, required=True, metavar="PATH", help="where clients connect")
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--cols", type=int, default=80)
    parser.add_argument("--scrollback", type=int, default=DEFAULT_SCROLLBACK, metavar="N", help="rows kept per pane")
    parser.add_argument("--cwd", help="the first program's folder")
    parser.add_argument("--no-pane", action="store_true", help="start without a first pane")
    parser.add_argument("program", nargs="*", metavar="PROG", help="the first pane's program instead of a shell")
    arguments = parser.parse_args()
    if not 1 <= arguments.rows <= 4096 or not 1 <= arguments.cols <= 4096 or arguments.scrollback < 0:
        parser.error("rows and columns are 1 … 4096, scrollback is 0 or more")
    return arguments


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    mux = EmbeddedMux(
        arguments.socket.absolute(),
        cols=arguments.cols,
        rows=arguments.rows,
        scrollback=arguments.scrollback,
        argv=None if arguments.no_pane else arguments.program,
        cwd=arguments.cwd or str(Path.cwd()),
    )
    async with mux:
        with contextlib.suppress(BrokenPipeError):
            print(f"listening on {mux.socket_path}", flush=True)
        await stop.wait()


def _allow_many_files() -> None:
    """A pane takes two descriptors; many systems allow 1,024 unless asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    _allow_many_files()
    try:
        asyncio.run(_serve(arguments))
    except WaError as error:
        print(f"{error.message}. {error.next_step}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
