"""Rows, and the part of a pane that can still change."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One physical row of a terminal.

    `index` is the terminal's stable row index; it is an identity only above `physical_top` and within one epoch.
    `text` is what `wezterm cli get-text` prints for the row: filler cells of wide characters dropped, blanks at
    the end kept. `wrapped` means that the logical line goes on in the next row.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs of a row
    text: str
    wrapped: bool = False


class Cursor(NamedTuple):
    """`y` is a stable row index, not a screen row."""

    x: int
    y: int
    visible: bool = True
    shape: int = 0


class Dimensions(NamedTuple):
    """Sizes in cells; tops as stable row indices.

    Rows `physical_top … physical_top + viewport_rows` are the viewport; `scrollback_top` is the oldest row the
    terminal still has. `scrollback_rows` counts the viewport too, as WezTerm does.
    """

    cols: int
    viewport_rows: int
    scrollback_rows: int
    physical_top: int
    scrollback_top: int

    @property
    def viewport(self) -> range:
        return range(self.physical_top, self.physical_top + self.viewport_rows)


class Screen(NamedTuple):
    """What a pane shows now: one per pane, replaced, never appended.

    `rows` is the whole viewport, top first. `generation` grows with every change, within one run of the sidecar.
    `is_alt` is wa's judgement (the wire has no flag); None means it cannot tell yet.
    """

    at_ms: int
    generation: int
    cols: int
    viewport_rows: int
    rows: tuple[Row, ...]
    cursor: Cursor
    title: str
    cwd: str | None
    is_alt: bool | None
    logged: int = 0
    """So many of the first rows are in the log already: a window made taller brings history back onto the screen."""
