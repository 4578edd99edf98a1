"""The one file that touches pyghostty: a libghostty-vt terminal with typed edges.

Tried with pyghostty 0.1.3 (ghostty 6467b1dab), 2026-11-21:
- history is dropped a page at a time, and by bytes unless that limit is lifted;
- a tracked reference whose row is dropped or erased moves to row 0 instead of getting lost: that must not happen;
- reading through a render state clears the terminal's own dirty marks: of several states only the first sees a change.
  The viewport's state is kept and always goes first; history is read through a new one each time.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final, NamedTuple

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
from wa.embedded.palette import BACKGROUND, COLORS, CURSOR, FOREGROUND

CELL_WIDTH_PX: Final = 8
CELL_HEIGHT_PX: Final = 16
"""What a headless wezterm-mux-server assumes: 80 x 24 cells are 640 x 384 pixels."""

_PAGE_BYTES = 400_000
"""A history page holds this at most (577 rows of 80 columns were seen), a row 8 bytes per cell and 8 more."""

ffi.cdef("typedef struct { GhosttyTerminalScrollViewportTag tag; uint64_t row; uint64_t _pad; } WaScrollViewport;")
_grid_ref = union_fn("ghostty_terminal_grid_ref", "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)")
_track = union_fn(
    "ghostty_terminal_grid_ref_track", "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyTrackedGridRef*)"
)
_track_set = union_fn(
    "ghostty_tracked_grid_ref_set", "GhosttyResult(*)(GhosttyTrackedGridRef, GhosttyTerminal, GhosttyPointS)"
)
_scroll_viewport = union_fn("ghostty_terminal_scroll_viewport", "void(*)(GhosttyTerminal, WaScrollViewport)")

_ROW_WRAP: Final = 1 << 32
_ROW_GRAPHEMES: Final = 1 << 34
"""Bits of a packed row."""

_STYLES_KEPT = 4096
_styles: dict[bytes, Style] = {}
"""By the bytes of GhosttyStyle: reading its fields one by one is ten times slower."""

_live: dict[int, Vt] = {}


class Mark(IntEnum):
    TOP = 0
    """Tells how far rows have been numbered."""
    LINE = 1
    """The first row of the cursor's logical line, during a change of size."""


class VtState(NamedTuple):
    history: int
    cursor_x: int
    cursor_y: int
    cursor_visible: bool
    is_alt: bool
    mouse_tracking: bool
    pending_wrap: bool
    has_odd_modes: bool
    """Insert mode, origin mode, or left and right margins."""


_STATE_KEYS = (
    (lib.GHOSTTY_TERMINAL_DATA_SCROLLBACK_ROWS, "size_t*"),
    (lib.GHOSTTY_TERMINAL_DATA_CURSOR_X, "uint16_t*"),
    (lib.GHOSTTY_TERMINAL_DATA_CURSOR_Y, "uint16_t*"),
    (lib.GHOSTTY_TERMINAL_DATA_CURSOR_VISIBLE, "bool*"),
    (lib.GHOSTTY_TERMINAL_DATA_ACTIVE_SCREEN, "GhosttyTerminalScreen*"),
    (lib.GHOSTTY_TERMINAL_DATA_MOUSE_TRACKING, "bool*"),
    (lib.GHOSTTY_TERMINAL_DATA_CURSOR_PENDING_WRAP, "bool*"),
    (lib.GHOSTTY_TERMINAL_DATA_MODE, "GhosttyTerminalModeConfig*"),
    (lib.GHOSTTY_TERMINAL_DATA_MODE, "GhosttyTerminalModeConfig*"),
    (lib.GHOSTTY_TERMINAL_DATA_MODE, "GhosttyTerminalModeConfig*"),
)
_ANSI_MODE = 1 << 15
_ODD_MODES = (_ANSI_MODE | 4, 6, 69)
_state_cells = [ffi.new(ctype) for _, ctype in _STATE_KEYS]
_state_keys = ffi.new("GhosttyTerminalData[]", [key for key, _ in _STATE_KEYS])
_state_values = ffi.new("void*[]", [ffi.cast("void*", cell) for cell in _state_cells])
_history, _cursor_x, _cursor_y, _cursor_visible, _active_screen, _mouse, _pending_wrap, *_odd = _state_cells
for _config, _number in zip(_odd, _ODD_MODES, strict=True):
    _config.mode = _number
