"""The tree of panes in a tab, and its way to and from a flat list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wa.model.identity import Pane
from wa.model.screen import Cursor
from wa.protocol.mux.errors import DecodeError, EncodeError
from wa.protocol.mux.pdus import ListPanesResponse
from wa.protocol.mux.shapes import CURSOR, TERMINAL_SIZE
from wa.protocol.mux.values import PaneEntry, PaneNode, PaneSplit, TerminalSize
from wa.protocol.mux.varbincode import BOOL, INT, TEXT, UINT, Choice, Option, Reader, Shape, Struct, uleb

MAX_DEPTH = 128
"""Splits inside splits; a terminal runs out of cells long before."""

_ENTRY: Shape[PaneEntry] = Struct(
    PaneEntry,
    UINT,
    UINT,
    UINT,
    TEXT,
    TERMINAL_SIZE,
    Option(TEXT),
    BOOL,
    BOOL,
    TEXT,
    CURSOR,
    INT,
    UINT,
    UINT,
    Option(TEXT),
)
_DIRECTION = Choice("a split's direction", 2)


class _PaneNode:
    """0 empty, 1 split, 2 leaf; recursive, so its depth is bounded."""

    def read(self, r: Reader, depth: int = 0) -> PaneNode:
        variant = r.uleb()
        if variant == 0:
            return None
        if variant == 2:
            return _ENTRY.read(r)
        if variant != 1:
            raise DecodeError(f"a pane node has no variant {variant}")
        if depth >= MAX_DEPTH:
            raise DecodeError(f"splits are nested deeper than {MAX_DEPTH}")
        left = self.read(r, depth + 1)
        right = self.read(r, depth + 1)
        return PaneSplit(left, right, _DIRECTION.read(r), TERMINAL_SIZE.read(r), TERMINAL_SIZE.read(r))

    def write(self, out: bytearray, value: PaneNode, depth: int = 0) -> None:
        if value is None:
            out.append(0)
        elif isinstance(value, PaneEntry):
            out += uleb(2)
            _ENTRY.write(out, value)
        else:
            if depth >= MAX_DEPTH:
                raise EncodeError(f"splits are nested deeper than {MAX_DEPTH}")
            out += uleb(1)
            self.write(out, value.left, depth + 1)
            self.write(out, value.right, depth + 1)
            _DIRECTION.write(out, value.direction)
            TERMINAL_SIZE.write(out, value.first)
            TERMINAL_SIZE.write(out, value.second)


PANE_NODE = _PaneNode()


def entries_of(node: PaneNode) -> Iterator[PaneEntry]:
    """The panes of one tab, left before right, above before below."""
    todo: list[PaneNode] = [node]
    while todo:
        node = todo.pop()
        if isinstance(node, PaneEntry):
            yield node
        elif node is not None:
            todo += (node.right, node.left)


def panes_of(response: ListPanesResponse) -> list[Pane]:
    """Every pane, ordered by window, tab, then place in the tab; the server's own order of windows is random."""
    panes: list[Pane] = []
    for number, node in enumerate(response.tabs):
        tab_title = response.tab_titles[number] if number < len(response.tab_titles) else ""
        panes += [
            pane_of(entry, tab_title, response.window_titles.get(entry.window_id, "")) for entry in entries_of(node)
        ]
    panes.sort(key=lambda pane: (pane.window_id, pane.tab_id))
    return with_window_rows(panes)


def with_window_rows(panes: list[Pane]) -> list[Pane]:
    """Each pane with the height of its tab, which no list tells: the lowest edge of any pane in it."""
    heights: dict[int, int] = {}
    for pane in panes:
        heights[pane.tab_id] = max(heights.get(pane.tab_id, 0), pane.top_row + pane.rows)
    return [pane._replace(window_rows=heights[pane.tab_id]) for pane in panes]


def pane_of(entry: PaneEntry, tab_title: str, window_title: str) -> Pane:
    return Pane(
        pane_id=entry.pane_id,
        tab_id=entry.tab_id,
        window_id=entry.window_id,
        workspace=entry.workspace,
        title=entry.title,
        cwd=entry.working_dir or None,
        cols=entry.size.cols,
        rows=entry.size.rows,
        is_active=entry.is_active,
        is_zoomed=entry.is_zoomed,
        tty_name=entry.tty_name,
        tab_title=tab_title,
        window_title=window_title,
        physical_top=entry.physical_top,
        cursor=(entry.cursor.x, entry.cursor.y - entry.physical_top),
        left_col=entry.left_col,
        top_row=entry.top_row,
    )


def entry_of(
    pane: Pane, *, cursor: Cursor | None = None, pixel_width: int = 0, pixel_height: int = 0, dpi: int = 0
) -> PaneEntry:
    """The other way, for a server. `cursor` adds what Pane does not keep: shape and visibility."""
    top = pane.physical_top or 0
    return PaneEntry(
        window_id=pane.window_id,
        tab_id=pane.tab_id,
        pane_id=pane.pane_id,
        title=pane.title,
        size=TerminalSize(pane.rows, pane.cols, pixel_width, pixel_height, dpi),
        working_dir=pane.cwd,
        is_active=pane.is_active,
        is_zoomed=pane.is_zoomed,
        workspace=pane.workspace,
        cursor=cursor if cursor is not None else Cursor(pane.cursor[0], top + pane.cursor[1]),
        physical_top=top,
        top_row=pane.top_row,
        left_col=pane.left_col,
        tty_name=pane.tty_name,
    )


def list_panes(tabs: Iterable[tuple[PaneNode, str]], window_titles: dict[int, str]) -> ListPanesResponse:
    """A server's answer from each tab's tree and title."""
    pairs = list(tabs)
    return ListPanesResponse(tuple(node for node, _ in pairs), tuple(title for _, title in pairs), window_titles)
