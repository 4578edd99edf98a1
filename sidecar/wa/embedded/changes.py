"""Which rows have changed since when: what a push has to carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wa.embedded.ages import Ages
from wa.embedded.cells import RawRow
from wa.embedded.ghostty import Vt


class Shown(NamedTuple):
    """The screen that is active: the stable indices of its first row and of the oldest that is kept."""

    is_alt: bool
    top: int
    height: int
    oldest: int


class _View:
    """What is known of one screen's viewport."""

    def __init__(self) -> None:
        self.top = self.cursor = 0
        self.rows: dict[int, RawRow] = {}
        self.seqnos: dict[int, int] = {}
        self.packed: dict[int, tuple[bytes, bool]] = {}
        """Of rows without styles: what the terminal held when they were last looked at, and whether they wrapped."""


class Changes:
    def __init__(self) -> None:
        self.history = Ages()
        """Of the primary screen's rows above its viewport."""
        self._primary, self._alternate = _View(), _View()
        self._touched = range(0)

    def _view(self, is_alt: bool) -> _View:
        return self._alternate if is_alt else self._primary

    def touch(self, rows: range, seqno: int, *, is_alt: bool) -> None:
        """These rows of the active screen count as changed whether they look different or not."""
        self._touched = rows
        if not is_alt:
            self.history.touch(rows, seqno)

    def forget(self, *, is_alt: bool) -> None:
        """Rows of the viewport have new numbers: nothing is known of them."""
        view = self._view(is_alt)
        view.rows.clear()
        view.seqnos.clear()
        view.packed.clear()

    def sync(
        self,
        vt: Vt,
        shown: Shown,
        cursor: int,
        seqno: int,
        finish: Callable[[int, RawRow], RawRow],
        unsure: set[int],
    ) -> None:
        """Dates what has changed since the last call with *seqno*.

        *finish* makes of the terminal's row what it is shown as; for the rows *unsure* that may have changed by itself.
        """
        view = self._view(shown.is_alt)
        top, before, height = shown.top, view.top, shown.height
        known, seqnos, packed = view.rows, view.seqnos, view.packed
        above = min(max(top - before, 0), height)

        def is_known(y: int, cells: bytes, wrapped: bool) -> bool:
            index = top + y
            return packed.get(index) == (cells, wrapped) and index not in unsure and index not in self._touched

        def learn(index: int, read: RawRow) -> bool:
            """False if the row is as it was."""
            row = finish(index, read)
            if read.extras is None:
                packed[index] = (read.cells, read.wrapped)
            else:
                packed.pop(index, None)
            is_new = known.get(index) != row
            known[index] = row
            return is_new

        full, found = vt.changed(above, is_known)
        changed = {top + y for y, _ in found} if full else set()
        for y, read in found:
            index = top + y
            if y < 0:
                if index in known and not learn(index, read):
                    changed.discard(index)
            elif learn(index, read) or index in self._touched or not (full or index in (view.cursor, cursor)):
                seqnos[index] = seqno
        if any(index not in known for index in range(top, top + height)):
            for index, read in enumerate(vt.read_viewport(0, height), top):
                if index not in known:
                    learn(index, read)
                    seqnos[index] = seqno
        if not shown.is_alt:
            for index in range(max(before, self.history.end), min(top, before + height)):
                was_seen = full and index >= top - above and index not in changed and index in seqnos
                self.history.append(index + 1, seqnos[index] if was_seen else seqno)
            self.history.append(top, seqno)
            self.history.trim(shown.oldest)
        for index in [index for index in known if not top <= index < top + height]:
            del known[index]
            seqnos.pop(index, None)
            packed.pop(index, None)
        view.top, view.cursor = top, cursor
        self._touched = range(0)

    def since(self, seqno: int, *, is_alt: bool) -> tuple[list[tuple[int, RawRow]], tuple[range, ...]]:
        view = self._view(is_alt)
        rows = [(index, view.rows[index]) for index, changed in sorted(view.seqnos.items()) if changed > seqno]
        return rows, (() if is_alt else self.history.since(seqno))

    def row(self, index: int, *, is_alt: bool) -> RawRow | None:
        return self._view(is_alt).rows.get(index)