_written = ffi.new("size_t*")
_point = ffi.new("GhosttyPointS*")
_coordinate = ffi.new("GhosttyPointCoordinate*")
_overscan = ffi.new("GhosttyRenderStateOverscan*")
_dirty = ffi.new("GhosttyRenderStateDirty*")
_cells = ffi.new("GhosttyCellsView*")
_row_raw = ffi.new("GhosttyRow*")
_row_dirty = ffi.new("bool*")
_row_y = ffi.new("int32_t*")
_scroll = ffi.new("WaScrollViewport*")
_mode = ffi.new("GhosttyTerminalModeConfig*")
_utf8 = ffi.new("GhosttyBuffer*")
_utf8_bytes = ffi.new("uint8_t[]", 4096)
_flags = ffi.new("GhosttyKittyKeyFlags*")
_style = ffi.new("GhosttyStyle*")
_style.size = ffi.sizeof("GhosttyStyle")


def _user(handle: Any) -> Vt | None:
    return _live.get(int(ffi.cast("uintptr_t", handle)))


@ffi.callback("GhosttyTerminalWritePtyFn")  # type: ignore[untyped-decorator]
def _on_reply(_terminal: Any, user: Any, data: Any, size: int) -> None:
    if vt := _user(user):
        vt.replies += ffi.buffer(data, size)[:]


@ffi.callback("GhosttyTerminalBellFn")  # type: ignore[untyped-decorator]
def _on_bell(_terminal: Any, user: Any) -> None:
    if vt := _user(user):
        vt.bells += 1


@ffi.callback("GhosttyTerminalSizeFn")  # type: ignore[untyped-decorator]
def _on_size(_terminal: Any, user: Any, out: Any) -> bool:
    vt = _user(user)
    if vt is None:
        return False
    out.rows, out.columns, out.cell_width, out.cell_height = vt.rows, vt.cols, CELL_WIDTH_PX, CELL_HEIGHT_PX
    return True


@ffi.callback("GhosttyTerminalDeviceAttributesFn")  # type: ignore[untyped-decorator]
def _on_device_attributes(_terminal: Any, _user: Any, out: Any) -> bool:
    """As WezTerm 20250223 answers DA1, DA2 and DA3."""
    out.primary.conformance_level = 65
    for index, feature in enumerate((4, 6, 18, 22)):
        out.primary.features[index] = feature
    out.primary.num_features = 4
    out.secondary.device_type, out.secondary.firmware_version, out.secondary.rom_cartridge = 1, 277, 0
    out.tertiary.unit_id = 0
    return True


_keep: list[Any] = []
"""libghostty borrows these strings for as long as it lives."""


def _ghostty_string(text: bytes) -> Any:
    data = ffi.new("uint8_t[]", text)
    string = ffi.new("GhosttyString*")
    string.ptr, string.len = data, len(text)
    _keep.extend((data, string))
    return string


_XTVERSION = _ghostty_string(b"WezTerm wa-embedded")
_TERMINFO = _ghostty_string(b"WezTerm")


@ffi.callback("GhosttyTerminalXtversionFn")  # type: ignore[untyped-decorator]
def _on_xtversion(_terminal: Any, _user: Any) -> Any:
    return _XTVERSION[0]


def _color(rgb: tuple[int, int, int]) -> Any:
    return ffi.new("GhosttyColorRgb*", rgb)


_PALETTE = ffi.new("GhosttyColorRgb[256]", COLORS)


