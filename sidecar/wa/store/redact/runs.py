"""Keys and tokens that a program has cut into lines of its own, as full-screen programs do at the width of their frame.

Only a long line whose end the secret has reached can have been cut there, and only a line that is nothing but random
characters goes on.
"""

from __future__ import annotations

import re

from wa.store.redact.scan import DECORATION, Scan
from wa.store.redact.shapes import SHAPES, has_digit, has_letter, is_random

KINDS = frozenset({shape.kind for shape in SHAPES} | {"bearer", "token", "secret", "api_key"}) - {"aws_key"}
"""What may be long enough to be cut."""
LINES = 12
SHORTEST = 36
"""Columns of the narrowest frame that is thought of: shorter lines are not cut ones."""
PADDING = 400
"""Blanks that may stand between a secret and the frame at the end of its line."""
_PIECE = re.compile(r"[A-Za-z0-9_\-.=+/%]{4,4096}+")


def go_on(scan: Scan) -> None:
    """After all rules: follow secrets over the ends of their lines."""
    followed: set[int] = set()
    # Latest first: where a line is reached that has been followed, all beyond it is done.
    for span in [span for span in reversed(scan.spans) if span.kind in KINDS]:
        end = scan.line_end(span.end)
        if end - span.end > PADDING or scan.text[span.end : end].strip(DECORATION):
            continue
        start = scan.line_start(span.start)
        if span.end - start >= SHORTEST:
            _follow(scan, span.kind, end, span.end - start, begun_at=span.start, followed=followed)
            followed.add(start)


def resume(scan: Scan, kind: str) -> None:
    """A secret reached the end of the line before this text."""
    _follow(scan, kind, -1, 0, begun_at=-1, followed=set())


def _follow(scan: Scan, kind: str, line_end: int, width: int, *, begun_at: int, followed: set[int]) -> None:
    for _ in range(LINES):
        start = line_end + 1
        if start in followed:
            return
        if begun_at < scan.open_start <= start or (start > len(scan.text) and not scan.is_open):
            scan.run = kind
        if start > len(scan.text):
            return
        line_end = scan.line_end(start)
        left, right = scan.content(start, line_end)
        piece = _PIECE.fullmatch(scan.text, left, right)
        if piece is None or (width and right - start > width) or not _is_random_piece(piece[0]):
            return
        scan.add(left, right, kind)
        if right - start < width:
            return


def _is_random_piece(text: str) -> bool:
    return is_random(text) or (len(text) >= 24 and has_digit(text) and has_letter(text) and "/" not in text)
