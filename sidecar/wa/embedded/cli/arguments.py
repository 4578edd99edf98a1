"""The words on the command line, as `wezterm cli` of 20250223 takes them. Wrong ones end with status 2."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

VERSION = "wezterm wa-embedded-0.1.0"
DIRECTIONS = ("Up", "Down", "Left", "Right", "Next", "Prev")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"error: {message}\n\n{self.format_usage()}\nFor more information, try '--help'.\n")
        raise SystemExit(2)


_Add = Callable[[str, str], _Parser]


def _uint(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("invalid digit found in string")
    return int(text)


def _format(text: str) -> str:
    if text not in ("table", "json"):
        raise argparse.ArgumentTypeError("unknown output format")
    return text


def _direction(text: str) -> int:
    for index, name in enumerate(DIRECTIONS):
        if name.lower() == text.lower():
            return index
    raise argparse.ArgumentTypeError(f"unknown direction {text}")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """`[wezterm options] [cli] [cli options] SUBCOMMAND …`; everything behind `--` is the program to run."""
    parser = _Parser(prog="wezterm cli", description="Interact with experimental mux server", allow_abbrev=False)
    parser.add_argument("--no-auto-start", action="store_true", help="accepted; no server is ever started")
    parser.add_argument("--prefer-mux", action="store_true", help="the mux server's socket rather than a GUI's")
    parser.add_argument("--class", dest="gui_class", metavar="CLASS", help="of the GUI whose socket is wanted")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def add(name: str, summary: str) -> _Parser:
        return commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)

    for declare in (_listing, _text, _making, _arranging):
        declare(add)
    argv, program = _without_program(_without_wezterm_options(list(argv)))
    arguments = parser.parse_args(argv)
    if program and not hasattr(arguments, "prog"):
        parser.error(f"unexpected argument '{program[0]}' found")
    if program:
        arguments.prog = program
    if arguments.command == "spawn":
        if arguments.workspace is not None and not arguments.new_window:
            parser.error("the following required arguments were not provided:\n  --new-window")
        if arguments.window_id is not None and arguments.new_window:
            parser.error("the argument '--window-id <WINDOW_ID>' cannot be used with '--new-window'")
    return arguments


def _without_wezterm_options(argv: list[str]) -> list[str]:
    while argv:
        if argv[0] in ("--version", "-V"):
            sys.stdout.write(VERSION + "\n")
            raise SystemExit(0)
        if argv[0] in ("-n", "--skip-config"):
            argv = argv[1:]
        elif argv[0] in ("--config-file", "--config"):
            argv = argv[2:]
        elif argv[0] == "cli":
            return argv[1:]
        else:
            break
    return argv


def _without_program(argv: list[str]) -> tuple[list[str], list[str]]:
    if "--" in argv and any(command in argv[: argv.index("--")] for command in ("spawn", "split-pane")):
        at = argv.index("--")
        return argv[:at], argv[at + 1 :]
    return argv, []


def _pane_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pane-id", type=_uint, help="the pane; default $WEZTERM_PANE, else the focused one")


def _listing(add: _Add) -> None:
    for name, summary in (("list", "list windows, tabs and panes"), ("list-clients", "list clients")):
        add(name, summary).add_argument("--format", type=_format, default="table", help="table or json")
    add("proxy", "start rpc proxy pipe")


def _text(add: _Add) -> None:
    get_text = add("get-text", "Retrieves the textual content of a pane and output it to stdout")
    _pane_id(get_text)
    get_text.add_argument("--start-line", type=int, help="0 is the viewport's first row; negative: scrollback")
    get_text.add_argument("--end-line", type=int, help="inclusive; default one past the viewport's last row")
    get_text.add_argument("--escapes", action="store_true", help="with colours and styles")
    send_text = add("send-text", "Send text to a pane as though it were pasted")
    _pane_id(send_text)
    send_text.add_argument("--no-paste", action="store_true", help="verbatim rather than as a bracketed paste")
    send_text.add_argument("text", nargs="?", help="default: stdin")


def _making(add: _Add) -> None:
    spawn = add("spawn", "Spawn a command into a new window or tab. Outputs the pane-id on success")
    _pane_id(spawn)
    spawn.add_argument("--domain-name")
    spawn.add_argument("--window-id", type=_uint, help="the window that gets the tab; default: of the pane")
    spawn.add_argument("--new-window", action="store_true")
    spawn.add_argument("--cwd")
    spawn.add_argument("--workspace", help="requires --new-window")
    spawn.add_argument("prog", nargs=argparse.REMAINDER, help="instead of the shell")
    split = add("split-pane", "split the current pane. Outputs the pane-id on success")
    _pane_id(split)
    where = split.add_mutually_exclusive_group()
    where.add_argument("--horizontal", action="store_true", help="as --right")
    for side in ("left", "right", "top", "bottom"):
        where.add_argument(f"--{side}", action="store_true")
    split.add_argument("--top-level", action="store_true", help="split the whole tab")
    size = split.add_mutually_exclusive_group()
    size.add_argument("--cells", type=_uint)
    size.add_argument("--percent", type=_uint)
    split.add_argument("--cwd")
    split.add_argument("--move-pane-id", type=_uint)
    split.add_argument("prog", nargs=argparse.REMAINDER, help="instead of the shell")


def _arranging(add: _Add) -> None:
    for name, summary in (("kill-pane", "Kill a pane"), ("activate-pane", "Activate (focus) a pane")):
        _pane_id(add(name, summary))
    for name in ("get-pane-direction", "activate-pane-direction"):
        direction = add(name, "The pane in a direction: Up, Down, Left, Right, Next, Prev")
        _pane_id(direction)
        direction.add_argument("direction", type=_direction)
    tab_title = add("set-tab-title", "Change the title of a tab")
    tab_title.add_argument("--tab-id", type=_uint)
    _pane_id(tab_title)
    tab_title.add_argument("title")
    window_title = add("set-window-title", "Change the title of a window")
    window_title.add_argument("--window-id", type=_uint)
    _pane_id(window_title)
    window_title.add_argument("title")
    rename = add("rename-workspace", "Rename a workspace")
    rename.add_argument("--workspace")
    _pane_id(rename)
    rename.add_argument("new_workspace")
    zoom = add("zoom-pane", "Zoom, unzoom, or toggle zoom state")
    _pane_id(zoom)
    how = zoom.add_mutually_exclusive_group()
    for name in ("zoom", "unzoom", "toggle"):
        how.add_argument(f"--{name}", action="store_true")
    move = add("move-pane-to-new-tab", "Move a pane into a new tab")
    _pane_id(move)
    move.add_argument("--window-id", type=_uint)
    move.add_argument("--new-window", action="store_true")
    move.add_argument("--workspace")
