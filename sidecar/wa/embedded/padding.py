"""How long WezTerm's rows are where they are longer than what libghostty-vt holds: blanks that were left by erasing.

They are kept beside the terminal and not in it: as cells they would be wrapped when the width changes.
"""

from __future__ import annotations

from wa.embedded.cells import RawRow, pad


class Padding:
    """Lengths by stable index, of the primary screen. Not followed while a scroll region moves rows about."""

    def __init__(self) -> None:
        self._lengths: dict[int, int] = {}
        self.is_tracking = True
        self.touched: set[int] = set()
        """Rows whose padding has changed; emptied by whoever has looked."""

    def length(self, index: int) -> int:
        return self._lengths.get(index, 0)

    def set(self, index: int, length: int) -> None:
        """0 for none."""
        self.touched.add(index)
        if length and self.is_tracking:
            self._lengths[index] = length
        else:
            self._lengths.pop(index, None)

    def shift(self, rows: range, by: int) -> None:
        """Rows have been inserted (by > 0) or deleted at the start of *rows*; what leaves *rows* is gone."""
        moved = {index: self._lengths.pop(index) for index in list(self._lengths) if index in rows}
        self.touched.update(rows)
        self._lengths |= {index + by: length for index, length in moved.items() if index + by in rows}

    def forget(self, first: int = 0) -> None:
        """From a row on."""
        for index in [index for index in self._lengths if index >= first]:
            self.touched.add(index)
            del self._lengths[index]

    def trim(self, oldest: int) -> None:
        if len(self._lengths) > 2 * _TRIM_ABOVE:
            self._lengths = {index: length for index, length in self._lengths.items() if index >= oldest}

    def apply(self, index: int, row: RawRow) -> RawRow:
        length = self._lengths.get(index)
        return row if length is None else pad(row, length)


_TRIM_ABOVE = 1024
