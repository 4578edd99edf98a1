"""Whether rows are gone because the history was full or because it was erased."""

from __future__ import annotations

from wa.model.screen import Dimensions

ROUND_ROWS = 500
"""Nobody limits a history to other than a multiple of this (`scrollback_lines`: 3500 unless set)."""


class Limit:
    def __init__(self, rows: int | None = None) -> None:
        self.rows = rows
        """Of history, at which the terminal drops its oldest; None before that was seen."""

    def full(self, dims: Dimensions) -> bool:
        history = dims.scrollback_rows - dims.viewport_rows
        return history == self.rows or (history >= ROUND_ROWS and history % ROUND_ROWS == 0)

    def erased(self, before: Dimensions, now: Dimensions, *, same_size: bool) -> bool:
        """`scrollback_top` moved because the history was erased, not because its oldest rows were dropped.

        Erasing moves it at least to where the old viewport began. Dropping does that only in a burst longer than the
        whole history, and leaves a history as long as its limit. *same_size*: it did not change in between either.
        """
        if now.scrollback_top <= before.scrollback_top:
            return False
        grown = max(0, now.viewport_rows - before.viewport_rows)
        if now.cols == before.cols and now.scrollback_top < before.physical_top - grown:
            if same_size:
                self.rows = now.scrollback_rows - now.viewport_rows
            return False
        return not self.full(now)
