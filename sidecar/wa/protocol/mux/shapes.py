"""Shapes of single types in PDUs that need more than their fields in order."""

from __future__ import annotations

from wa.model.screen import Cursor, Dimensions, Row
from wa.protocol.mux import pdus as p
from wa.protocol.mux import values as v
from wa.protocol.mux.errors import DecodeError, EncodeError
from wa.protocol.mux.lines import MAX_ROW_INDEX, read_lines
from wa.protocol.mux.lines_encode import PreparedRows, encode_rows
from wa.protocol.mux.varbincode import (
    BLOB,
    BOOL,
    INT,
    REST,
    TEXT,
    U8,
    UINT,
    Choice,
    Option,
    Pair,
    Reader,
    Shape,
    Struct,
    Union,
    Vec,
    sleb,
    uleb,
)
from wa.protocol.mux.zones import RawRows


class _Cursor:
    """StableCursorPosition: x, y, shape, visibility (0 hidden, 1 visible)."""

    _shape = Choice("a cursor's shape", 7)
    _visibility = Choice("a cursor's visibility", 2)

    def read(self, r: Reader) -> Cursor:
        x, y, shape = r.uleb(), r.sleb(), self._shape.read(r)
        return Cursor(x, y, self._visibility.read(r) == 1, shape)

    def write(self, out: bytearray, value: Cursor) -> None:
        UINT.write(out, value.x)
        INT.write(out, value.y)
        self._shape.write(out, value.shape)
        self._visibility.write(out, int(value.visible))


class _OsText:
    """OsString of serde: 0 Unix bytes, 1 Windows UTF-16 code units."""

    def read(self, r: Reader) -> v.OsText:
        variant = r.uleb()
        if variant == 0:
            return BLOB.read(r)
        if variant != 1:
            raise DecodeError(f"an OsString has no variant {variant}")
        units = _UNITS.read(r)
        if units and max(units) > 0xFFFF:
            raise DecodeError("a code unit of an OsString exceeds 16 bits")
        return b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "surrogatepass")

    def write(self, out: bytearray, value: v.OsText) -> None:
        if isinstance(value, bytes):
            out.append(0)
            BLOB.write(out, value)
        else:
            out.append(1)
            raw = value.encode("utf-16-le", "surrogatepass")
            _UNITS.write(out, tuple(int.from_bytes(raw[i : i + 2], "little") for i in range(0, len(raw), 2)))


class _Range:
    """Range<StableRowIndex>."""

    def read(self, r: Reader) -> range:
        start, stop = r.sleb(), r.sleb()
        if not (-MAX_ROW_INDEX < start < MAX_ROW_INDEX and -MAX_ROW_INDEX < stop < MAX_ROW_INDEX):
            raise DecodeError(f"{start} to {stop} are no rows of a terminal")
        return range(start, stop)

    def write(self, out: bytearray, value: range) -> None:
        out += sleb(value.start) + sleb(value.stop)


class _Lines:
    def read(self, r: Reader) -> tuple[Row, ...]:
        return read_lines(r)

    def write(self, out: bytearray, value: tuple[Row, ...]) -> None:
        out += value.wire if isinstance(value, PreparedRows) else encode_rows(value)


class _Progress:
    """0 none, 1 percent, 2 error, 3 indeterminate; 1 and 2 with a byte."""

    _states = ("none", "percent", "error", "indeterminate")

    def read(self, r: Reader) -> v.Progress:
        variant = r.uleb()
        if variant > 3:
            raise DecodeError(f"a progress has no variant {variant}")
        return v.Progress(self._states[variant], r.byte() if variant in (1, 2) else 0)

    def write(self, out: bytearray, value: v.Progress) -> None:
        if value.state not in self._states:
            raise EncodeError(f"a progress has no state {value.state!r}")
        variant = self._states.index(value.state)
        out.append(variant)
        if variant in (1, 2):
            U8.write(out, value.percent)


class _WindowTitles:
    _items = Vec(Pair(UINT, TEXT))

    def read(self, r: Reader) -> dict[int, str]:
        return dict(self._items.read(r))

    def write(self, out: bytearray, value: dict[int, str]) -> None:
        self._items.write(out, tuple(value.items()))


