"""The `wa` command. `wa hook` and two answers (quick.py) come before anything heavy is imported; the rest is Typer (app.py)."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # Typing alone takes as long as a hook of an agent may.
    from collections.abc import Sequence
    from typing import NoReturn

INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    sys.exit(run(sys.argv[1:] if argv is None else list(argv)))


def run(words: list[str]) -> int:
    """The exit status of one command line."""
    try:
        status = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has seen enough; Python must not complain about it when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _run(words: list[str]) -> int:
    if words[:1] == ["hook"]:
        from wa.api import hook_call

        return hook_call.run(words[1:])
    if words[:2] == ["run", "--"] and len(words) > 2:
        from wa.api.run import run as run_program

        return run_program(words[2:])
    from wa.surfaces import quick

    if (command := quick.wanted(words)) is not None and (status := quick.run(command)) is not None:
        return status
    if words == ["--pane-names"]:
        # What the completion scripts ask while somebody waits for the Tab key.
        sys.stdout.write("".join(f"{name}\n" for name in quick.pane_names()))
        return 0
    from wa.surfaces.app import run_app

    return run_app(words)
