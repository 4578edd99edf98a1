"""Rows in, rows out: as many, wrapped as before, without their secrets.

Rules see logical lines, soft wraps joined. What a secret took of the rows after its first is cut out; its placeholder
stands where it began, so joining the redacted rows gives the redacted line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from wa.store.redact import aws, blocks, codes, rules, runs, urls
from wa.store.redact.scan import DECORATION, NEUTRAL, PLACEHOLDER, Carry, Scan, Span, merged
from wa.store.redact.shapes import is_random

_ENDS_IN_PLACEHOLDER = re.compile(r"\[redacted:(?P<kind>[a-z0-9_]{1,32})\]$")
_REST_OF_SECRET = re.compile(r"[^\s\"'`,;<>|│]{0,4096}+")
_REST_OF_QUOTED = {quote: re.compile(rf"[^{quote}\n]{{0,4096}}+") for quote in "\"'`"}
_TORN = re.compile(r"[A-Za-z0-9_\-+/=.%&]{16,4096}+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_STORED_TAIL = 12
"""Lines looked at to find out again what they mean for the next ones."""
MAX_KNOWN, MAX_KNOWN_CHARS = 4_096, 400
"""So many texts, of so many characters, are remembered in which no secret was found."""

_known: dict[str, None] = {}
"""The same names, settings and messages are written down for every pane, again and again. Never one with a secret."""


def redact(text: str) -> str:
    """*text* without its secrets; lines stay as many. For titles, messages and files. Any thread."""
    if text in _known:
        return text
    lines = text.split("\n")
    redacted, _ = redact_rows(lines, [False] * len(lines))
    if redacted is not lines:
        return "\n".join(redacted)
    if len(text) <= MAX_KNOWN_CHARS:
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[text] = None
    return text


def redact_rows(
    texts: list[str],
    wrapped: Sequence[bool],
    *,
    carry: Carry = NEUTRAL,
    stored: int = 0,
    torn: bool = False,
) -> tuple[list[str], Carry]:
    """The rows without secrets (*texts* itself if there are none), and what they mean for the next rows.

    Lone surrogates, which UTF-8 cannot hold, become U+FFFD.

    A last row that is wrapped leaves its line open: secrets that may be going on there are hidden already, and the
    Carry is that of the line's beginning, since the caller hands the whole line in again with its next rows. The
    first *stored* rows were redacted before. *torn* says that what stood before the first row is not known, as after
    a gap or at the top of a screen.
    """
    text, data, texts = joined(texts, wrapped)
    scan = Scan(text, data, is_open=bool(wrapped) and wrapped[-1])
    if carry is not NEUTRAL:
        _resume(scan, carry)
    rules.apply(scan)
    if scan.spans:
        runs.go_on(scan)
    if stored:
        _swallow(scan, sum(map(len, texts[:stored])) + sum(not wrap for wrap in wrapped[:stored]))
    if torn:
        _look_for_torn(scan)
    now = scan.carry
    if now == NEUTRAL:
        now = NEUTRAL
    if not scan.spans:
        return texts, now
    return _without(texts, wrapped, merged(scan.spans)), now


def joined(texts: list[str], wrapped: Sequence[bool]) -> tuple[str, bytes, list[str]]:
    """Logical lines, a newline after each but the last; the same in UTF-8; and the rows without surrogates.

    A newline within a row reads as a blank among the lines.
    """
    if True in wrapped:
        text = "".join([row if wrap else row + "\n" for row, wrap in zip(texts, wrapped, strict=True)])
        text = text if wrapped[-1] else text[:-1]
        breaks = len(wrapped) - sum(wrapped) - (not wrapped[-1])
    else:
        text = "\n".join(texts)
        breaks = len(texts) - 1
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return joined([_SURROGATES.sub("\ufffd", row) for row in texts], wrapped)
    if data.count(b"\n") > breaks:
        text, data, _ = joined([row.replace("\n", " ") for row in texts], wrapped)
    return text, data, texts


def carry_of(texts: list[str], wrapped: Sequence[bool]) -> Carry:
    """What stored, redacted rows mean for the rows that follow; for a Writer that starts anew."""
    text, _, _ = joined(texts, wrapped)
    lines = text.split("\n")
    is_open = bool(wrapped) and wrapped[-1]
    known = lines[:-1] if is_open else lines
    newest = "\n".join(known[-_STORED_TAIL:])
    scan = Scan(newest, newest.encode(), is_open=False)
    rules.apply(scan)
    carry = scan.carry
    if known and known[-1].strip().endswith(PLACEHOLDER + "private_key]"):
        carry = carry._replace(key_lines=blocks.KEY_LINES)
    if known and not carry.url:
        carry = carry._replace(url=_stored_url(known[-_STORED_TAIL:]))
    if known and (ended := _ENDS_IN_PLACEHOLDER.search(known[-1].rstrip(DECORATION))) and ended["kind"] in runs.KINDS:
        carry = carry._replace(run=ended["kind"])
    for left, line in enumerate(known[: -aws.LINES : -1], 1):
        if PLACEHOLDER + "aws_key]" in line:
            carry = carry._replace(aws_lines=max(carry.aws_lines, aws.LINES - left))
    return NEUTRAL if carry == NEUTRAL else carry


def _stored_url(lines: list[str]) -> str:
    """A URL that ran to the end of *lines*, over as many of them as it took."""
    pieces: list[str] = []
    for line in reversed(lines):
        if found := urls.tail_of(line):
            return "".join([found, *reversed(pieces)])
        piece = line.strip(DECORATION)
        if not piece or " " in piece:
            return ""
        pieces.append(piece)
    return ""


def _resume(scan: Scan, carry: Carry) -> None:
    if carry.key_lines:
        blocks.resume(scan, carry.key_lines)
    if carry.url:
        urls.resume(scan, carry.url)
    if carry.run:
        runs.resume(scan, carry.run)
    if carry.code_lines:
        codes.look(scan, 0, carry.code_lines, begun_at=-1)
    if carry.aws_lines:
        aws.look(scan, 0, carry.aws_lines, begun_at=-1)


def _swallow(scan: Scan, at: int) -> None:
    """A placeholder that ends the stored part of an open line stands for a secret that may go on."""
    found = _ENDS_IN_PLACEHOLDER.search(scan.text, max(0, at - 48), at)
    if found is None:
        return
    quote = scan.text[max(0, found.start() - 1) : found.start()]
    rest = _REST_OF_QUOTED.get(quote, _REST_OF_SECRET).match(scan.text, at)
    if rest and rest.end() > at:
        # Not through `add`, which leaves placeholders alone: this one grows.
        scan.spans.append(Span(found.start(), rest.end(), found["kind"]))


def _look_for_torn(scan: Scan) -> None:
    """The end of a secret whose beginning is out of sight."""
    if (found := _TORN.match(scan.text)) and is_random(found[0]):
        scan.add(*found.span(), "fragment")
    blocks.key_material(scan)


def _without(texts: list[str], wrapped: Sequence[bool], spans: list[Span]) -> list[str]:
    lengths = map(len, texts)
    ends = list(accumulate(length + (not wrap) for length, wrap in zip(lengths, wrapped, strict=True)))
    result = list(texts)
    cuts: dict[int, list[tuple[int, int, str]]] = {}
    row = 0
    for span in spans:
        row = bisect_right(ends, span.start, row)
        placeholder = f"{PLACEHOLDER}{span.kind}]"
        begin = ends[row - 1] if row else 0
        if row not in cuts and span.end < ends[row]:
            cuts[row] = [(span.start - begin, span.end - begin, placeholder)]
            continue
        while row < len(texts):
            begin = ends[row - 1] if row else 0
            if begin >= span.end:
                break
            first, last = max(span.start - begin, 0), min(span.end - begin, len(texts[row]))
            if first < last or placeholder:
                cuts.setdefault(row, []).append((first, last, placeholder))
                placeholder = ""
            row += 1
        row -= 1
    for row, places in cuts.items():
        if len(places) == 1:
            first, last, placeholder = places[0]
            text = texts[row]
            result[row] = f"{text[:first]}{placeholder}{text[last:]}"
            continue
        parts, at = list[str](), 0
        for first, last, placeholder in places:
            parts += [texts[row][at:first], placeholder]
            at = last
        result[row] = "".join([*parts, texts[row][at:]])
    return result
