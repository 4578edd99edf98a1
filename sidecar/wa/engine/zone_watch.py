"""Commands of a pane by its semantic zones alone (OSC 133): where the cursor stands in a prompt or an input, a shell waits; where it has
left one that was not empty, what stood there runs. What a prompt looks like is the user's, so that no text is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from wa.model.screen import Row
from wa.protocol.mux.zones import INPUT, PROMPT, RawRows, Zoned, read_zones

MAX_COMMAND_BYTES = 1_024
MAX_BLOCK_ROWS = 64
_SECONDARY = re.compile(r"(?:[a-z]+ ?)*>\s*")
"""What bash and zsh ask for the rest of a command with (PS2): `> `, `dquote> `, `for then> `."""


class Line(NamedTuple):
    """A command line."""

    text: str
    """Empty: not told."""
    cut: bool


class Step(NamedTuple):
    """What a push tells, in order: the end of what ran; lines that began and ended since; one that has begun."""

    ended: bool = False
    between: tuple[Line, ...] = ()
    began: Line | None = None


NOTHING = Step()


class ZoneWatch:
    """Of one pane."""

    def __init__(self, cwd: str | None = None) -> None:
        self.cwd = cwd
        """The pane's as it was before the newest push: a prompt tells it, and what was typed there runs in it."""
        self._at_prompt: bool | None = None
        """None: no prompt was seen yet."""
        self._rows: dict[int, Zoned] = {}
        """The prompt that the cursor stands in, and what is typed there, by row."""
        self._entered_row = -1
        """The last row of what was entered last."""

    def push(self, raw: RawRows, rows: Sequence[Row], cursor_row: int) -> Step:
        """*cursor_row* is always among *rows*."""
        if not self._at_prompt and not raw.may_prompt:
            return NOTHING
        zoned = {row.index: row for row in read_zones(raw.data)}
        if self._at_prompt is None:
            if cursor_row in zoned:
                self._at_prompt, self._rows = True, _by_row(_blocks(zoned)[-1])
                return Step(ended=True)
            return NOTHING
        if cursor_row in zoned:
            return self._prompted(zoned, cursor_row)
        if not self._at_prompt:
            return NOTHING
        known = self._merged(zoned, rows)
        lines = [line for block in _blocks(known) if (line := _line_of(block)) is not None]
        self._entered_row = max(known, default=self._entered_row)
        self._at_prompt, self._rows = False, {}
        return Step(between=tuple(lines[:-1]), began=lines[-1] if lines else None)

    def _prompted(self, zoned: dict[int, Zoned], cursor_row: int) -> Step:
        """The cursor stands in a prompt; each block but the last was entered since."""
        if not self._at_prompt:
            # Typed ahead: what was entered at prompts above this one, and below what ran, has begun and ended since.
            blocks = _blocks({index: row for index, row in zoned.items() if index <= cursor_row})
            self._at_prompt, self._rows = True, _by_row(blocks[-1])
            ahead = [_line_of(block) for block in blocks[:-1] if block[0].index > self._entered_row]
            return Step(ended=True, between=tuple(line for line in ahead if line is not None))
        known = self._merged(zoned, [])
        # Below the cursor stands nothing of this prompt but menus; a screen that was cleared has rows of its own.
        blocks = _blocks({index: row for index, row in known.items() if index <= cursor_row})
        lines = [line for block in blocks[:-1] if (line := _line_of(block)) is not None]
        self._rows = _by_row(blocks[-1])
        return Step(between=tuple(lines))

    def _merged(self, zoned: dict[int, Zoned], rows: Sequence[Row]) -> dict[int, Zoned]:
        """What is known of the prompt, as it stands now. Rows of *rows* that are no longer zoned have become output."""
        known = {**self._rows, **zoned}
        if gone := {row.index for row in rows if row.text.strip()} - zoned.keys():
            # The row of a command line is not written again when it is entered.
            known = {index: row for index, row in known.items() if index not in gone}
        return dict(sorted(known.items())[-MAX_BLOCK_ROWS:])


def _by_row(block: list[Zoned]) -> dict[int, Zoned]:
    return {row.index: row for row in block}


def _blocks(zoned: dict[int, Zoned]) -> list[list[Zoned]]:
    """Prompts with what was typed at each, from the top down. A prompt that comes after an input is a new one, but for a secondary one."""
    blocks: list[list[Zoned]] = []
    has_input = False
    for index in sorted(zoned):
        row = zoned[index]
        prompt = next((text for kind, text in row.runs if kind == PROMPT), None)
        is_apart = bool(blocks) and index != blocks[-1][-1].index + 1
        is_new = prompt is not None and has_input and _SECONDARY.fullmatch(prompt.strip()) is None
        if not blocks or is_apart or is_new:
            blocks.append([])
            has_input = False
        blocks[-1].append(row)
        has_input = has_input or any(kind == INPUT for kind, _ in row.runs)
    return blocks


def _line_of(block: list[Zoned]) -> Line | None:
    """What was typed; None for an empty line."""
    text = ""
    for row in block:
        typed = "".join(text for kind, text in row.runs if kind == INPUT)
        if text or typed:
            text += typed if row.wrapped else f"{typed.rstrip()}\n"
    if not text.strip():
        return None
    if text[0].isspace():
        # As shells with wa's integration have it: such a line is not told.
        return Line("", False)
    text = text.strip()
    data = text.encode("utf-8", "replace")
    if len(data) <= MAX_COMMAND_BYTES:
        return Line(text, False)
    return Line(data[:MAX_COMMAND_BYTES].decode("utf-8", "ignore"), True)
