"""Windows, tabs, and panes that share a tab. Sizes are cells; one cell between neighbours is the divider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from wa.embedded.ghostty import CELL_HEIGHT_PX, CELL_WIDTH_PX
from wa.protocol.mux import SplitCells, SplitRequest, TerminalSize

HORIZONTAL, VERTICAL = 0, 1


class NoSpace(Exception):
    """The panes would become smaller than a cell."""


class Sized(Protocol):
    @property
    def pane_id(self) -> int: ...

    @property
    def cols(self) -> int: ...

    @property
    def rows(self) -> int: ...

    def resize(self, cols: int, rows: int) -> None: ...


@dataclass(slots=True)
class Split:
    direction: int
    first: Node
    second: Node


Node = Sized | Split


def node_size(node: Node) -> tuple[int, int]:
    if not isinstance(node, Split):
        return node.cols, node.rows
    (cols, rows), (more_cols, more_rows) = node_size(node.first), node_size(node.second)
    if node.direction == HORIZONTAL:
        return cols + 1 + more_cols, rows
    return cols, rows + 1 + more_rows


def least_size(node: Node) -> tuple[int, int]:
    if not isinstance(node, Split):
        return 1, 1
    (cols, rows), (more_cols, more_rows) = least_size(node.first), least_size(node.second)
    if node.direction == HORIZONTAL:
        return cols + 1 + more_cols, max(rows, more_rows)
    return max(cols, more_cols), rows + 1 + more_rows


def fit(node: Node, cols: int, rows: int) -> None:
    """The first of two keeps its size while the second has any left, as WezTerm does when a neighbour closes."""
    cols, rows = max(cols, 1), max(rows, 1)
    if not isinstance(node, Split):
        if (node.cols, node.rows) != (cols, rows):
            node.resize(cols, rows)
        return
    first_cols, first_rows = node_size(node.first)
    (least_cols, least_rows), (second_cols, second_rows) = least_size(node.first), least_size(node.second)
    if node.direction == HORIZONTAL:
        first_cols = max(least_cols, min(first_cols, cols - 1 - second_cols))
        fit(node.first, first_cols, rows)
        fit(node.second, cols - 1 - first_cols, rows)
    else:
        first_rows = max(least_rows, min(first_rows, rows - 1 - second_rows))
        fit(node.first, cols, first_rows)
        fit(node.second, cols, rows - 1 - first_rows)


def leaves(node: Node | None) -> Iterator[Sized]:
    if isinstance(node, Split):
        yield from leaves(node.first)
        yield from leaves(node.second)
    elif node is not None:
        yield node


def _replace(node: Node, old: Node, new: Node) -> Node:
    if node is old:
        return new
    if isinstance(node, Split):
        node.first = _replace(node.first, old, new)
        node.second = _replace(node.second, old, new)
    return node


def _without(node: Node, gone: Sized) -> Node | None:
    """The tree less one pane; its neighbour takes the room of both."""
    if node is gone:
        return None
    if not isinstance(node, Split):
        return node
    cols, rows = node_size(node)
    for child, other in ((node.first, node.second), (node.second, node.first)):
        if child is gone:
            fit(other, cols, rows)
            return other
    first, second = _without(node.first, gone), _without(node.second, gone)
    assert first is not None
    assert second is not None
    node.first, node.second = first, second
    return node


def _place(left_col: int, top_row: int, node: Node) -> Iterator[tuple[Sized, int, int]]:
    if not isinstance(node, Split):
        yield node, left_col, top_row
        return
    cols, rows = node_size(node.first)
    yield from _place(left_col, top_row, node.first)
    if node.direction == HORIZONTAL:
        yield from _place(left_col + cols + 1, top_row, node.second)
    else:
        yield from _place(left_col, top_row + rows + 1, node.second)


@dataclass(slots=True)
class Tab:
    tab_id: int
    root: Node
    active: Sized
    title: str = ""
    zoomed: Sized | None = None
    _size_before_zoom: tuple[int, int] = (0, 0)

    @property
    def size(self) -> tuple[int, int]:
        return (self.zoomed.cols, self.zoomed.rows) if self.zoomed is not None else node_size(self.root)

    @property
    def panes(self) -> list[Sized]:
        return list(leaves(self.root))

    def placed(self) -> list[tuple[Sized, int, int]]:
        """Panes with their left column and top row in the tab."""
        return list(_place(0, 0, self.root))

    def split_size(self, pane: Sized, request: SplitRequest) -> tuple[int, int]:
        """Columns and rows that a new pane would get. Raises NoSpace."""
        cols, rows = self.size if request.top_level else (pane.cols, pane.rows)
        whole = cols if request.direction == HORIZONTAL else rows
        size = request.size
        wanted = max(1, size.cells if isinstance(size, SplitCells) else whole * size.percent // 100)
        least = least_size(self.root) if request.top_level else (1, 1)
        if whole - wanted - 1 < least[request.direction]:
            raise NoSpace
        return (wanted, rows) if request.direction == HORIZONTAL else (cols, wanted)

    def split(self, pane: Sized, request: SplitRequest, new: Sized) -> None:
        """Puts *new*, which has its size already, beside *pane* (or the whole tab), and makes it the active one."""
        target: Node = self.root if request.top_level else pane
        cols, rows = node_size(target)
        if request.direction == HORIZONTAL:
            fit(target, cols - 1 - new.cols, rows)
        else:
            fit(target, cols, rows - 1 - new.rows)
        first, second = (target, new) if request.target_is_second else (new, target)
        self.root = _replace(self.root, target, Split(request.direction, first, second))
        self.active = new

    def remove(self, pane: Sized) -> bool:
        """False if that was the last pane."""
        if self.zoomed is not None:
            self.zoom(None)
        before = self.panes
        root = _without(self.root, pane)
        if root is None:
            return False
        self.root = root
        if self.active is pane:
            self.active = before[max(0, before.index(pane) - 1)] if before[0] is not pane else before[1]
        return True

    def zoom(self, pane: Sized | None) -> None:
        if self.zoomed is not None:
            self.zoomed.resize(*self._size_before_zoom)
            self.zoomed = None
        if pane is not None and pane is not self.root:
            cols, rows = node_size(self.root)
            self._size_before_zoom = (pane.cols, pane.rows)
            pane.resize(cols, rows)
            self.zoomed = self.active = pane

    def neighbour(self, direction: int) -> Sized | None:
        """The pane up, down, left or right of the active one, or the next or previous one (0 … 5)."""
        panes = self.panes
        if direction >= 4:
            return panes[(panes.index(self.active) + (1 if direction == 4 else -1)) % len(panes)]
        places = {id(pane): (pane, left, top) for pane, left, top in self.placed()}
        active, left, top = places.pop(id(self.active))
        found: list[tuple[int, Sized]] = []
        for pane, x, y in places.values():
            shares_rows = min(top + active.rows, y + pane.rows) - max(top, y)
            shares_cols = min(left + active.cols, x + pane.cols) - max(left, x)
            touches = (
                (y + pane.rows + 1 == top, shares_cols),
                (top + active.rows + 1 == y, shares_cols),
                (x + pane.cols + 1 == left, shares_rows),
                (left + active.cols + 1 == x, shares_rows),
            )[direction]
            if touches[0] and touches[1] > 0:
                found.append((touches[1], pane))
        return max(found, key=lambda entry: entry[0])[1] if found else None


@dataclass(slots=True)
class Window:
    window_id: int
    workspace: str
    title: str = ""
    tabs: list[Tab] = field(default_factory=list)
    active: Tab | None = None


def terminal_size(cols: int, rows: int) -> TerminalSize:
    return TerminalSize(rows, cols, cols * CELL_WIDTH_PX, rows * CELL_HEIGHT_PX, 0)
