"""Reading a libghostty-vt terminal's rows in bulk, through render states.

Reading through a render state clears the terminal's own dirty marks: of several states only the first sees a change.
The viewport's state is kept and always goes first; history is read through a new one each time. (pyghostty 0.1.3,
2026-11-21.)
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator
from typing import Any, Final

from pyghostty._ffi import check, ffi, lib, union_fn

from wa.embedded.cells import (
    CELL_GRAPHEME,
    CELL_STYLE_MASK,
    CELL_STYLE_SHIFT,
    CELL_TAG,
    Color,
    Extras,
    RawRow,
    Style,
    is_bare,
)

ffi.cdef("typedef struct { GhosttyTerminalScrollViewportTag tag; uint64_t row; uint64_t _pad; } WaScrollViewport;")
_scroll_viewport = union_fn("ghostty_terminal_scroll_viewport", "void(*)(GhosttyTerminal, WaScrollViewport)")

_ROW_WRAP: Final = 1 << 32
_ROW_GRAPHEMES: Final = 1 << 34
"""Bits of a packed row."""

_STYLES_KEPT = 4096
_styles: dict[bytes, Style] = {}
"""By the bytes of GhosttyStyle: reading its fields one by one is ten times slower."""

_overscan = ffi.new("GhosttyRenderStateOverscan*")
_dirty = ffi.new("GhosttyRenderStateDirty*")
_cells = ffi.new("GhosttyCellsView*")
_row_raw = ffi.new("GhosttyRow*")
_row_dirty = ffi.new("bool*")
_row_y = ffi.new("int32_t*")
_scroll = ffi.new("WaScrollViewport*")
_utf8 = ffi.new("GhosttyBuffer*")
_utf8_bytes = ffi.new("uint8_t[]", 4096)
_style = ffi.new("GhosttyStyle*")
_style.size = ffi.sizeof("GhosttyStyle")


class RowReader:
    """Of one terminal, whose height is told with each call as it may change."""

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        out = ffi.new("GhosttyRenderState*")
        check(lib.ghostty_render_state_new(ffi.NULL, out), "render_state_new")
        self._state = out[0]
        self._iterator = ffi.new("GhosttyRenderStateRowIterator*")
        check(lib.ghostty_render_state_row_iterator_new(ffi.NULL, self._iterator), "row_iterator_new")
        self._row_cells = ffi.new("GhosttyRenderStateRowCells*")
        check(lib.ghostty_render_state_row_cells_new(ffi.NULL, self._row_cells), "row_cells_new")

    def close(self) -> None:
        lib.ghostty_render_state_row_iterator_free(self._iterator[0])
        lib.ghostty_render_state_row_cells_free(self._row_cells[0])
        lib.ghostty_render_state_free(self._state)

    def _update(self, state: Any, above: int, below: int) -> None:
        _overscan.above, _overscan.below = above, below
        check(lib.ghostty_render_state_set(state, lib.GHOSTTY_RENDER_STATE_OPTION_OVERSCAN, _overscan), "overscan")
        check(lib.ghostty_render_state_update(state, self._terminal), "render_state_update")

    def changed(
        self, height: int, above: int, is_known: Callable[[int, bytes, bool], bool]
    ) -> tuple[bool, list[tuple[int, RawRow]]]:
        state = self._state
        self._update(state, height, 0)
        check(lib.ghostty_render_state_get(state, lib.GHOSTTY_RENDER_STATE_DATA_DIRTY, _dirty), "dirty")
        if _dirty[0] == lib.GHOSTTY_RENDER_STATE_DIRTY_FALSE:
            return False, []
        full = _dirty[0] == lib.GHOSTTY_RENDER_STATE_DIRTY_FULL
        get = lib.ghostty_render_state_row_get
        rows: list[tuple[int, RawRow]] = []
        for iterator in self._rows(state):
            get(iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_VIEWPORT_Y, _row_y)
            if _row_y[0] < (-above if full else 0):
                continue
            if not full:
                get(iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_DIRTY, _row_dirty)
                if not _row_dirty[0]:
                    continue
            y = _row_y[0]
            cells, wrapped = self._packed(iterator)
            if not (full and is_known(y, cells, wrapped)):
                rows.append((y, RawRow(cells, wrapped, None if is_bare(cells) else self._extras(iterator, cells))))
        check(lib.ghostty_render_state_clean(state), "render_state_clean")
        return full, rows

    def read_viewport(self, height: int, y: int, count: int) -> list[RawRow]:
        return [self._row(iterator) for iterator in self._viewport(height, y, count)]

    def read_cells(self, height: int, y: int, count: int) -> list[bytes]:
        return [self._packed(iterator)[0] for iterator in self._viewport(height, y, count)]

    def _viewport(self, height: int, y: int, count: int) -> Iterator[Any]:
        self._update(self._state, height, 0)
        check(lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_OVERSCAN, _overscan), "overscan")
        first = _overscan.above + y
        return itertools.islice(self._rows(self._state), first, first + count)

    def read(self, height: int, history: int, first: int, count: int) -> list[RawRow]:
        self._update(self._state, height, 0)
        top = min(first, history)
        _scroll.tag, _scroll.row = lib.GHOSTTY_SCROLL_VIEWPORT_ROW, top
        _scroll_viewport(self._terminal, _scroll[0])
        reader = ffi.new("GhosttyRenderState*")
        check(lib.ghostty_render_state_new(ffi.NULL, reader), "render_state_new")
        try:
            self._update(reader[0], 0, max(0, first + count - top - height))
            rows = [self._row(iterator) for iterator in self._rows(reader[0])]
        finally:
            lib.ghostty_render_state_free(reader[0])
            _scroll.tag = lib.GHOSTTY_SCROLL_VIEWPORT_BOTTOM
            _scroll_viewport(self._terminal, _scroll[0])
        return rows[first - top : first - top + count]

    def _rows(self, state: Any) -> Iterator[Any]:
        check(lib.ghostty_render_state_get(state, lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, self._iterator), "rows")
        iterator, step = self._iterator[0], lib.ghostty_render_state_row_iterator_next
        while step(iterator):
            yield iterator

    def _packed(self, iterator: Any) -> tuple[bytes, bool]:
        get = lib.ghostty_render_state_row_get
        get(iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, _cells)
        get(iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_RAW, _row_raw)
        return ffi.buffer(_cells.ptr, _cells.len * 8)[:], bool(_row_raw[0] & _ROW_WRAP)

    def _row(self, iterator: Any) -> RawRow:
        cells, wrapped = self._packed(iterator)
        return RawRow(cells, wrapped, None if is_bare(cells) else self._extras(iterator, cells))

    def _extras(self, iterator: Any, cells: bytes) -> Extras:
        """What the packed cells only refer to; looked up while the render state still holds the row."""
        get, select = lib.ghostty_render_state_row_cells_get, lib.ghostty_render_state_row_cells_select
        lib.ghostty_render_state_row_get(iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._row_cells)
        handle = self._row_cells[0]
        packed = array("Q", cells)
        extras = Extras({}, {})
        if _row_raw[0] & _ROW_GRAPHEMES:
            for x, cell in enumerate(packed):
                if cell & CELL_TAG == CELL_GRAPHEME:
                    select(handle, x)
                    _utf8.ptr, _utf8.cap, _utf8.len = _utf8_bytes, len(_utf8_bytes), 0
                    if (
                        get(handle, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_UTF8, _utf8)
                        == lib.GHOSTTY_SUCCESS
                    ):
                        extras.graphemes[x] = ffi.buffer(_utf8.ptr, _utf8.len)[:].decode("utf-8", "replace")
        ids = [cell >> CELL_STYLE_SHIFT & CELL_STYLE_MASK for cell in packed]
        for style_id in set(ids) - {0}:
            select(handle, ids.index(style_id))
            if get(handle, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE, _style) == lib.GHOSTTY_SUCCESS:
                extras.styles[style_id] = _read_style()
        return extras


def _read_style() -> Style:
    key = bytes(ffi.buffer(_style))
    style = _styles.get(key)
    if style is None:
        if len(_styles) >= _STYLES_KEPT:
            _styles.clear()
        style = _styles[key] = Style(
            intensity=1 if _style.bold else 2 if _style.faint else 0,
            underline=_style.underline,
            blink=bool(_style.blink),
            italic=bool(_style.italic),
            inverse=bool(_style.inverse),
            strikethrough=bool(_style.strikethrough),
            invisible=bool(_style.invisible),
            overline=bool(_style.overline),
            foreground=_read_color(_style.fg_color),
            background=_read_color(_style.bg_color),
            underline_color=_read_color(_style.underline_color),
        )
    return style


def _read_color(color: Any) -> Color:
    if color.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return int(color.value.palette)
    if color.tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        rgb = color.value.rgb
        return (rgb.r, rgb.g, rgb.b)
    return None
