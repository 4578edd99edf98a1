"""Programs recorded on a real mux server, shown by the embedded screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wa.embedded.cells import encode_lines, row_text
from wa.embedded.cli.escapes import read_cells, render
from wa.embedded.scan import Scanner
from wa.embedded.screen import Screen
from wa.protocol.mux import FrameReader, GetLinesResponse, encode

RECORDED = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[1] / "data/mux").glob("*.json"))
    if '"printed"' in path.read_text()[:20_000]
}
EDITS = {case["case"]: case for case in json.loads(Path(__file__).with_name("recorded_edits.json").read_text())}
"""Escape sequences, also random ones, tried on wezterm-mux-server 20250223-062404-4ff581a8, 80 x 24, on 2026-11-21.

`tops` are scrollback_top, physical_top and scrollback_rows; blank rows at the end are left out.
"""


def play(case: dict[str, Any], scrollback: int = 20_000) -> Screen:
    screen, scanner = Screen(80, 24, scrollback), Scanner()
    for printed in case["printed"]:
        if isinstance(printed, str):
            for batch in scanner.feed(bytes.fromhex(printed)):
                screen.apply(batch)
                screen.sync()
        elif isinstance(printed, dict):
            screen.resize(*printed["resize"])
    return screen


def everything(screen: Screen) -> range:
    dims = screen.dimensions()
    return range(dims.scrollback_top, dims.physical_top + dims.viewport_rows)


@pytest.mark.parametrize("name", RECORDED)
def test_the_text_is_the_recorded_one(name: str) -> None:
    """Every row, blanks at the ends included, is what `wezterm cli get-text` printed."""
    case = RECORDED[name]

    screen = play(case)

    rows = screen.read(everything(screen))
    assert "".join(row_text(row) + "\n" for _, row in rows) == case["get_text"]
    screen.close()


@pytest.mark.parametrize("name", RECORDED)
def test_cursor_and_title_are_the_recorded_ones(name: str) -> None:
    """Where the pane was still listed at the end, its cursor and its title are known."""
    case = RECORDED[name]
    if not case["list"]:
        pytest.skip("the pane was gone when it was listed")
    listed = case["list"][0]

    screen = play(case)

    cursor = screen.cursor()
    assert (cursor.x, cursor.y - screen.dimensions().physical_top) == (listed["cursor_x"], listed["cursor_y"])
    if listed["title"] != "python3.11":  # the recorded program's own name, where it set no title
        assert screen.messages.shown_title == listed["title"]
    screen.close()


@pytest.mark.parametrize("name", [name for name, case in RECORDED.items() if any(f[1] == 23 for f in case["frames"])])
def test_the_frame_of_rows_renders_as_recorded(name: str) -> None:
    """The last recorded GetLinesResponse, read by the CLI, is the recorded `get-text --escapes`."""
    case = RECORDED[name]
    frame = [bytes.fromhex(frame[3]) for frame in case["frames"] if frame[1] == 23][-1]

    (parsed,) = FrameReader().feed(frame)

    assert render(read_cells(parsed.payload())) + "\n" == case["get_text_escapes"]


@pytest.mark.parametrize("name", ["styles", "semantic-zones", "soft-wrap", "wide-and-combining", "alerts", "plain"])
def test_cells_on_the_wire_are_the_recorded_ones(name: str) -> None:
    """Texts, attributes and colours of each cell, underline colours aside, are those that the real server sent."""
    case = RECORDED[name]
    recorded = [bytes.fromhex(frame[3]) for frame in case["frames"] if frame[1] == 23][-1]
    screen = play(case)

    _, payload = encode(GetLinesResponse(1, encode_lines(screen.read(everything(screen)), 1)), 44)

    assert read_cells(payload) == read_cells(FrameReader().feed(recorded)[0].payload())
    screen.close()


@pytest.mark.parametrize("name", EDITS)
def test_escape_sequences_leave_what_wezterm_leaves(name: str) -> None:
    """Text, wraps, row numbers and cursor after erasing, inserting, scrolling, switching screens and resizing."""
    case = EDITS[name]

    screen = play(case)

    dims, cursor = screen.dimensions(), screen.cursor()
    rows = [[row_text(row), row.wrapped] for _, row in screen.read(everything(screen))]
    while rows and rows[-1] == ["", False]:
        rows.pop()
    assert rows == case["rows"]
    assert [dims.scrollback_top, dims.physical_top, dims.scrollback_rows] == case["tops"]
    assert [cursor.x, cursor.y, cursor.visible] == case["cursor"]
    screen.close()
