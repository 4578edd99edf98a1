"""Listing, making, arranging and ending panes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from contract.live import LiveMux, Player
from contract.wire import Wire
from wa.protocol import mux as p

FIELDS = {
    "window_id": int,
    "tab_id": int,
    "pane_id": int,
    "workspace": str,
    "size": dict,
    "title": str,
    "cwd": str,
    "cursor_x": int,
    "cursor_y": int,
    "cursor_shape": str,
    "cursor_visibility": str,
    "left_col": int,
    "top_row": int,
    "tab_title": str,
    "window_title": str,
    "is_active": bool,
    "is_zoomed": bool,
    "tty_name": str,
}


def entry(mux: LiveMux, pane_id: int) -> dict[str, Any]:
    (found,) = [item for item in json.loads(mux.ok("list", "--format", "json")) if item["pane_id"] == pane_id]
    return found


def geometry(mux: LiveMux, pane_id: int) -> tuple[int, int, int, int]:
    """Columns, rows, left column, top row."""
    found = entry(mux, pane_id)
    return found["size"]["cols"], found["size"]["rows"], found["left_col"], found["top_row"]


def test_the_json_list_has_the_known_fields(mux: LiveMux, player: Player) -> None:
    """Every field, with its type, in its order, and none besides."""
    found = entry(mux, player.pane_id)

    assert list(found) == list(FIELDS)
    assert {name: type(value) for name, value in found.items()} == FIELDS
    assert found["size"] == {"rows": 24, "cols": 80, "pixel_width": 640, "pixel_height": 384, "dpi": 0}
    assert (found["workspace"], found["is_active"], found["is_zoomed"]) == ("players", True, False)
    assert Path(found["tty_name"]).is_char_device()


def test_the_list_follows_the_screen(mux: LiveMux, player: Player) -> None:
    """Cursor, titles and folder are those of the moment."""
    player.print(b"\x1b[3;7H\x1b[4 q\x1b[?25l\x1b]2;a title\x07\x1b]7;file://host/some/where\x07")
    player.settle()
    mux.ok("set-tab-title", "--pane-id", str(player.pane_id), "tab title")
    mux.ok("set-window-title", "--pane-id", str(player.pane_id), "window title")

    found = entry(mux, player.pane_id)
    assert {
        "cursor_x": 6,
        "cursor_y": 2,
        "cursor_shape": "SteadyUnderline",
        "cursor_visibility": "Hidden",
        "title": "a title",
        "cwd": "file://host/some/where",
        "tab_title": "tab title",
        "window_title": "window title",
    }.items() <= found.items()


def test_the_cursors_row_counts_from_the_viewport(mux: LiveMux, player: Player) -> None:
    """However much history there is, cursor_y is a row of the screen."""
    player.print(b"x\r\n" * 100 + b"end")
    player.settle()

    assert (entry(mux, player.pane_id)["cursor_x"], entry(mux, player.pane_id)["cursor_y"]) == (3, 23)


def test_the_table_has_its_columns(mux: LiveMux, player: Player) -> None:
    """Without --format the list is a table for people."""
    head, *rows = mux.ok("list").splitlines()

    assert head.split() == ["WINID", "TABID", "PANEID", "WORKSPACE", "SIZE", "TITLE", "CWD"]
    assert any(row.split()[2:5] == [str(player.pane_id), "players", "80x24"] for row in rows)


def test_a_pane_without_a_word_from_its_program_has_its_folder(mux: LiveMux, wire: Wire) -> None:
    """Until OSC 7 says otherwise, cwd is the foreground program's folder, with a slash at the end."""
    folder = mux.folder / "a folder"
    folder.mkdir(exist_ok=True)
    pane_id = int(mux.ok("spawn", "--new-window", "--cwd", str(folder), "--", "sleep", "1000"))

    wire.wait(lambda: entry(mux, pane_id)["title"] == "sleep" or wire.quiet(0.05), "the program's name")
    assert entry(mux, pane_id)["cwd"] == f"file://{mux.folder}/a%20folder/"
    mux.ok("kill-pane", "--pane-id", str(pane_id))


def test_spawn_gives_the_program_its_callers_environment(mux: LiveMux, wire: Wire) -> None:
    """The CLI sends its whole environment along; the server adds where the pane is."""
    out = mux.folder / "environment"
    argv = ("sh", "-c", f"env > {out}.new; mv {out}.new {out}; sleep 1000")
    pane_id = int(mux.ok("spawn", "--new-window", "--", *argv, OF_THE_CALLER="yes é"))
    wire.wait(lambda: out.exists() or wire.quiet(0.05), "the program's report")

    env = dict(line.split("=", 1) for line in out.read_text().splitlines() if "=" in line)
    assert {
        "OF_THE_CALLER": "yes é",
        "WEZTERM_PANE": str(pane_id),
        "WEZTERM_UNIX_SOCKET": str(mux.socket),
        "TERM_PROGRAM": "WezTerm",
    }.items() <= env.items()
    mux.ok("kill-pane", "--pane-id", str(pane_id))
    out.unlink()


