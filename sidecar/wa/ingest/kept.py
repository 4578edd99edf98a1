"""Rows that WezTerm keeps above an alternate screen.

When the window is made lower, an alternate screen loses no rows: those that no longer fit stand above the viewport for
good, so that `physical_top` says how many they are, although there is no history (WezTerm 20240203 to today's, seen on
2026-11-21). They are no output: the program draws the screen anew, and what scrolls takes their places.
"""

from __future__ import annotations

from wa.ingest.viewport import Viewport
from wa.model.observation import ScreenPush


def without_kept(seen: ScreenPush, above: int) -> ScreenPush:
    """As if the screen began at row 0, *above* kept rows left out."""
    dims = seen.dims
    return seen._replace(
        dims=dims._replace(physical_top=0, scrollback_top=0, scrollback_rows=dims.viewport_rows),
        cursor=seen.cursor._replace(y=seen.cursor.y - above),
        rows=tuple(row._replace(index=row.index - above) for row in seen.rows if row.index >= above),
        dirty=(),
    )


def renumber(view: Viewport, by: int) -> None:
    """The kept rows have become *by* fewer. What the view knows is a guess until the rows are told again."""
    view.rows = {index + by: row._replace(index=index + by) for index, row in view.rows.items() if index + by >= 0}
    view.fresh = set()
    view.distrust()
