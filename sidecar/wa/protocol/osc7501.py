"""OSC 7501, by which programs say what they are doing, taken out of a stream of output.

`ESC ] 7501 ; key=value[:key=value…] ST`, at most 4,096 bytes; `ESC ] 7501 ; ? ST` asks whether the terminal understands it
(Program Status Protocol, revision 0.4, October 2026). What is no such sequence passes as it came.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, NamedTuple

START: Final = b"\x1b]7501;"
MAX_BYTES: Final = 4096
"""Of a whole sequence; what is longer is none."""
STATES: Final = frozenset({"idle", "working", "done", "blocked", "error", "clear"})


class Report(NamedTuple):
    """A record of the program, which replaces the one before it with the same `id`. Texts are the program's own words."""

    state: str
    kind: str | None = None
    """Of `blocked`: permission, question, auth."""
    title: str | None = None
    message: str | None = None
    app: str | None = None
    id: str | None = None
    progress: int | None = None
    """Percent."""


class Query(NamedTuple):
    """To be answered with the same bytes."""

    raw: bytes


Event = Report | Query


class Sieve:
    """Output in pieces, torn anywhere; no byte that is no report is lost, changed or moved.

    What may yet become a report is held back until it is whole, or until `release`; a report that was released in part
    is still understood, and its rest passes too.
    """

    def __init__(self) -> None:
        self._open = b""
        self._released = 0

    @property
    def holds(self) -> bool:
        """Something waits that has not been passed on."""
        return len(self._open) > self._released

    def feed(self, data: bytes) -> tuple[bytes, list[Event]]:
        """What to pass on, and what was said."""
        if not self._open and b"\x1b" not in data:
            return data, []
        text = self._open + data
        passed: list[bytes] = []
        events: list[Event] = []
        done = self._released  # text[:done] has been passed on or taken out
        self._open, self._released = b"", 0
        search = 0
        while (begin := text.find(START, search)) >= 0:
            search = begin + len(START)
            if begin and text[begin - 1 : begin] == b"\x1b":  # doubled for the inside of another sequence
                continue
            end = _end(text, search)
            if end is None and len(text) - begin < MAX_BYTES:
                passed.append(text[done:begin])
                self._open, self._released = text[begin:], max(done - begin, 0)
                return b"".join(passed), events
            event = None if end is None else _event(text[begin:end])
            if event is None or end is None:
                continue
            events.append(event)
            passed.append(text[done : begin if done <= begin else end])
            done = search = end
        begin = len(text) - _beginning(text)
        passed.append(text[done:begin])
        self._open, self._released = text[begin:], max(done - begin, 0)
        return b"".join(passed), events

    def release(self) -> bytes:
        """What is held back, to be passed on now."""
        held = self._open[self._released :]
        self._released = len(self._open)
        return held


def _end(text: bytes, at: int) -> int | None:
    """Behind the terminator of the sequence whose words begin at *at*; None where none has come, or something else ended it."""
    limit = at - len(START) + MAX_BYTES
    bell, escape = text.find(b"\x07", at, limit), text.find(b"\x1b\\", at, limit)
    ends = [found for found in (bell + 1 if bell >= 0 else -1, escape + 2 if escape >= 0 else -1) if found > 0]
    return min(ends, default=None)


def _beginning(text: bytes) -> int:
    """How many bytes at the end of *text* may be the beginning of a sequence."""
    for size in range(min(len(START) - 1, len(text)), 0, -1):
        if text.endswith(START[:size]):
            return 0 if text[-size - 1 : -size] == b"\x1b" else size
    return 0


def _event(sequence: bytes) -> Event | None:
    body = sequence[len(START) : -1 if sequence.endswith(b"\x07") else -2]
    if body == b"?":
        return Query(sequence)
    if any(byte < 0x20 or byte == 0x7F for byte in body):
        return None
    return parse(body.decode("utf-8", "replace"))


def parse(body: str) -> Report | None:
    """What stands between `7501;` and the terminator; None where it names no state that is known."""
    fields: dict[str, str] = {}
    for pair in body.split(":"):
        key, equals, value = pair.partition("=")
        if equals:
            fields.setdefault(key, value)
    if fields.get("state") not in STATES:
        return None
    progress = fields.get("progress", "")
    return Report(
        fields["state"],
        fields.get("kind") or None,
        fields.get("title") or None,
        _decoded(fields.get("msg", "")),
        fields.get("app") or None,
        fields.get("id") or None,
        int(progress) if progress.isdecimal() and len(progress) <= 3 and int(progress) <= 100 else None,
    )


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8", "replace") or None
    except (binascii.Error, ValueError):
        return None
