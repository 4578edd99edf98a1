"""One pass over some logical lines: where secrets stand, and what must be remembered for the lines that follow.

An automaton over literals (`ahocorasick_rs`, 2 ns a character) finds the few places worth a look; a rule judges
each. Text without any of the literals costs nothing else. Every rule looks at a bounded stretch and says how far it
has looked, so that hostile text costs time in proportion to its length; and it counts its work, of which a stretch of
text may ask only so much (wa.store.redact.rules).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

PLACEHOLDER = "[redacted:"
DECORATION = " \t\u00a0│┃║▌▐▏▕╎╏┆┇┊┋|"
"""What frames and indents text inside a line."""


SHORT = 65_536
"""Above it, looking for the ends of a line at each literal anew would cost the square of the line's length."""


class Carry(NamedTuple):
    """What the lines so far mean for the next ones. Lives in memory; it can be found again in redacted text."""

    key_lines: int = 0
    """A private key is open and may have so many more lines."""
    url: str = ""
    """A URL that ran to the end of its line, and may go on in the next."""
    code_lines: int = 0
    """So many lines may still hold the one-time code that was announced."""
    run: str = ""
    """The kind of a key that ran to the end of its line, and may go on in the next."""
    aws_lines: int = 0
    """So many lines may still hold the secret that belongs to an AWS key id."""


NEUTRAL = Carry()


class Span(NamedTuple):
    start: int
    end: int
    kind: str


class Scan:
    """The text under the rules and what they have found. A newline stands between logical lines and nowhere else."""

    __slots__ = (
        *(
            "_breaks",
            "_key_end",
            "aws_lines",
            "aws_to",
            "code_lines",
            "codes_to",
            "data",
            "key_lines",
            "open_start",
            "plain_to",
        ),
        *("run", "spans", "text", "url", "work"),
    )

    def __init__(self, text: str, data: bytes, *, is_open: bool) -> None:
        self.text = text
        self.data = data
        """The text in UTF-8."""
        self._breaks: list[int] | None = None
        self._key_end = -1
        """The end of a key that was looked for last."""
        self.open_start = text.rfind("\n") + 1 if is_open else len(text) + 1
        """Where the last line begins if more of it is to come; it will be scanned again then. Else beyond the text."""
        self.spans: list[Span] = []
        self.key_lines = 0
        self.url = ""
        self.code_lines = 0
        self.aws_lines = 0
        self.run = ""
        self.work = 0
        """Units of about a microsecond."""
        self.aws_to = self.codes_to = 0
        """So far the text has been searched for what may stand beside an announcement, whichever it was."""
        self.plain_to = 0
        """Up to here nothing holds a digit where a code was looked for."""

    @property
    def is_open(self) -> bool:
        return self.open_start <= len(self.text)

    def touches_open_end(self, end: int) -> bool:
        """What ends at *end* may go on in rows that have not been seen yet."""
        return end == len(self.text) and self.is_open

    def add(self, start: int, end: int, kind: str) -> None:
        if end > start and not self.text.startswith(PLACEHOLDER, start):
            self.spans.append(Span(start, end, kind))
            self.work += 2

    def line_start(self, at: int) -> int:
        if len(self.text) <= SHORT:
            return self.text.rfind("\n", 0, at) + 1
        breaks = self._line_breaks()
        place = bisect_left(breaks, at)
        return breaks[place - 1] + 1 if place else 0

    def line_end(self, at: int) -> int:
        if len(self.text) <= SHORT:
            end = self.text.find("\n", at)
            return len(self.text) if end < 0 else end
        breaks = self._line_breaks()
        place = bisect_left(breaks, at)
        return breaks[place] if place < len(breaks) else len(self.text)

    def _line_breaks(self) -> list[int]:
        if self._breaks is None:
            self._breaks = [found.start() for found in re.finditer("\n", self.text)]
        return self._breaks

    def key_end(self, at: int) -> int:
        """Where the next `-----END` stands, beyond the text if there is none. Asked for in rising order: searched once."""
        if self._key_end < at:
            found = self.text.find("-----END", at)
            self._key_end = len(self.text) + 1 if found < 0 else found
        return self._key_end

    def content(self, start: int, end: int) -> tuple[int, int]:
        """Where the text of the line *start* … *end* stands inside its frame and indent."""
        line = self.text[start:end]
        left = len(line) - len(line.lstrip(DECORATION))
        return (start + left, start + len(line.rstrip(DECORATION))) if left < len(line) else (end, end)

    @property
    def carry(self) -> Carry:
        return Carry(self.key_lines, self.url, self.code_lines, self.run, self.aws_lines)


Rule = Callable[[Scan, int, int], int]
"""Judges the literal at *at* … *end* (the last two arguments), adds spans, answers up to where not to ask it again."""


def merged(spans: list[Span]) -> list[Span]:
    """In order and without overlaps. Of two kinds at one place the one that names the secret's issuer stays."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda found: (found.start, -found.end)):
        if not result or span.start >= result[-1].end:
            result.append(span)
            continue
        last = result[-1]
        union_end = max(last.end, span.end)
        covers_most = (span.end - span.start) * 3 >= (union_end - last.start) * 2
        kind = span.kind if last.kind in GENERIC and span.kind not in GENERIC and covers_most else last.kind
        result[-1] = Span(last.start, union_end, kind)
    return result


GENERIC = frozenset(
    {"token", "secret", "password", "api_key", "bearer", "basic", "authorization", "cookie", "fragment", "url_password"}
)
"""Kinds that say where a secret stood rather than whose it is."""
