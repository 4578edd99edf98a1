"""`get-text --escapes`: rows with their colours, as WezTerm writes them through its xterm-256color terminfo."""

from __future__ import annotations

import struct
from typing import NamedTuple

from wa.protocol.mux import is_wide
from wa.protocol.mux.varbincode import Reader

_INTENSITY, _UNDERLINE, _BLINK = 0b11, 0b111 << 2, 0b11 << 5
_ITALIC, _REVERSE, _STRIKE, _INVISIBLE = 1 << 7, 1 << 8, 1 << 9, 1 << 10
_RESET = "\x1b(B\x1b[0"

Color = int | tuple[int, int, int] | None


class Look(NamedTuple):
    bits: int = 0
    foreground: Color = None
    background: Color = None
    link: str = ""
    """What stands between `OSC 8 ;` and its end; "" for none."""


_BLANK = Look()
Line = list[tuple[str, Look]]


def read_cells(payload: bytes) -> list[Line]:
    """The cells of a GetLinesResponse, fillers of wide characters left out."""
    r = Reader(payload)
    r.uleb()  # pane id
    columns: list[list[tuple[str, Look]]] = []
    for _ in range(r.uleb()):
        r.sleb()
        columns.append(_read_line(r))
    for _ in range(r.uleb()):
        _read_link(r, columns)
    lines: list[Line] = []
    for cells in columns:
        line: Line = []
        filler = False
        for text, look in cells:
            if not (filler and text == " "):
                line.append((text, look))
                filler = is_wide(text)
            else:
                filler = False
        lines.append(line)
    return lines


def _read_line(r: Reader) -> Line:
    cells: Line = []
    if r.uleb() == 0:
        for _ in range(r.uleb()):
            text = r.text()
            cells.append((text, _read_look(r)))
    else:
        text, wide = r.text(), {r.uleb() for _ in range(r.uleb())}
        runs = [(r.uleb(), _read_look(r)) for _ in range(r.uleb())]
        r.uleb()
        if r.flag():
            r.byte()
        looks = [look for width, look in runs for _ in range(width)]
        at = 0
        for char in text:
            cells.append((char, looks[at] if at < len(looks) else _BLANK))
            at += 2 if at in wide else 1
    for _ in range(r.uleb()):
        for _ in range(3):
            r.uleb()
    r.uleb()
    r.uleb()
    return cells


def _read_look(r: Reader) -> Look:
    bits = r.uleb()
    colors: list[Color] = [r.byte() if r.uleb() else None for _ in range(2)]
    if r.flag():
        if r.flag():
            _read_hyperlink(r)
        r.uleb()  # images are sent apart
        _read_color(r)  # of the underline
        colors = [found if (found := _read_color(r)) is not None else small for small in colors]
    return Look(bits, colors[0], colors[1])


def _read_color(r: Reader) -> Color:
    kind = r.uleb()
    if kind == 2:
        return r.byte()
    if kind == 3:
        return None
    red, green, blue, _ = struct.unpack("<4f", r.take(16))
    if kind == 0:
        r.byte()
    return (round(red * 255), round(green * 255), round(blue * 255))


def _read_link(r: Reader, lines: list[Line]) -> None:
    link = _read_hyperlink(r)
    for _ in range(r.uleb()):
        line, start, stop = r.uleb(), r.uleb(), r.uleb()
        for x in range(start, min(stop, len(lines[line]))):
            text, look = lines[line][x]
            lines[line][x] = (text, look._replace(link=link))


def _read_hyperlink(r: Reader) -> str:
    params = sorted((r.text(), r.text()) for _ in range(r.uleb()))
    uri = r.text()
    implicit = r.flag()
    return "" if implicit else ":".join(f"{key}={value}" for key, value in params) + ";" + uri


def render(lines: list[Line]) -> str:
    """Each row ends in CR LF; a change of look is written where it comes, and taken back at the very end."""
    out: list[str] = []
    shown = looked = _BLANK
    for line in lines:
        text = ""
        look = looked
        pieces: list[tuple[Look, str]] = []
        for cell, cell_look in line:
            if cell_look != look:
                if text:
                    pieces.append((look, text))
                look, text = cell_look, ""
            text += cell
        if text and look == _BLANK._replace(background=look.background):
            kept = text.rstrip(" ")
            if kept or pieces:
                pieces.append((look, kept))
            if look.background is not None and kept != text:
                pieces.append((look, "\x1b[K"))
        elif text:
            pieces.append((look, text))
        for piece_look, piece in pieces:
            out.append(_change(shown, piece_look) + piece)
            shown = piece_look
        out.append("\r\n")
        looked = line[-1][1] if line else looked
    out.append(_change(shown, _BLANK))
    return "".join(out)


def _change(old: Look, new: Look) -> str:
    if old == new:
        return ""
    out = ""
    foreground, background = old.foreground, old.background
    if old.bits != new.bits:
        foreground = background = None
        bits = new.bits
        flags = (
            (bits & _INTENSITY == 1, "1"),
            (bits & _INTENSITY == 2, "2"),
            ((bits & _UNDERLINE) >> 2 == 1, "4"),
            (bits & _REVERSE, "7"),
            ((bits & _BLINK) >> 5 == 1, "5"),
            (bits & _INVISIBLE, "8"),
        )
        out = _RESET + "".join(f";{code}" for on, code in flags if on) + "m"
        more = (
            ((bits & _UNDERLINE) >> 2 == 2, "21"),
            ((bits & _BLINK) >> 5 == 2, "6"),
            (bits & _ITALIC, "3"),
            (bits & _STRIKE, "9"),
        )
        out += "".join(f"\x1b[{code}m" for on, code in more if on)
    if new.foreground != foreground:
        out += _color(new.foreground, 30)
    if new.background != background:
        out += _color(new.background, 40)
    if new.link != old.link:
        out += f"\x1b]8;{new.link or ';'}\x1b\\"
    return out


def _color(color: Color, base: int) -> str:
    if color is None:
        return f"\x1b[{base + 9}m"
    if isinstance(color, tuple):
        return f"\x1b[{base + 8}:2::{color[0]}:{color[1]}:{color[2]}m"
    if color < 8:
        return f"\x1b[{base + color}m"
    return f"\x1b[{base + 52 + color}m" if color < 16 else f"\x1b[{base + 8};5;{color}m"
