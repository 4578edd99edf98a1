"""Session ids, addresses, versions and paths. None: there is none, or more than one reading; never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_CHARS = 8192
"""What lies beyond is not looked at."""

MAX_URL_CHARS = 4096

_UUID_CHARS = 36
_HEX = "[0-9A-Fa-f]"
_UUID = re.compile(rf"(?<![0-9A-Za-z]){_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}(?!-?[0-9A-Za-z])")
_BREAK = re.compile(r"(?<=[0-9A-Fa-f-])[ \n](?=[0-9A-Fa-f-])")
_VERSION = re.compile(
    r"(?<![0-9A-Za-z.])[vV]?([0-9]{1,9}(?:\.[0-9]{1,9}){1,3}(?:[-+][0-9A-Za-z.+-]{1,64})?)(?![0-9A-Za-z])"
)
_URL = re.compile(r"https?://[^\s<>\"'`│┃║|\x00-\x1f\x7f\u2500-\u257f]+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PAIRS = {")": "(", "]": "[", "}": "{"}


def find_uuid(text: str) -> str | None:
    """The first UUID in *text*, as printed.

    Only where no whole one stands there: one that a row's end (one space, or a line end) broke in two, if just one can be put together.
    """
    text = text[:MAX_CHARS]
    if whole := _UUID.search(text):
        return whole[0]
    rejoined = set(_rejoined(text))
    return rejoined.pop() if len(rejoined) == 1 else None


def _rejoined(text: str) -> Iterator[str]:
    for gap in _BREAK.finditer(text):
        before = text[max(0, gap.start() - _UUID_CHARS) : gap.start()]
        after = text[gap.end() : gap.end() + _UUID_CHARS + 2]
        for found in _UUID.finditer(before + after):
            if found.start() < len(before) < found.end():
                yield found[0]


def find_url(text: str) -> str | None:
    """The first http(s) address, without the punctuation of the sentence around it."""
    found = _URL.search(text[:MAX_CHARS])
    if found is None or len(found[0]) > MAX_URL_CHARS:
        return None
    url = found[0]
    while url:
        last = url[-1]
        unpaired = last in _PAIRS and url.count(last) > url.count(_PAIRS[last])
        if not unpaired and last not in ".,;:!?…*":
            break
        url = url[:-1]
    return url if len(url) > len("https://") else None


def find_version(text: str) -> str | None:
    """The 0.169.0 in "v0.169.0" and "2.1.328 (Claude Code)"; at least two numbers."""
    found = _VERSION.search(text[:MAX_CHARS])
    return found[1].rstrip(".+-") if found else None


def parse_path(text: str) -> str | None:
    """A path as printed, without quotes and spaces around it; `~` stays. Spaces inside may be the path's own."""
    path = text[:MAX_CHARS].strip()
    if len(path) > 1 and path[0] == path[-1] and path[0] in "'\"`":
        path = path[1:-1]
    return path if path and not _CONTROL.search(path) else None
