"""Private keys in PEM form, over as many lines as they take, also where only a part of one is in sight."""

from __future__ import annotations

import re

from wa.store.redact.scan import Scan
from wa.store.redact.shapes import has_digit

KEY_LINES = 400
"""A 16,384 bit RSA key has 200 lines at 64 characters; a pane may be narrow."""

LINE_LIMIT = 16_384
"""Characters of one line: a key of that size, escaped, is shorter."""

_BEGIN = re.compile(r"-{5}BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{5}")
_END = re.compile(r"-{5}END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{5}")
_NUMBERED = r"(?:[>#] ?)?(?:\d{1,5}[\s→:│|+\-]{1,4})?"
_BODY = re.compile(
    _NUMBERED + r"(?P<body>[A-Za-z0-9+/=\\]{1,4096}+[\"',]{0,3}|(?:Proc-Type|DEK-Info|Version|Comment|Hash): .*)"
)


def private_key(scan: Scan, at: int, end: int) -> int:
    """At the words PRIVATE KEY: the first line of a block, or its last."""
    text = scan.text
    line = scan.line_start(at)
    start = text.rfind("-----", max(line, at - 64), at)
    while start > line and text[start - 1] == "-":
        start -= 1
    if start < 0:
        return end
    if found := _BEGIN.match(text, start):
        return _from(scan, found.end(), KEY_LINES, begun_at=at)
    if found := _END.match(text, start):
        _back_from(scan, line, start)
        return found.end()
    return end


def resume(scan: Scan, lines: int) -> None:
    """The text begins inside a block that may have *lines* more."""
    _from(scan, 0, lines, begun_at=-1)


def _from(scan: Scan, at: int, lines: int, *, begun_at: int) -> int:
    """Take the block that goes on at *at*; up to where it ends."""
    text = scan.text
    start, end = at, scan.line_end(at)
    for left in range(lines, 0, -1):
        if start >= scan.open_start > begun_at:
            scan.key_lines = left
        mark = scan.key_end(start)
        found = _END.match(text, mark) if mark < min(end, start + LINE_LIMIT) else None
        if found is None and end - start > LINE_LIMIT:
            return start
        inner_start, inner_end = scan.content(start, found.start() if found else end)
        inner = text[inner_start:inner_end]
        if found:
            scan.add(inner_start, inner_end, "private_key")
            return found.end()
        if inner and not inner.startswith("[redacted:private_key]"):
            body = _BODY.fullmatch(inner)
            if body is None:
                return start
            scan.add(inner_start + body.start("body"), inner_end, "private_key")
        if end >= len(text):
            if not scan.is_open:
                scan.key_lines = left
            return end
        start, end = end + 1, scan.line_end(end + 1)
    return start


def _back_from(scan: Scan, line: int, start: int) -> None:
    """The block's last line is here and its first is not: take the lines above that look like its body."""
    inner_start, inner_end = scan.content(line, start)
    if inner_end > inner_start:
        scan.add(inner_start, inner_end, "private_key")
    for _ in range(KEY_LINES):
        if line <= 0:
            return
        end = line - 1
        line = scan.line_start(end)
        inner_start, inner_end = scan.content(line, end)
        body = _BODY.fullmatch(scan.text, inner_start, inner_end)
        if body is None or len(body["body"]) < 16 or scan.text.startswith("[", inner_start):
            return
        scan.add(body.start("body"), inner_end, "private_key")


_FULL_LINE = re.compile(_NUMBERED + r"(?P<body>[A-Za-z0-9+/]{60,80}={0,2})")


def key_material(scan: Scan) -> None:
    """Three or more full lines of base64 of one width: a key whose first and last line are out of sight."""
    text = scan.text
    start, run = 0, list[tuple[int, int]]()
    while start <= len(text):
        end = scan.line_end(start)
        inner_start, inner_end = scan.content(start, end) if end - start >= 60 else (start, start)
        found = _FULL_LINE.fullmatch(text, inner_start, inner_end) if inner_end - inner_start >= 60 else None
        place = found.span("body") if found and not _is_hex(found["body"]) else None
        if place and run and place[1] - place[0] == run[-1][1] - run[-1][0]:
            run.append(place)
        else:
            _take(scan, run)
            run = [place] if place else []
        start = end + 1
    _take(scan, run)


def _take(scan: Scan, run: list[tuple[int, int]]) -> None:
    if len(run) >= 3:
        for start, end in run:
            scan.add(start, end, "key_material")


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdefABCDEF") or not has_digit(text)