def test_spawn_needs_to_know_the_window(mux: LiveMux) -> None:
    """Without a pane, a window or --new-window there is nothing to go by."""
    done = mux.run("spawn", "--", "sleep", "1000")

    assert done.returncode == 1
    assert b"--pane-id was not specified and $WEZTERM_PANE" in done.stderr


def test_spawn_into_a_window_adds_a_tab_of_its_size(mux: LiveMux, player: Player) -> None:
    """--window-id, --pane-id and $WEZTERM_PANE all name the window that gets the tab."""
    window, pane = str(player.window_id), str(player.pane_id)
    made = [
        int(mux.ok("spawn", "--window-id", window, "--", "sleep", "1000")),
        int(mux.ok("spawn", "--pane-id", pane, "--", "sleep", "1000")),
        int(mux.ok("spawn", "--", "sleep", "1000", WEZTERM_PANE=pane)),
    ]

    for pane_id in made:
        found = entry(mux, pane_id)
        assert (found["window_id"], found["size"]["cols"], found["size"]["rows"]) == (player.window_id, 80, 24)
        mux.ok("kill-pane", "--pane-id", str(pane_id))


def test_a_new_window_has_the_workspace_asked_for(mux: LiveMux) -> None:
    """--workspace goes with --new-window only."""
    pane_id = int(mux.ok("spawn", "--new-window", "--workspace", "elsewhere", "--", "sleep", "1000"))
    assert entry(mux, pane_id)["workspace"] == "elsewhere"
    mux.ok("kill-pane", "--pane-id", str(pane_id))

    assert mux.run("spawn", "--workspace", "elsewhere", "--", "sleep", "1000").returncode == 2


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        ((), (80, 11, 0, 0), (80, 12, 0, 12)),
        (("--right",), (39, 24, 0, 0), (40, 24, 40, 0)),
        (("--horizontal",), (39, 24, 0, 0), (40, 24, 40, 0)),
        (("--left", "--percent", "25"), (59, 24, 21, 0), (20, 24, 0, 0)),
        (("--top", "--cells", "5"), (80, 18, 0, 6), (80, 5, 0, 0)),
        (("--bottom", "--cells", "3"), (80, 20, 0, 0), (80, 3, 0, 21)),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_a_split_shares_the_room(
    mux: LiveMux, player: Player, words: tuple[str, ...], old: tuple[int, ...], new: tuple[int, ...]
) -> None:
    """The new pane gets what was asked for, a cell is the divider; the old one keeps the rest and has it back later."""
    pane_id = int(mux.ok("split-pane", "--pane-id", str(player.pane_id), *words, "--", "sleep", "1000"))

    assert (geometry(mux, player.pane_id), geometry(mux, pane_id)) == (old, new)
    assert (entry(mux, player.pane_id)["is_active"], entry(mux, pane_id)["is_active"]) in [(False, True), (True, False)]
    mux.ok("kill-pane", "--pane-id", str(pane_id))
    assert geometry(mux, player.pane_id) == (80, 24, 0, 0)


def test_a_pane_of_a_split_split_again_gives_its_room_to_its_neighbour(mux: LiveMux, player: Player) -> None:
    """Panes are a tree: who closes leaves the room to the other half of its own split."""
    right = mux.ok("split-pane", "--pane-id", str(player.pane_id), "--right", "--", "sleep", "1000").strip()
    below = mux.ok("split-pane", "--pane-id", right, "--bottom", "--", "sleep", "1000").strip()
    assert [geometry(mux, int(pane)) for pane in (right, below)] == [(40, 11, 40, 0), (40, 12, 40, 12)]

    mux.ok("kill-pane", "--pane-id", right)
    assert geometry(mux, int(below)) == (40, 24, 40, 0)
    mux.ok("kill-pane", "--pane-id", below)
    assert geometry(mux, player.pane_id) == (80, 24, 0, 0)


def test_a_split_with_no_room_is_refused(mux: LiveMux, player: Player) -> None:
    """What does not fit is refused and changes nothing."""
    done = mux.run("split-pane", "--pane-id", str(player.pane_id), "--cells", "500", "--", "sleep", "1000")

    assert done.returncode == 1
    assert b"No space for split!" in done.stderr
    assert geometry(mux, player.pane_id) == (80, 24, 0, 0)


