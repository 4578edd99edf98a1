"""A libghostty-vt terminal with typed edges. This file and ghostty_rows.py alone touch pyghostty.

Tried with pyghostty 0.1.3 (ghostty 6467b1dab), 2026-11-21:
- history is dropped a page at a time, and by bytes unless that limit is lifted;
- a tracked reference whose row is dropped or erased moves to row 0 instead of getting lost: that must not happen;
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, NamedTuple

from pyghostty._ffi import check, ffi, lib, union_fn

from wa.embedded.cells import RawRow
from wa.embedded.ghostty_rows import RowReader
from wa.embedded.palette import BACKGROUND, COLORS, CURSOR, FOREGROUND

CELL_WIDTH_PX: Final = 8
CELL_HEIGHT_PX: Final = 16
"""What a headless wezterm-mux-server assumes: 80 x 24 cells are 640 x 384 pixels."""

_PAGE_BYTES = 400_000
"""A history page holds this at most (577 rows of 80 columns were seen), a row 8 bytes per cell and 8 more."""

_track = union_fn(
    "ghostty_terminal_grid_ref_track", "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyTrackedGridRef*)"
)
_track_set = union_fn(
    "ghostty_tracked_grid_ref_set", "GhosttyResult(*)(GhosttyTrackedGridRef, GhosttyTerminal, GhosttyPointS)"
)

_grid_ref = union_fn("ghostty_terminal_grid_ref", "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)")

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
_mode = ffi.new("GhosttyTerminalModeConfig*")
_flags = ffi.new("GhosttyKittyKeyFlags*")
_ref = ffi.new("GhosttyGridRef*")
_ref.size = ffi.sizeof("GhosttyGridRef")
_cell = ffi.new("uint64_t*")
_pen = ffi.new("GhosttyStyle*")
_pen.size = ffi.sizeof("GhosttyStyle")
_DEFAULT_PEN = ffi.buffer(_pen)[:]


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
        self._row_reader: RowReader | None = None
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
        if self._row_reader is not None:
            self._row_reader.close()
        for mark in self._marks:
            lib.ghostty_tracked_grid_ref_free(mark[0])
        lib.ghostty_terminal_free(self._terminal)
        self._terminal = self._row_reader = None

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

    def has_default_pen(self) -> bool:
        """False where it may have a style; asking for it (DECRQSS) tells for certain."""
        check(lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_CURSOR_STYLE, _pen), "pen")
        return bool(ffi.buffer(_pen)[:] == _DEFAULT_PEN)

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

    @property
    def _reader(self) -> RowReader:
        if self._row_reader is None:
            self._row_reader = RowReader(self._terminal)
        return self._row_reader

    def changed(
        self, above: int, is_known: Callable[[int, bytes, bool], bool]
    ) -> tuple[bool, list[tuple[int, RawRow]]]:
        """Rows that may have changed since the last call, by place in the viewport; and whether all were looked at.

        If all were, so were the *above* rows (at most the viewport's height) over the viewport, with negative places;
        then those are left out of which *is_known* says so by place, packed cells and soft wrap.
        """
        return self._reader.changed(self.rows, above, is_known)

    def cell(self, x: int, y: int) -> int:
        """One packed cell of the viewport."""
        _point.tag, _point.value.x, _point.value.y = lib.GHOSTTY_POINT_TAG_ACTIVE, x, y
        check(_grid_ref(self._terminal, _point[0], _ref), "grid_ref")
        check(lib.ghostty_grid_ref_cell(_ref, _cell), "grid_ref_cell")
        return int(_cell[0])

    def read_cells(self, y: int, count: int) -> list[bytes]:
        """The packed cells of rows `y … y + count` of the viewport."""
        return self._reader.read_cells(self.rows, y, count)

    def read_viewport(self, y: int, count: int) -> list[RawRow]:
        """Rows `y … y + count` of the viewport."""
        return self._reader.read_viewport(self.rows, y, count)

    def read(self, first: int, count: int) -> list[RawRow]:
        """Rows `first … first + count` by their place in the list of rows; fewer where the list ends."""
        return self._reader.read(self.rows, self.state().history, first, count)
