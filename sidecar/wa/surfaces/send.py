"""`wa send`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from wa.api.send import send_text
from wa.model.errors import UsageError
from wa.protocol.results import SendResult
from wa.surfaces.answer import Json, PaneArgument, answer, paths
from wa.surfaces.output import Terminal
from wa.surfaces.text import harmless

MAX_STDIN_BYTES = 1024 * 1024


def send(
    pane: PaneArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to type; `-` reads it from standard input.")],
    no_submit: Annotated[bool, typer.Option("--no-submit", help="Paste only; no Return.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Several lines, though nothing says that the program takes them as one.")
    ] = False,
    json: Json = False,
) -> None:
    """Type into a pane: paste, see it arrive, press Return, see it taken.

    Example: wa send p17 "run the tests again"
    """
    body = read_stdin() if text == "-" else text
    if not body:
        raise UsageError("there is nothing to send", next_step="Give TEXT, or `-` and something on standard input.")
    use_case = send_text(paths(), pane, body, submit=not no_submit, dry_run=dry_run, force=force)
    answer("send", use_case, render, as_json=json)


def render(result: SendResult, _terminal: Terminal) -> list[str]:
    times = [
        f"{word} after {value:.0f} ms"
        for word, value in (("seen", result["seen_after_ms"]), ("taken", result["taken_after_ms"]))
        if value is not None
    ]
    said = f"{result['outcome']}: {result['characters']} characters to {result['pane_uid']}"
    return [", ".join([said, *times]), *([harmless(result["detail"])] if result["detail"] else [])]


def read_stdin() -> str:
    """All of it, without the newline at its end. Raises UsageError for more than 1 MiB, or bytes that are not UTF-8."""
    data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise UsageError("standard input holds more than 1 MiB", next_step="Send less, or a path to a file.")
    try:
        return data.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"standard input is not UTF-8: {error.reason} at byte {error.start}", next_step="Convert it with iconv."
        ) from error
