"""`wa send`, `wa keys` and `wa choose`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Annotated

import typer

from wa.api.send import How, PartlySentError, choose_option, press_keys, send_text, send_to
from wa.model.errors import Refused, UsageError
from wa.protocol.results import SendResult
from wa.protocol.results_acting import ActResult
from wa.protocol.results_send import SendToResult
from wa.surfaces.answer import Json, PaneArgument, answer, paths, show_json
from wa.surfaces.output import Terminal, say, stdout, warn
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

MAX_STDIN_BYTES = 1024 * 1024
COLUMNS = (
    Column("PANE"),
    Column("AGENT"),
    Column("STATE"),
    Column("TITLE", flexible=True, least=8, drop=1),
    Column("OUTCOME"),
    Column("DETAIL", flexible=True, least=12),
)


class NotConfirmedError(Refused):
    """Several panes at once need a yes."""

    code = "refused.not_confirmed"
    next_step = "Look at what --dry-run says, then use --yes."


def send(
    pane: Annotated[
        str, typer.Argument(metavar="PANE", help="p17, MUX/ID, or an id that one live pane has; not with --to.")
    ],
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="What to type; `-` reads it from standard input.")
    ] = None,
    no_submit: Annotated[bool, typer.Option("--no-submit", help="Paste only; no Return.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Several lines, though nothing says that the program takes them as one.")
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="WHICH", help="Every pane that fits, as in 'agent=codex,state=idle'; in place of PANE."
        ),
    ] = None,
    queue: Annotated[bool, typer.Option("--queue", help="While the agent works: send it once it is idle.")] = False,
    interrupt: Annotated[bool, typer.Option("--interrupt", help="While the agent works: end its turn first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --to: do not ask.")] = False,
    json: Json = False,
) -> None:
    """Type into a pane: paste, see it arrive, press Return, see it taken.

    Example: wa send p17 "run the tests again"
    """
    if to is not None and text is None:
        pane, text = "", pane
    elif to is not None or text is None:
        raise UsageError(
            "one of PANE and --to is needed, and one TEXT",
            next_step='`wa send p17 "…"` or `wa send --to agent=codex "…"`.',
        )
    if queue and interrupt:
        raise UsageError("--queue and --interrupt exclude each other", next_step="Choose one.")
    body = read_stdin() if text == "-" else text
    if not body:
        raise UsageError("there is nothing to send", next_step="Give TEXT, or `-` and something on standard input.")
    busy = "queue" if queue else "interrupt" if interrupt else "refuse"
    how = How(submit=not no_submit, dry_run=dry_run, force=force, while_busy=busy)
    if to is None:
        answer("send", send_text(paths(), pane, body, how), render, as_json=json)
        return
    if not dry_run and not yes:
        _confirm(to, body, how, as_json=json or text == "-")
    started = time.perf_counter()
    result = asyncio.run(send_to(paths(), to, body, how))
    failed = [one["pane_uid"] for one in result["panes"] if one["code"] is not None]
    if json and not failed:
        show_json("send-to", result, started)
    elif not json:
        say(*render_to(result, stdout()))
    if failed:
        raise PartlySentError(
            f"{len(failed)} of {len(result['panes'])} panes did not take it: {', '.join(failed)}",
            details={"panes": list(result["panes"])},
        )


def _confirm(to: str, body: str, how: How, *, as_json: bool) -> None:
    """Shows what would be done, and asks."""
    planned = asyncio.run(send_to(paths(), to, body, how._replace(dry_run=True)))
    if as_json or not sys.stdin.isatty():
        names = ", ".join(one["pane_uid"] for one in planned["panes"])
        raise NotConfirmedError(f"this would go to {len(planned['panes'])} panes: {names}")
    for line in render_to(planned, stdout()):
        warn(line)
    typer.confirm(f"Send these {len(body)} characters there?", abort=True, err=True)


def keys(
    pane: PaneArgument,
    names: Annotated[
        list[str], typer.Argument(metavar="KEY…", help="enter, escape, up, ctrl+c, shift+tab, f5 …, or one character.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    json: Json = False,
) -> None:
    """Press single keys in a pane, one after the other; stops where a dialog opens or changes in between.

    Example: wa keys p17 down enter
    """
    answer("keys", press_keys(paths(), pane, names, dry_run=dry_run), render_acted, as_json=json)


def choose(
    pane: PaneArgument,
    label: Annotated[
        str, typer.Argument(metavar="LABEL", help="The option, as it reads; `…` at its end stands for the rest.")
    ],
    question: Annotated[
        str, typer.Option("--question", metavar="WORDS", help="Only in the dialog that asks so; otherwise in any.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    json: Json = False,
) -> None:
    """Take an option of the dialog that is open in a pane, by its label; the selection is read again before Return.

    Example: wa choose p17 "Keep current model"
    """
    use_case = choose_option(paths(), pane, label, question=question, dry_run=dry_run)
    answer("choose", use_case, render_acted, as_json=json)


def render(result: SendResult, _terminal: Terminal) -> list[str]:
    times = [
        f"{word} after {value:.0f} ms"
        for word, value in (("seen", result["seen_after_ms"]), ("taken", result["taken_after_ms"]))
        if value is not None
    ]
    said = f"{result['outcome']}: {result['characters']} characters to {result['pane_uid']}"
    return [", ".join([said, *times]), *([harmless(result["detail"])] if result["detail"] else [])]


def render_to(result: SendToResult, terminal: Terminal) -> list[str]:
    rows: list[list[str | Cell]] = [
        [
            one["pane_uid"],
            one["agent"] or "",
            one["state"],
            one["title"],
            one["outcome"],
            one["detail"],
        ]
        for one in result["panes"]
    ]
    return table(COLUMNS, rows, terminal)


def render_acted(result: ActResult, _terminal: Terminal) -> list[str]:
    return [f"{result['outcome']}: {result['pane_uid']}", *([harmless(result["detail"])] if result["detail"] else [])]


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