def test_a_program_learns_its_new_size(mux: LiveMux, wire: Wire, player: Player) -> None:
    """A resize reaches the program's terminal."""
    tty = os.open(entry(mux, player.pane_id)["tty_name"], os.O_RDWR | os.O_NOCTTY)
    try:
        wire.ask(p.Resize(player.tab_id, player.pane_id, p.TerminalSize(30, 100, 800, 480, 0)), p.UnitResponse)
        assert tuple(os.get_terminal_size(tty)) == (100, 30)
    finally:
        os.close(tty)


def test_a_killed_pane_is_gone_at_once_and_its_program_soon(mux: LiveMux, wire: Wire) -> None:
    """kill-pane removes the pane and hangs up on its program."""
    out = mux.folder / "hangup"
    script = f"trap 'echo hup > {out}; exit' HUP; echo $$ > {out}.pid; while :; do sleep 0.05; done"
    pane_id = int(mux.ok("spawn", "--new-window", "--", "sh", "-c", script))
    wire.wait(lambda: Path(f"{out}.pid").exists() or wire.quiet(0.05), "the program's start")

    mux.ok("kill-pane", "--pane-id", str(pane_id))

    assert pane_id not in [item["pane_id"] for item in json.loads(mux.ok("list", "--format", "json"))]
    wire.wait(lambda: p.PaneRemoved(pane_id) in wire.pushes, "removal")
    wire.wait(lambda: out.exists() or wire.quiet(0.05), "the hangup")


def test_a_program_that_ends_takes_its_pane_with_it(mux: LiveMux, wire: Wire) -> None:
    """When the program ends, so does the pane, and with the last one the tab and the window."""
    pane_id = int(mux.ok("spawn", "--new-window", "--workspace", "brief", "--", "sh", "-c", "sleep 0.1"))

    wire.wait(lambda: p.PaneRemoved(pane_id) in wire.pushes, "removal")
    assert "brief" not in mux.ok("list")


def test_a_new_tab_is_announced(mux: LiveMux, wire: Wire) -> None:
    """TabAddedToWindow comes with every new tab, also from other clients."""
    pane_id = int(mux.ok("spawn", "--new-window", "--", "sleep", "1000"))

    found = entry(mux, pane_id)
    wire.wait(lambda: p.TabAddedToWindow(found["tab_id"], found["window_id"]) in wire.pushes, "new tab")
    mux.ok("kill-pane", "--pane-id", str(pane_id))


def test_directions_and_focus(mux: LiveMux, wire: Wire, player: Player) -> None:
    """The pane beside the active one can be asked for and activated; the change is announced."""
    left = str(player.pane_id)
    right = mux.ok("split-pane", "--pane-id", left, "--right", "--", "sleep", "1000").strip()

    mux.ok("activate-pane", "--pane-id", left)
    wire.wait(lambda: p.PaneFocused(player.pane_id) in wire.pushes, "focus")
    assert mux.ok("get-pane-direction", "--pane-id", left, "Right").strip() == right
    assert mux.ok("get-pane-direction", "--pane-id", left, "Up") == ""
    assert entry(mux, player.pane_id)["is_active"]
    mux.ok("activate-pane-direction", "--pane-id", left, "Right")
    assert entry(mux, int(right))["is_active"]
    mux.ok("kill-pane", "--pane-id", right)


def test_a_zoomed_pane_has_the_tab_to_itself(mux: LiveMux, player: Player) -> None:
    """Zooming gives a pane the size of the tab, and back."""
    other = mux.ok("split-pane", "--pane-id", str(player.pane_id), "--right", "--", "sleep", "1000").strip()

    mux.ok("zoom-pane", "--pane-id", str(player.pane_id))
    assert (geometry(mux, player.pane_id)[:2], entry(mux, player.pane_id)["is_zoomed"]) == ((80, 24), True)
    mux.ok("zoom-pane", "--unzoom", "--pane-id", str(player.pane_id))
    assert (geometry(mux, player.pane_id)[:2], entry(mux, player.pane_id)["is_zoomed"]) == ((39, 24), False)
    mux.ok("kill-pane", "--pane-id", other)


def test_a_pane_can_have_a_tab_of_its_own(mux: LiveMux, player: Player) -> None:
    """A pane moved out of its split gets a new tab, in the same window or a new one."""
    moved = mux.ok("split-pane", "--pane-id", str(player.pane_id), "--right", "--", "sleep", "1000").strip()

    mux.ok("move-pane-to-new-tab", "--pane-id", moved)
    found = entry(mux, int(moved))
    assert (found["window_id"], found["tab_id"] != player.tab_id) == (player.window_id, True)
    assert geometry(mux, player.pane_id) == (80, 24, 0, 0)
    mux.ok("kill-pane", "--pane-id", moved)
