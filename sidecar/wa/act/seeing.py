"""Did what was pasted appear on the screen, does it still stand there, and was it taken? Pure: screens in, answers out.

Nothing on the wire says what a program does with its input, so the screen must. Text counts as arrived where it stands
right before the cursor and did not before (shells, most composers), where there is one more of it than before
(composers that keep the terminal's cursor elsewhere), or where a placeholder for a long paste has come up. All
comparing is done without blanks and frames, since composers wrap and indent as they like.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from wcwidth import wcwidth

from wa.model.screen import Row, Screen

TAIL_CHARS = 160
"""Of a long text its end must be seen; its beginning may have scrolled out of a composer."""
SHORT_CHARS = 4
"""Shorter than this, one more occurrence somewhere proves nothing: clocks and counters print single letters too."""

PLACEHOLDER = re.compile(r"\[Pasted (?:text|Text|Content)\b[^\]\n]{0,60}\]")
"""What composers show in place of a long or many-lined paste: `[Pasted text #1 +1 lines]` of Claude Code 2.1.12, seen
2026-11-21; `[Pasted Content 1500 chars]` of Codex and `[Pasted Text: 12 lines]` of Gemini after their sources."""
PLACEHOLDER_FROM_CHARS = 100
"""No composer hides a shorter single line."""

_NOISE = re.compile(r"[\s\u2500-\u259f\u00a0\u200b|]+")
"""Blanks, box drawing, block elements, and the bar that some draw boxes with."""
_PROMPT = re.compile(r"^[>❯›»$#%*•·]*")
RIGHT_PROMPT_BLANKS = 4
_BARE_PROMPT = re.compile(r".{0,300}?(?:(?:^|[^\d\s])[%$#❯»]|(?:^|\s)[$#❯➜»λ]) ?")
_COMPOSER = re.compile(r"^[>❯›]")
"""How a composer's first row begins, frame aside: Claude Code 2.1, Codex 0.87 to 0.169, Gemini CLI 0.61 (seen 2026-11-21)."""


class How(StrEnum):
    AT_CURSOR = "at_cursor"
    ELSEWHERE = "elsewhere"
    PLACEHOLDER = "placeholder"


class Seen(NamedTuple):
    how: How
    cursor_row: int
    """Stable index of the cursor's row."""
    cursor_text: str
    """What stood on it."""


def appeared(text: str, before: Screen, after: Screen) -> Seen | None:
    """How *text* has arrived between the two screens; None if it has not."""
    wanted = essence(text)
    if not wanted:
        moved = (after.cursor.x, after.cursor.y) != (before.cursor.x, before.cursor.y)
        return _seen(How.AT_CURSOR, after) if moved else None
    if _at_cursor(text, before, after):
        return _seen(How.AT_CURSOR, after)
    if _elsewhere(wanted, before, after):
        return _seen(How.ELSEWHERE, after)
    if (len(text) >= PLACEHOLDER_FROM_CHARS or "\n" in text) and len(_placeholders(after)) > len(_placeholders(before)):
        return _seen(How.PLACEHOLDER, after)
    return None


def still_there(text: str, seen: Seen, now: Screen) -> bool:
    """Whether the text still waits to be submitted: a carriage return now would be about it.

    Where it stands may change: the output above pushes a composer down.
    """
    tail = _tail(essence(text))
    if seen.how is How.AT_CURSOR:
        return _stands_before_cursor(tail, now) and not _left_behind(seen, now)
    hidden = seen.how is How.PLACEHOLDER
    place = max(_placeholders(now), default=None) if hidden else _place_of(tail, now.rows)
    # Submitted text goes up into the transcript or a queue, and a fresh composer stands below it.
    return place is not None and not any(_COMPOSER.match(essence(row.text)) for row in now.rows[place + 1 :])


def taken(text: str, seen: Seen, now: Screen) -> bool:
    """Whether the program did something with the text: it does not wait in its input any more."""
    return not still_there(text, seen, now)


def changed(before: Screen, now: Screen) -> bool:
    """Whether anything is drawn otherwise."""
    return now.cursor != before.cursor or [row.text for row in now.rows] != [row.text for row in before.rows]


def is_on_line(text: str, before: Screen, now: Screen) -> bool:
    """What stood on the cursor's line, then *text*, then the cursor: nobody else typed there."""
    line = before_cursor(now)
    return bool(line) and _up_to_cursor(now).endswith(before_cursor(before) + essence(text))


def is_bare_prompt(screen: Screen) -> bool:
    """The cursor stands behind what ends like a shell's prompt, and nothing is typed there."""
    place = cursor_place(screen)
    if not 0 <= place < len(screen.rows) or any(row.text.strip() for row in screen.rows[place + 1 :]):
        return False
    text = screen.rows[place].text
    left = left_of_cursor(screen, place)
    right = text[len(left) :]
    # What a shell proposes begins at the cursor, what it writes at the right border far from it.
    far = not right.strip() or len(right) - len(right.lstrip(" ")) >= RIGHT_PROMPT_BLANKS
    return far and _BARE_PROMPT.fullmatch(left) is not None


