"""PaneTracker: what one pane shows, turned into a log that only grows.

Which of the three ways of capturing holds is decided here, for each observation: rows that scroll into history and
histories printed again (`primary`), an alternate screen (`alternate`), or a screen that may be either (`bare`).
"""

from __future__ import annotations

from collections.abc import Sequence

from wa.ingest.alternate import Alternate
from wa.ingest.bare import Bare
from wa.ingest.checkpoint import Checkpoint, decode, encode, split_tail
from wa.ingest.kept import renumber, without_kept
from wa.ingest.ledger import Ledger
from wa.ingest.primary import Primary
from wa.ingest.snapshots import Placed, Snapshots
from wa.ingest.viewport import Viewport
from wa.model.log import Effect, GapReason, ReadBack, ReadScreen, ScreenChanged, WakeAt
from wa.model.observation import (
    Interrupted,
    PaneGone,
    PaneObservation,
    PaneResized,
    RowsRead,
    ScreenPush,
    TextFrame,
    Tick,
)
from wa.model.screen import Dimensions, Row, Screen

SCREEN_AGAIN_MS = 5_000
"""A read of the screen that brought no answer for so long is asked for again."""
SCREEN_PAUSE_MS = 100
"""Between an answer and the next read of the screen, where it did not tell what was wanted."""


