"""Cuts a program's output where something happens that a screen alone would not tell.

Everything passes through unchanged in order, cut into steps, except the OSC sequences that are messages to the
multiplexer (titles, toasts, user variables …), which are taken out. Sequences may arrive in pieces of any size. While
synchronized output (DECSET 2026) holds, steps are kept back as WezTerm keeps them: until the program ends it, without a
time limit, but never more than HELD_BYTES.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

from wa.embedded.utf8 import Utf8

HELD_BYTES = 16 * 1024 * 1024
UNFINISHED_BYTES = 4 * 1024 * 1024
"""An OSC that has no end by then is given up and passes through."""


class StepKind(Enum):
    TEXT = auto()
    OSC = auto()
    """`data` is what stands between the introducer and the end; not to be shown."""
    RESET = auto()
    """RIS."""
    ERASE_HISTORY = auto()
    """ED 3."""
    SWITCH = auto()
    """To or from the alternate screen."""
    EDIT = auto()
    """ED, EL, ECH, ICH, DCH, IL, DL, SD."""
    REVERSE_INDEX = auto()
    """RI."""
    MARGINS = auto()
    """DECSTBM."""
    CURSOR_SHAPE = auto()
    """DECSCUSR."""


class Step(NamedTuple):
    kind: StepKind
    data: bytes


ALTERNATE_SCREEN_MODES = (47, 1047, 1049)
_SYNCHRONIZED = 2026
_OSC_BODY = rb"[^\x07\x18\x1a\x1b]*"
_MESSAGE = rb"(?:(?:[0127]|9|52|777|1337);" + _OSC_BODY + rb"|[lL]" + _OSC_BODY + rb")"
_NUMBERS_BEFORE, _NUMBERS_AFTER = rb"(?:[0-9;]*;)?0*", rb"(?:;[0-9;]*)?"

_SEQUENCE = re.compile(
    rb"\x1b(?:"
    rb"\](?P<osc>" + _MESSAGE + rb")(?:\x07|\x1b\\|(?=[\x18\x1a\x1b]))"
    rb"|(?P<reset>c)"
    rb"|(?P<softreset>\[!p)"
    rb"|(?P<erase>\[\??" + _NUMBERS_BEFORE + rb"3" + _NUMBERS_AFTER + rb"J)"
    rb"|(?P<modes>\[\?" + _NUMBERS_BEFORE + rb"(?:47|1047|1049|2026)" + _NUMBERS_AFTER + rb"[hl])"
    rb"|(?P<edit>\[\??[0-9;]*[JKX@PLMT])"
    rb"|(?P<ri>M)"
    rb"|(?P<margins>\[[0-9]*(?:;[0-9]*)?r)"
    rb"|(?P<shape>\[[0-9]* q)"
    rb")"
)
_UNFINISHED = re.compile(
    rb"\x1b(?:\[[0-9;?!]{0,64} ?|\](?:[0-9]{0,4}|" + _MESSAGE + rb"\x1b?))?",
)
_KINDS = {
    "osc": StepKind.OSC,
    "reset": StepKind.RESET,
    "erase": StepKind.ERASE_HISTORY,
    "edit": StepKind.EDIT,
    "ri": StepKind.REVERSE_INDEX,
    "margins": StepKind.MARGINS,
    "shape": StepKind.CURSOR_SHAPE,
}


class Scanner:
    def __init__(self) -> None:
        self._utf8 = Utf8()
        self._unfinished = b""
        self._held: list[Step] | None = None
        self._held_bytes = 0

    @property
    def is_holding(self) -> bool:
        return self._held is not None

    def feed(self, data: bytes) -> list[list[Step]]:
        """Batches of steps. Each batch is to be shown as one change; none is empty."""
        data = self._unfinished + self._utf8.feed(data)
        end = _unfinished_at(data)
        self._unfinished = data[end:]
        batches: list[list[Step]] = []
        batch = self._held if self._held is not None else []
        start = 0
        for match in _SEQUENCE.finditer(data):
            if match.start() >= end:
                break
            name = match.lastgroup
            assert name is not None
            if match.start() > start:
                batch.append(Step(StepKind.TEXT, data[start : match.start()]))
            start = match.end()
            sequence = match.group()
            if name in _KINDS:
                batch.append(Step(_KINDS[name], match["osc"] if name == "osc" else sequence))
                continue
            if name == "softreset":
                batch.append(Step(StepKind.MARGINS, sequence))
            else:
                modes = [mode for mode in sequence[3:-1].split(b";") if mode]
                others = [mode for mode in modes if int(mode) != _SYNCHRONIZED]
                if others:
                    batch.append(Step(StepKind.SWITCH, b"\x1b[?" + b";".join(others) + sequence[-1:]))
                if len(others) == len(modes):
                    continue
            if sequence.endswith(b"h"):
                if self._held is None and batch:
                    batches.append(batch)
                    batch = []
                self._held = batch
            else:
                self._held, self._held_bytes = None, 0
                if batch:
                    batches.append(batch)
                batch = []
        if start < end:
            batch.append(Step(StepKind.TEXT, data[start:end]))
        if self._held is not None:
            self._held = batch
            self._held_bytes += len(data)
            if self._held_bytes <= HELD_BYTES:
                return batches
            self._held, self._held_bytes = None, 0
        if batch:
            batches.append(batch)
        return batches

    def finish(self) -> list[list[Step]]:
        """What is still kept back when the program has ended."""
        batch = [*(self._held or []), *([Step(StepKind.TEXT, self._unfinished)] if self._unfinished else [])]
        self._held, self._held_bytes, self._unfinished = None, 0, b""
        return [batch] if batch else []


def _unfinished_at(data: bytes) -> int:
    """Where a sequence begins that *data* does not complete and that could become one of ours; else its length."""
    last = data.rfind(b"\x1b")
    if last < 0:
        return len(data)
    if last == len(data) - 1:
        before = data.rfind(b"\x1b", 0, last)
        if before >= 0 and len(data) - before <= UNFINISHED_BYTES and _UNFINISHED.fullmatch(data, before):
            return before
    if len(data) - last <= UNFINISHED_BYTES and _UNFINISHED.fullmatch(data, last):
        return last
    return len(data)
