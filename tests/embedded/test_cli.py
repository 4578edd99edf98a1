"""The command beyond what a live multiplexer shows (tests/contract)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.embedded import clean_env, running_embedded_mux
from wa.embedded.cli.arguments import parse
from wa.embedded.cli.client import socket_path
from wa.embedded.cli.listing import list_clients, list_panes
from wa.model.screen import Cursor
from wa.protocol.mux import ClientId, ClientInfo, ListPanesResponse, PaneEntry, PaneSplit, TerminalSize

SIZE = TerminalSize(24, 80, 640, 384, 0)


def entry(pane_id: int, title: str) -> PaneEntry:
    cursor = Cursor(1, 12, False, 5)
    return PaneEntry(1, 2, pane_id, title, SIZE, None, True, False, "ws", cursor, 10, 0, 0, None)


def test_the_version_is_printed_as_wezterm_does() -> None:
    """`--version` and `-V`: the program's name, then the version."""
    for word in ("--version", "-V"):
        done = subprocess.run(
            [sys.executable, "-m", "wa.embedded.cli", word],
            env=clean_env(Path("/"), Path("/s")),
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout.split()[0]) == (0, "wezterm")


def test_the_word_cli_and_wezterms_own_options_may_stand_before() -> None:
    """It can be put where the `wezterm` binary would be."""
    for words in (["list"], ["cli", "list"], ["-n", "--config", "a=b", "cli", "--prefer-mux", "--class", "c", "list"]):
        assert parse(words).command == "list"


def test_what_follows_two_dashes_is_the_program() -> None:
    """Options of the program are not ours."""
    assert parse(["spawn", "--new-window", "--", "ls", "-l", "--", "x"]).prog == ["ls", "-l", "--", "x"]
    assert parse(["spawn", "--new-window", "ls", "-l"]).prog == ["ls", "-l"]
    assert parse(["send-text", "--no-paste", "--", "-x"]).text == "-x"


@pytest.mark.parametrize(
    ("env", "prefer_mux", "found"),
    [
        ({"WEZTERM_UNIX_SOCKET": "/named", "XDG_RUNTIME_DIR": "/run"}, False, "/named"),
        ({"WEZTERM_UNIX_SOCKET": "/named", "XDG_RUNTIME_DIR": "/run"}, True, "/named"),
        ({"XDG_RUNTIME_DIR": "/run"}, False, "/run/wezterm/sock"),
        ({"HOME": "/home/me"}, False, "/home/me/.local/share/wezterm/sock"),
    ],
)
def test_the_socket_is_where_wezterm_would_look(env: dict[str, str], prefer_mux: bool, found: str) -> None:
    """A named socket beats everything; else the server's in the runtime folder."""
    assert socket_path(env, prefer_mux=prefer_mux, gui_class=None) == Path(found)


def test_a_gui_of_this_display_comes_before_the_server(tmp_path: Path) -> None:
    """The link that a GUI leaves is followed, unless the server is preferred."""
    folder = tmp_path / "wezterm"
    folder.mkdir()
    (folder / "x11-:7-org.wezfurlong.wezterm").symlink_to("gui-sock-42")
    (folder / "wayland-w1-mine").symlink_to("/elsewhere/gui-sock-43")
    env = {"XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":7"}

    assert socket_path(env, prefer_mux=False, gui_class=None) == folder / "gui-sock-42"
    assert socket_path(env, prefer_mux=True, gui_class=None) == folder / "sock"
    wayland = env | {"WAYLAND_DISPLAY": "w1"}
    assert socket_path(wayland, prefer_mux=False, gui_class="mine") == Path("/elsewhere/gui-sock-43")


def test_lists_of_splits_are_flat_and_aligned() -> None:
    """Panes of a tab in order, wide characters counted as two columns."""
    listed = ListPanesResponse((PaneSplit(entry(3, "日本"), entry(14, "ab"), 0, SIZE, SIZE),), ("tab",), {1: "win"})

    items = json.loads(list_panes(listed, as_json=True))
    assert [(item["pane_id"], item["cwd"], item["cursor_y"], item["cursor_shape"]) for item in items] == [
        (3, "", 2, "BlinkingBar"),
        (14, "", 2, "BlinkingBar"),
    ]
    assert {(item["tab_title"], item["window_title"], item["cursor_visibility"]) for item in items} == {
        ("tab", "win", "Hidden")
    }
    assert list_panes(listed, as_json=False) == (
        "WINID TABID PANEID WORKSPACE SIZE  TITLE CWD\n"
        "    1     2      3 ws        80x24 日本     \n"
        "    1     2     14 ws        80x24 ab       \n"
    )


def test_clients_have_ages() -> None:
    """Elapsed times are counted from now, and never negative."""
    info = ClientInfo(ClientId("h", "u", 5, 1, 2, None), 100, None, 200, 7)

    (item,) = json.loads(list_clients([info], 150.5, as_json=True))

    assert item["connection_elapsed"] == {"secs": 50, "nanos": 500_000_000}
    assert item["idle_time"] == {"secs": 0, "nanos": 0}
    assert item["focused_pane_id"] == 7


def test_a_reader_that_goes_away_is_no_disaster() -> None:
    """`… | head -1` ends quietly."""
    with running_embedded_mux(["sh", "-c", "seq 1 3000; sleep 1000"]) as mux:
        read, write = os.pipe()
        os.close(read)
        argv = [*mux.cli, "cli", "get-text", "--pane-id", "0", "--start-line", "-3000"]
        done = subprocess.run(argv, env=dict(mux.env), stdout=write, stderr=subprocess.PIPE, timeout=30)
        os.close(write)

        assert (done.returncode, done.stderr) == (1, b"")