class PaneTracker:
    """See docs/topics/capture.md. The first thing fed is a reading of the whole screen."""

    def __init__(self, pane_id: int, *, resume: bytes | None = None, tail: Sequence[Row] = ()) -> None:
        self.pane_id = pane_id
        saved = decode(resume) if resume is not None else None
        self._resuming = resume is not None or bool(tail)
        """An earlier run's log has not been joined to the primary screen's history yet."""
        self._history = saved.history if saved is not None else None
        self._stay = saved.stay if saved is not None else None
        """Of an earlier run, until it is known which screen shows."""
        self._unnumbered = saved is not None and saved.unnumbered
        primary_rows, self._newest_of_stay = split_tail(tail, saved.runs if saved is not None else ())
        saved = saved or Checkpoint(len(tail), 0, unnumbered=False, runs=(), history=None, stay=None)
        self._ledger = Ledger(saved.next_row, saved.rows_lost, primary_rows)
        for of_alternate, rows in saved.runs:
            self._ledger.count(of_alternate, rows)
        self._primary = Primary(self._ledger)
        self._alternate: Alternate | None = None
        self._bare: Bare | None = None
        self._view = self._primary.view
        """Of the screen that shows."""
        self._snapshots: Snapshots | None = None
        self._screen: Screen | None = None
        self._title = ""
        self._cwd: str | None = None
        self._listening = False
        """A push has come since the connection began: the next ones name what changed since."""
        self._blocked = False
        """The size may have changed: no reads before it is known."""
        self._screen_asked_ms: int | None = None
        self._screen_read_ms: int | None = None
        self._wants_screen = False
        self._kept_above = 0
        """Rows above an alternate screen whose window was made lower."""
        self._too_small: tuple[int, int] | None = None
        """A size at which the history would not fit on the screen, so that a screen without one is another."""
        self._gone = False

    # -- what others may know ---------------------------------------------------------------------------------------

    @property
    def screen(self) -> Screen | None:
        return self._screen

    @property
    def next_row(self) -> int:
        """The position that the next stored row will have."""
        return self._ledger.next_row

    @property
    def rows_lost(self) -> int:
        """Rows in gaps of known size."""
        return self._ledger.rows_lost

    def checkpoint(self) -> bytes:
        """Speaks of everything returned so far by `feed`; valid once that is stored."""
        stay = self._stay
        if self._bare is not None:
            stay = self._bare.stay()
        elif self._alternate is not None:
            stay = self._alternate.stay()
        return encode(
            Checkpoint(
                self._ledger.next_row,
                self._ledger.rows_lost,
                self._snapshots is not None if self._screen is not None else self._unnumbered,
                tuple(self._ledger.runs),
                self._history if self._resuming else self._primary.saved(),
                stay,
            )
        )

    # -- feeding ----------------------------------------------------------------------------------------------------

    def feed(self, seen: PaneObservation) -> list[Effect]:
        if self._gone:
            return []
        match seen:
            case ScreenPush():
                self._push(seen)
            case RowsRead():
                self._primary.read(seen)
            case TextFrame():
                self._frame(seen)
            case Tick():
                pass
            case PaneResized():
                self._blocked = True
                self._primary.void_reads()
                self._screen_asked_ms, self._screen_read_ms, self._wants_screen = None, None, True
            case Interrupted():
                self._interrupted()
            case PaneGone():
                self._close(seen.at_ms)
                if seen.unheard:
                    self._ledger.gap(None, GapReason.CLOSED, seen.at_ms)
        return self._effects(seen.at_ms)

    def _push(self, seen: ScreenPush) -> None:
        whole = seen.seqno >= 0 and self._listening
        if seen.seqno >= 0:
            self._listening = True
        else:
            self._screen_asked_ms, self._screen_read_ms = None, seen.at_ms
        self._blocked = False
        self._title, self._cwd = seen.title, seen.cwd
        seen = self._without_kept(seen)
        shows_history = self._shows_history(seen)
        if shows_history is None:
            self._wants_screen = True
        elif shows_history:
            self._on_primary(seen)
        elif self._certainly_alternate():
            self._on_alternate(seen)
        else:
            named = {row.index for row in seen.rows}
            self._on_bare(seen, whole=whole and all(index in named for index in seen.dims.viewport))

    # -- which screen -----------------------------------------------------------------------------------------------

    def _shows_history(self, seen: ScreenPush) -> bool | None:
        """Whether it is certain that the primary screen shows. None: a read of the whole screen will tell."""
        dims = seen.dims
        if dims.physical_top > 0 or dims.scrollback_rows > dims.viewport_rows:
            return True
        before = self._last_primary()
        size = (dims.cols, dims.viewport_rows)
        if before is None or before.physical_top == 0 or before[:2] == size or self._too_small == size:
            return False
        if before.cols == dims.cols and before.scrollback_rows > dims.viewport_rows:
            return False
        # A window made so large that the whole history fits on it looks like an alternate screen.
        if seen.seqno >= 0:
            return None
        if self._primary.repeats(seen.rows, dims.cols):
            return True
        self._too_small = size
        return False

    def _without_kept(self, seen: ScreenPush) -> ScreenPush:
        screen = self._alternate or (self._bare.top.screen if self._bare is not None else None)
        above = screen.rows_kept_above(seen.dims) if screen is not None else 0
        if above != self._kept_above:
            renumber(self._view, self._kept_above - above)
            self._kept_above = above
        return without_kept(seen, above) if above else seen

    def _certainly_alternate(self) -> bool:
        """Rows were in the history, and now there is none: row numbers never go back on the primary screen."""
        before = self._last_primary()
        return before is not None and before.physical_top > 0

    def _last_primary(self) -> Dimensions | None:
        if self._primary.dims is not None:
            return self._primary.dims
        history = self._history
        if history is None:
            return None
        rows = history.viewport_rows
        return Dimensions(history.cols, rows, rows + history.physical_top, history.physical_top, 0)

    def _on_primary(self, seen: ScreenPush) -> None:
        self._too_small = None
        if self._alternate is not None:
            self._alternate.close(seen.at_ms)
            self._alternate = None
            self._wants_screen = True
        if self._bare is not None:
            self._bare.end(self._rows_now(seen), seen)
            self._bare = None
        if self._stay is not None and self._stay.certain:
            self._ledger.gap(None, GapReason.DISCONNECTED, seen.at_ms)
        self._stay = None
        self._feed_primary(seen)
        self._incomplete()

    def _feed_primary(self, seen: ScreenPush) -> None:
        self._view = self._primary.view
        if self._resuming:
            self._resuming = False
            numbered_otherwise = self._unnumbered != (self._snapshots is not None)
            self._primary.resume(seen, None if numbered_otherwise else self._history)
        elif self._primary.dims is None:
            self._primary.begin(seen)
        else:
            self._primary.push(seen)

    def _rows_now(self, seen: ScreenPush) -> list[Row]:
        told = {row.index: row for row in seen.rows}
        known = self._primary.view.rows
        return [told.get(i) or known.get(i) or Row(i, "") for i in seen.dims.viewport]

    def _on_alternate(self, seen: ScreenPush) -> None:
        if self._view is self._primary.view:
            self._primary.hidden()
            self._view = Viewport()
        self._view.apply(seen)
        if self._incomplete():
            return
        rows = self._view.shown()
        if self._alternate is None:
            self._alternate = Alternate(self._ledger, rows, seen, certain=True)
            if self._stay is not None:
                self._alternate.resume(self._stay, self._newest_of_stay, rows, seen)
                self._stay = None
        else:
            self._alternate.look(rows, seen)

    def _on_bare(self, seen: ScreenPush, *, whole: bool) -> None:
        if self._alternate is not None:
            self._alternate.close(seen.at_ms)
            self._alternate = None
        self._feed_primary(seen)
        if self._incomplete():
            return
        rows = self._view.shown()
        if self._bare is not None:
            self._bare.look(rows, seen, whole=whole)
        elif self._stay is not None:
            self._bare = Bare.resumed(self._ledger, self._stay, self._newest_of_stay, rows, seen)
            self._stay = None
        else:
            self._bare = Bare(self._ledger, rows, seen)

    def _incomplete(self) -> bool:
        if self._view.missing():
            self._wants_screen = True
            return True
        return False

    # -- sources without row numbers --------------------------------------------------------------------------------

    def _frame(self, frame: TextFrame) -> None:
        if self._snapshots is None:
            self._snapshots = Snapshots()
        placed = self._snapshots.place(frame)
        if isinstance(placed, Placed):
            self._primary.know(placed.history, broken=placed.broken)
            self._listening = True
            self._push(placed.push)
            if self._view is self._primary.view and (missing := self._primary.first_missing()) is not None:
                placed = self._snapshots.look_back_to(missing)
        if isinstance(placed, int):
            self._ledger.effects.append(ReadBack(placed))

    # -- interruptions and ends -------------------------------------------------------------------------------------

    def _interrupted(self) -> None:
        self._listening = False
        self._primary.distrust()
        if self._view is not self._primary.view:
            self._view.rows.clear()
        if self._alternate is not None:
            self._alternate.unheard = True
        if self._bare is not None:
            self._bare.top.screen.unheard = True
        self._screen_asked_ms, self._screen_read_ms, self._wants_screen = None, None, self._screen is not None

    def _close(self, at_ms: int) -> None:
        """What stands on the screen is the last that will ever be seen of it: it goes into the log too."""
        self._gone = True
        history = not self._resuming and self._bare is None
        if history and self._alternate is not None:
            self._primary.close(at_ms)
        if self._bare is not None:
            self._bare.close(at_ms)
        if self._alternate is not None:
            self._alternate.close(at_ms)
        elif history:
            self._primary.close(at_ms)

    # -- effects ----------------------------------------------------------------------------------------------------

    def _effects(self, at_ms: int) -> list[Effect]:
        on_primary = self._view is self._primary.view
        if not self._gone:
            for part in (self._primary if on_primary else None, self._alternate, self._bare):
                if part is not None:
                    part.settle(at_ms)
        effects = self._ledger.take()
        if (screen := self._changed_screen(at_ms)) is not None:
            self._screen = screen
            effects.append(ScreenChanged(screen))
        if self._gone:
            return effects
        wakes = [self._alternate.wake_ms() if self._alternate else None, self._bare.wake_ms() if self._bare else None]
        if on_primary and not self._blocked and self._snapshots is None:
            effects.extend(self._primary.requests(at_ms))
            self._wants_screen = self._wants_screen or self._primary.wants_screen
        if on_primary:
            wakes.append(self._primary.wake_ms(at_ms))
        if self._wants_screen:
            wakes.append(self._ask_for_screen(effects, at_ms))
        due = min((wake for wake in wakes if wake is not None), default=None)
        if due is not None:
            effects.append(WakeAt(max(due, at_ms + 1)))
        return effects

    def _ask_for_screen(self, effects: list[Effect], at_ms: int) -> int | None:
        """When to come back to it, if it is not asked for now."""
        if self._screen_asked_ms is not None and at_ms - self._screen_asked_ms < SCREEN_AGAIN_MS:
            self._wants_screen = False
            return None
        if self._screen_read_ms is not None and at_ms - self._screen_read_ms < SCREEN_PAUSE_MS:
            return self._screen_read_ms + SCREEN_PAUSE_MS
        self._wants_screen = False
        self._screen_asked_ms = at_ms
        effects.append(ReadBack(0) if self._snapshots is not None else ReadScreen())
        return None

    def _changed_screen(self, at_ms: int) -> Screen | None:
        dims = self._view.dims
        if dims is None:
            return None
        before = self._screen
        screen = Screen(
            at_ms=at_ms,
            generation=before.generation + 1 if before is not None else 1,
            cols=dims.cols,
            viewport_rows=dims.viewport_rows,
            rows=self._view.shown(),
            cursor=self._view.cursor,
            title=self._title,
            cwd=self._cwd,
            is_alt=self._is_alt(),
            logged=self._primary.shown_and_logged if self._view is self._primary.view else 0,
        )
        if before is not None and before[2:] == screen[2:]:
            return None
        return screen

    def _is_alt(self) -> bool | None:
        if self._alternate is not None:
            return True
        return self._bare.is_alt if self._bare is not None else False