class Vt:
    """Feed it bytes; read rows by their place in this terminal's own list of rows, history first.

    `history_rows` is the least that is kept; more may be. `replies` collects what the terminal answers the program.
    """

    def __init__(self, cols: int, rows: int, history_rows: int) -> None:
        self.cols, self.rows = cols, rows
        self.replies = bytearray()
        self.bells = 0
        self._history_rows = history_rows
        self._terminal: Any = None
        self._state: Any = None
        self._iterator: Any = None
        self._row_cells: Any = None
        out = ffi.new("GhosttyTerminal*")
        check(lib.ghostty_terminal_new(ffi.NULL, out, cols, rows), "terminal_new")
        self._terminal = out[0]
        self._marks = [ffi.new("GhosttyTrackedGridRef*") for _ in Mark]
        self._handle = id(self)
        _live[self._handle] = self
        self._configure()
        _point.tag, _point.value.x, _point.value.y = lib.GHOSTTY_POINT_TAG_ACTIVE, 0, 0
        for mark in self._marks:
            check(_track(self._terminal, _point[0], mark), "grid_ref_track")

    def _configure(self) -> None:
        self._set("USERDATA", ffi.cast("void*", self._handle))
        self._set("SCROLLBACK_MAX_BYTES", ffi.new("size_t*", 1 << 48))
        self._limit_history()
        self._set("WRITE_PTY", _on_reply)
        self._set("BELL", _on_bell)
        self._set("SIZE", _on_size)
        self._set("DEVICE_ATTRIBUTES", _on_device_attributes)
        self._set("XTVERSION", _on_xtversion)
        self._set("TERMINFO_NAME", _TERMINFO)
        self._set("COLOR_FOREGROUND", _color(FOREGROUND))
        self._set("COLOR_BACKGROUND", _color(BACKGROUND))
        self._set("COLOR_CURSOR", _color(CURSOR))
        self._set("COLOR_PALETTE", _PALETTE)
        self._set("KITTY_IMAGE_STORAGE_LIMIT", ffi.new("uint64_t*", 0))
        grapheme_clusters = ffi.new("GhosttyTerminalModeConfig*")
        grapheme_clusters.mode, grapheme_clusters.value = 2027, True
        self._set("MODE_DEFAULT", grapheme_clusters)
        self._set("MODE", grapheme_clusters)

    def _set(self, option: str, value: Any) -> None:
        key = getattr(lib, f"GHOSTTY_TERMINAL_OPT_{option}")
        check(lib.ghostty_terminal_set(self._terminal, key, value), option)

    def _limit_history(self) -> None:
        page_rows = _PAGE_BYTES // (8 * self.cols + 8) + 1
        self._set("SCROLLBACK_MAX_LINES", ffi.new("size_t*", self._history_rows + page_rows))

    def close(self) -> None:
        if self._terminal is None:
            return
        _live.pop(self._handle, None)
        if self._iterator is not None:
            lib.ghostty_render_state_row_iterator_free(self._iterator[0])
            lib.ghostty_render_state_row_cells_free(self._row_cells[0])
        if self._state is not None:
            lib.ghostty_render_state_free(self._state)
        for mark in self._marks:
            lib.ghostty_tracked_grid_ref_free(mark[0])
        lib.ghostty_terminal_free(self._terminal)
        self._terminal = self._state = self._iterator = None

    def feed(self, data: bytes) -> None:
        lib.ghostty_terminal_vt_write(self._terminal, data, len(data))

    def resize(self, cols: int, rows: int) -> None:
        check(lib.ghostty_terminal_resize(self._terminal, cols, rows, CELL_WIDTH_PX, CELL_HEIGHT_PX), "resize")
        self.cols, self.rows = cols, rows
        self._limit_history()

    def state(self) -> VtState:
        check(
            lib.ghostty_terminal_get_multi(self._terminal, len(_STATE_KEYS), _state_keys, _state_values, _written),
            "get",
        )
        return VtState(
            _history[0],
            _cursor_x[0],
            _cursor_y[0],
            _cursor_visible[0],
            _active_screen[0] == lib.GHOSTTY_TERMINAL_SCREEN_ALTERNATE,
            _mouse[0],
            _pending_wrap[0],
            any(config.value for config in _odd),
        )

    def mode(self, number: int) -> bool:
        """A DEC private mode: 2004 is bracketed paste."""
        _mode.mode = number
        check(lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_MODE, _mode), "mode")
        return bool(_mode.value)

    @property
    def kitty_keyboard_flags(self) -> int:
        check(lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_KITTY_KEYBOARD_FLAGS, _flags), "flags")
        return int(_flags[0])

    def encode_key(self, name: str, mods: int, text: str) -> bytes:
        """A key press under the terminal's present modes. `mods`: 1 Shift, 2 Control, 4 Alt, 8 Super."""
        event, encoder = ffi.new("GhosttyKeyEvent*"), ffi.new("GhosttyKeyEncoder*")
        check(lib.ghostty_key_event_new(ffi.NULL, event), "key_event_new")
        check(lib.ghostty_key_encoder_new(ffi.NULL, encoder), "key_encoder_new")
        utf8 = ffi.from_buffer(text.encode("utf-8", "replace"))
        out = ffi.new("char[]", 128)
        try:
            lib.ghostty_key_event_set_action(event[0], lib.GHOSTTY_KEY_ACTION_PRESS)
            lib.ghostty_key_event_set_key(event[0], getattr(lib, f"GHOSTTY_KEY_{name or 'UNIDENTIFIED'}"))
            lib.ghostty_key_event_set_mods(event[0], mods)
            if text:
                lib.ghostty_key_event_set_utf8(event[0], utf8, len(utf8))
                lib.ghostty_key_event_set_unshifted_codepoint(event[0], ord(text.lower()[0]))
                if text.isupper() or not text.isalpha():
                    lib.ghostty_key_event_set_consumed_mods(event[0], mods & 1)
            lib.ghostty_key_encoder_setopt_from_terminal(encoder[0], self._terminal)
            check(lib.ghostty_key_encoder_encode(encoder[0], event[0], out, len(out), _written), "key_encoder_encode")
            return bytes(ffi.buffer(out, _written[0]))
        finally:
            lib.ghostty_key_encoder_free(encoder[0])
            lib.ghostty_key_event_free(event[0])

    # A mark sits on one row of the screen that was active when it was set, and moves with it.

    def set_mark(self, mark: Mark, row: int) -> None:
        _point.tag, _point.value.x, _point.value.y = lib.GHOSTTY_POINT_TAG_SCREEN, 0, row
        check(_track_set(self._marks[mark][0], self._terminal, _point[0]), "tracked_grid_ref_set")

    def mark(self, mark: Mark) -> int:
        """The row under the mark; only while the screen is active on which it was set."""
        check(
            lib.ghostty_tracked_grid_ref_point(self._marks[mark][0], lib.GHOSTTY_POINT_TAG_SCREEN, _coordinate),
            "tracked_grid_ref_point",
        )
        return int(_coordinate.y)

    # Reading rows.

    def _render_states(self) -> None:
        if self._state is not None:
            return
        out = ffi.new("GhosttyRenderState*")
        check(lib.ghostty_render_state_new(ffi.NULL, out), "render_state_new")
        self._state = out[0]
        self._iterator = ffi.new("GhosttyRenderStateRowIterator*")
        check(lib.ghostty_render_state_row_iterator_new(ffi.NULL, self._iterator), "row_iterator_new")
        self._row_cells = ffi.new("GhosttyRenderStateRowCells*")
        check(lib.ghostty_render_state_row_cells_new(ffi.NULL, self._row_cells), "row_cells_new")

    def _update(self, state: Any, above: int, below: int) -> None:
        _overscan.above, _overscan.below = above, below
        check(lib.ghostty_render_state_set(state, lib.GHOSTTY_RENDER_STATE_OPTION_OVERSCAN, _overscan), "overscan")
        check(lib.ghostty_render_state_update(state, self._terminal), "render_state_update")

    def changed(self, above: int) -> tuple[bool, list[tuple[int, RawRow]]]:
        """Rows that may have changed since the last call, by place in the viewport; and whether all are among them.

        If all are, so are the *above* rows (at most the viewport's height) over the viewport, with negative places.
        """
        self._render_states()
        state = self._state
        self._update(state, self.rows, 0)
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
            rows.append((_row_y[0], self._row(iterator)))
        check(lib.ghostty_render_state_clean(state), "render_state_clean")
        return full, rows

    def read_viewport(self, y: int, count: int) -> list[RawRow]:
        """Rows `y … y + count` of the viewport."""
        self._render_states()
        self._update(self._state, self.rows, 0)
        check(lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_OVERSCAN, _overscan), "overscan")
        first = _overscan.above + y
        rows: list[RawRow] = []
        for at, iterator in enumerate(self._rows(self._state)):
            if at >= first:
                rows.append(self._row(iterator))
                if len(rows) == count:
                    break
        return rows

    def read(self, first: int, count: int) -> list[RawRow]:
        """Rows `first … first + count` by their place in the list of rows; fewer where the list ends."""
        self._render_states()
        self._update(self._state, self.rows, 0)
        top = min(first, self.state().history)
        _scroll.tag, _scroll.row = lib.GHOSTTY_SCROLL_VIEWPORT_ROW, top
        _scroll_viewport(self._terminal, _scroll[0])
        reader = ffi.new("GhosttyRenderState*")
        check(lib.ghostty_render_state_new(ffi.NULL, reader), "render_state_new")
        try:
            self._update(reader[0], 0, max(0, first + count - top - self.rows))
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

    def _row(self, iterator: Any) -> RawRow:
        get = lib.ghostty_render_state_row_get
        get(iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, _cells)
        get(iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_RAW, _row_raw)
        cells = ffi.buffer(_cells.ptr, _cells.len * 8)[:]
        wrapped = bool(_row_raw[0] & _ROW_WRAP)
        if is_bare(cells):
            return RawRow(cells, wrapped, None)
        return RawRow(cells, wrapped, self._extras(iterator, cells))

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
