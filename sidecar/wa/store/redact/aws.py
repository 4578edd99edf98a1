"""The secret that AWS shows with a key id: 40 characters without a mark of their own."""

from __future__ import annotations

import re

from wa.store.redact.scan import Scan
from wa.store.redact.shapes import is_random

LINES = 4
"""Its own line and the next three: a table, a CSV file, two lines of a credentials file."""
LINE_LIMIT = 2000

_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_OPEN_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{1,39}$")


def secret_near(scan: Scan, at: int, end: int) -> int:
    """At a key id: look round it."""
    if not scan.spans or scan.spans[-1].start != at or scan.spans[-1].kind != "aws_key":
        return end
    start = max(scan.line_start(at), at - LINE_LIMIT)
    look(scan, start, LINES, begun_at=at, limit=at + LINE_LIMIT)
    return end


def look(scan: Scan, start: int, lines: int, *, begun_at: int, limit: int = LINE_LIMIT) -> None:
    """In the *lines* lines from *start* on, of the first one up to *limit*. No stretch is searched twice."""
    text = scan.text
    for left in range(lines, 0, -1):
        if start >= scan.open_start > begun_at:
            scan.aws_lines = left
        end = scan.line_end(start)
        stop = min(end, limit)
        scan.work += 1
        if (begin := max(start, scan.aws_to)) < stop:
            for found in _SECRET.finditer(text, begin, stop):
                if is_random(found[0]):
                    scan.add(found.start(), found.end(), "aws_secret")
            scan.work += (stop - begin) >> 5
            # One that was cut off by the limit begins before it.
            scan.aws_to = end if stop == end else max(begin, stop - 40)
        if scan.touches_open_end(stop) and (torn := _OPEN_SECRET.search(text, max(start, stop - 40))):
            scan.add(torn.start(), torn.end(), "aws_secret")
        if end >= len(text):
            if not scan.is_open:
                scan.aws_lines = left - 1
            return
        start, limit = end + 1, end + 1 + LINE_LIMIT