class _Dims:
    """RenderableDimensions, as what wa keeps and what it does not."""

    def read(self, r: Reader) -> tuple[Dimensions, v.Pixels]:
        dims = Dimensions(r.uleb(), r.uleb(), r.uleb(), r.sleb(), r.sleb())
        return dims, v.Pixels(r.uleb(), r.uleb(), r.uleb(), r.flag())

    def write(self, out: bytearray, value: tuple[Dimensions, v.Pixels]) -> None:
        (cols, viewport_rows, scrollback_rows, physical_top, scrollback_top), pixels = value
        out += uleb(cols) + uleb(viewport_rows) + uleb(scrollback_rows) + sleb(physical_top) + sleb(scrollback_top)
        out += uleb(pixels.dpi) + uleb(pixels.pixel_width) + uleb(pixels.pixel_height) + bytes((pixels.reverse_video,))


class _DimensionsResponse:
    def read(self, r: Reader) -> p.GetPaneRenderableDimensionsResponse:
        pane_id, cursor = r.uleb(), CURSOR.read(r)
        return p.GetPaneRenderableDimensionsResponse(pane_id, cursor, *DIMS.read(r))

    def write(self, out: bytearray, value: p.GetPaneRenderableDimensionsResponse) -> None:
        out += uleb(value.pane_id)
        CURSOR.write(out, value.cursor)
        DIMS.write(out, (value.dims, value.pixels))


class Notify:
    """NotifyAlert; what follows the pane is the last field, so a kind that is not known can be passed over."""

    def __init__(self, alert: Union[v.Alert]) -> None:
        self._alert = alert

    def read(self, r: Reader) -> p.NotifyAlert | p.UnknownAlert:
        pane_id, variant = r.uleb(), r.uleb()
        if variant >= len(self._alert):
            return p.UnknownAlert(pane_id, variant, REST.read(r))
        return p.NotifyAlert(pane_id, self._alert.read_variant(r, variant))

    def write(self, out: bytearray, value: p.NotifyAlert | p.UnknownAlert) -> None:
        out += uleb(value.pane_id)
        if isinstance(value, p.NotifyAlert):
            self._alert.write(out, value.alert)
        else:
            out += uleb(value.variant) + value.rest


class _RenderChanges:
    def read(self, r: Reader) -> p.GetPaneRenderChangesResponse:
        pane_id, mouse_grabbed, cursor = r.uleb(), r.flag(), CURSOR.read(r)
        dims, pixels = DIMS.read(r)
        ranges, title, working_dir = RANGES.read(r), r.text(), MAYBE_TEXT.read(r)
        begin = r.pos
        rows = read_lines(r)
        raw = RawRows.of(r.buf, begin, r.pos)
        return p.GetPaneRenderChangesResponse(
            pane_id,
            mouse_grabbed,
            cursor,
            dims,
            ranges,
            title,
            working_dir,
            rows,
            MAYBE_UINT.read(r),
            r.uleb(),
            pixels,
            raw,
        )

    def write(self, out: bytearray, value: p.GetPaneRenderChangesResponse) -> None:
        out += uleb(value.pane_id)
        BOOL.write(out, value.mouse_grabbed)
        CURSOR.write(out, value.cursor)
        DIMS.write(out, (value.dims, value.pixels))
        RANGES.write(out, value.dirty_lines)
        TEXT.write(out, value.title)
        MAYBE_TEXT.write(out, value.working_dir)
        LINES.write(out, value.bonus_lines)
        MAYBE_UINT.write(out, value.input_serial)
        out += uleb(value.seqno)


_UNITS = Vec(UINT)
MAYBE_TEXT = Option(TEXT)
MAYBE_UINT = Option(UINT)
OS = _OsText()
RANGE = _Range()
RANGES = Vec(RANGE)
LINES = _Lines()
PROGRESS = _Progress()
WINDOW_TITLES = _WindowTitles()
CURSOR = _Cursor()
DIMS = _Dims()
DIMENSIONS_RESPONSE = _DimensionsResponse()
RENDER_CHANGES = _RenderChanges()
TERMINAL_SIZE: Shape[v.TerminalSize] = Struct(v.TerminalSize, UINT, UINT, UINT, UINT, UINT)
