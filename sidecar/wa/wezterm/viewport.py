"""Reading a whole viewport of a live pane, in answers that belong together."""

from __future__ import annotations

from typing import NamedTuple

from wa.model.errors import TerminalUnreachable
from wa.model.screen import Cursor, Dimensions, Row
from wa.protocol import mux
from wa.wezterm.connection import MuxConnection

_ATTEMPTS = 6


class Viewport(NamedTuple):
    dims: Dimensions
    cursor: Cursor
    rows: tuple[Row, ...]
    """Those of `dims.viewport`."""


async def read_viewport(
    connection: MuxConnection, pane_id: int, *, ordered: bool, timeout_s: float | None = None
) -> Viewport:
    """The server answers for size and rows separately, so a reading is repeated where the screen became another one
    in between (alternate screen, resize). Where rows merely scroll meanwhile, it stands for the first answer.
    """
    ask = mux.GetPaneRenderableDimensions(pane_id)
    before = await connection.request(ask, mux.GetPaneRenderableDimensionsResponse, timeout_s=timeout_s)
    for _ in range(_ATTEMPTS):
        # Both asked at once, so that as little as possible happens between the two answers.
        rows = connection.start(mux.GetLines(pane_id, (before.dims.viewport,)), timeout_s=timeout_s)
        size = connection.start(ask, timeout_s=timeout_s, ordered=ordered)
        try:
            lines = await connection.finish(rows, mux.GetLinesResponse)
            after = await connection.finish(size, mux.GetPaneRenderableDimensionsResponse)
        finally:
            connection.forget(size)
        if _same_screen(before.dims, after.dims, lines.lines):
            viewport = before.dims.viewport
            return Viewport(before.dims, before.cursor, tuple(row for row in lines.lines if row.index in viewport))
        before = after
    raise TerminalUnreachable(f"{connection.name}: pane {pane_id} changes its shape all the time")


def _same_screen(before: Dimensions, after: Dimensions, rows: tuple[Row, ...]) -> bool:
    """Whether rows read between two readings of the size belong to the screen that the first one describes."""
    if before.cols != after.cols or before.viewport_rows != after.viewport_rows:
        return False
    if not rows or rows[0].index != before.physical_top:
        return False
    if before.physical_top == after.physical_top:
        return before.scrollback_top == after.scrollback_top
    # A screen without history may be the alternate one; only one with history can simply have scrolled on.
    has_history = before.scrollback_rows > before.viewport_rows and after.scrollback_rows > after.viewport_rows
    return has_history and after.physical_top > before.physical_top >= after.scrollback_top