def is_prompt_amid_leftovers(screen: Screen) -> bool:
    """Like `is_bare_prompt`, whatever a program that was killed has left standing right of the cursor and below."""
    place = cursor_place(screen)
    return 0 <= place < len(screen.rows) and _BARE_PROMPT.fullmatch(left_of_cursor(screen, place)) is not None


def _seen(how: How, screen: Screen) -> Seen:
    return Seen(how, screen.cursor.y, _row_text(screen, screen.cursor.y))


def _left_behind(seen: Seen, now: Screen) -> bool:
    """The cursor went on while its row stayed as it was: a terminal's own echo of Enter."""
    return now.cursor.y != seen.cursor_row and _row_text(now, seen.cursor_row) == seen.cursor_text != ""


def _row_text(screen: Screen, index: int) -> str:
    place = index - screen.rows[0].index if screen.rows else -1
    return essence(screen.rows[place].text) if 0 <= place < len(screen.rows) else ""


def essence(text: str) -> str:
    return _NOISE.sub("", text)


def before_cursor(screen: Screen) -> str:
    """The logical line with the cursor, up to the cursor, without blanks and frames."""
    place = cursor_place(screen)
    if not 0 <= place < len(screen.rows):
        return ""
    first = place
    while first > 0 and screen.rows[first - 1].wrapped:
        first -= 1
    above = "".join(row.text for row in screen.rows[first:place])
    return essence(above + left_of_cursor(screen, place))


def left_of_cursor(screen: Screen, place: int) -> str:
    """What stands left of the cursor on its row; *place* is that of the row among those shown."""
    # In the last column the cursor may stand on the character that filled it: terminals wrap only with the next one.
    columns = screen.cols if screen.cursor.x >= screen.cols - 1 else screen.cursor.x
    return cells(screen.rows[place].text, columns)


def cells(text: str, columns: int) -> str:
    """The part of *text* that stands in the first *columns* cells."""
    if text.isascii():
        return text[:columns]
    used = 0
    for at, char in enumerate(text):
        width = max(0, wcwidth(char))
        if used + width > columns:
            return text[:at]
        used += width
    return text


def _at_cursor(text: str, before: Screen, after: Screen) -> bool:
    wanted = essence(text)
    line, line_before = before_cursor(after), before_cursor(before)
    if line == line_before + wanted and "\n" not in text.strip("\n"):
        return True
    tail = _tail(wanted)
    if len(tail) < SHORT_CHARS:
        return False
    if not _stands_before_cursor(tail, after):
        return False
    # The same text may have stood there before: then there must be one more of it.
    return not _stands_before_cursor(tail, before) or _up_to_cursor(after).count(tail) > _up_to_cursor(before).count(
        tail
    )


def _stands_before_cursor(tail: str, screen: Screen) -> bool:
    """Also where a program broke the text into rows by itself; but some of it must stand in the cursor's own line."""
    if not tail:
        return True
    return bool(before_cursor(screen)) and _up_to_cursor(screen).endswith(tail)


def _elsewhere(wanted: str, before: Screen, after: Screen) -> bool:
    tail = _tail(wanted)
    if len(tail) >= SHORT_CHARS:
        return _all(after).count(tail) > _all(before).count(tail)
    known = {essence(row.text) for row in before.rows}
    shown = (essence(row.text) for row in after.rows)
    return any(row not in known and _PROMPT.sub("", row) == tail for row in shown)


def _place_of(tail: str, rows: tuple[Row, ...]) -> int | None:
    """The lowest row on which *tail* ends, however many rows it began above."""
    shown = [essence(row.text) for row in rows]
    found = "".join(shown).rfind(tail)
    if found < 0:
        return None
    end, at = found + len(tail), 0
    for place, part in enumerate(shown):
        at += len(part)
        if at >= end:
            return place
    return None


def _placeholders(screen: Screen) -> list[int]:
    return [place for place, row in enumerate(screen.rows) for _ in PLACEHOLDER.findall(row.text)]


def _tail(wanted: str) -> str:
    return wanted[-TAIL_CHARS:]


def _all(screen: Screen) -> str:
    return essence("".join(row.text for row in screen.rows))


def _up_to_cursor(screen: Screen) -> str:
    place = cursor_place(screen)
    if not 0 <= place < len(screen.rows):
        return ""
    above = "".join(row.text for row in screen.rows[:place])
    return essence(above + left_of_cursor(screen, place))


def cursor_place(screen: Screen) -> int:
    """Index into `rows` of the cursor's row; it may lie beyond them."""
    return screen.cursor.y - screen.rows[0].index if screen.rows else -1
