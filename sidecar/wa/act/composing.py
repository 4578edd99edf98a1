"""What stands in an agent's composer: nothing, our text, or somebody else's. Pure: sights in, answers out.

A text counts as ours where all of it stands there; where a long one is hidden, where the agent's placeholder stands with the right
count; where the composer is lower than the text, where its end stands there.
"""

from __future__ import annotations

import re
from enum import StrEnum

from wa.act import seeing
from wa.model.agent import PaneState
from wa.model.profile import Profile
from wa.model.sight import Sight

BUSY = frozenset({PaneState.WORKING, PaneState.COMPACTING})
ENDED = frozenset({PaneState.SHELL, PaneState.EXITED})
PART_CHARS = 40
"""So much of a text must be seen where the composer does not show all of it."""
PART_LINES = 8
_MARK = re.compile(r"^[>❯›]")
_COUNT = re.compile(r"(\d+) (chars|characters|lines?)\b")


class Held(StrEnum):
    WHOLE = "whole"
    MASK = "placeholder"
    PART = "part"


def is_busy(sight: Sight) -> bool:
    """By the screen, or by the other signals: a title may work where the screen says nothing of it yet."""
    return sight.state in BUSY or (sight.settled.agent == sight.agent and sight.settled.state in BUSY)


def is_asking(sight: Sight) -> bool:
    return sight.dialog is not None or sight.state.startswith("waiting.")


def has_ended(sight: Sight) -> bool:
    """A shell has the pane."""
    return sight.agent is None or sight.state in ENDED


def is_empty(sight: Sight, profile: Profile) -> bool:
    """A composer is there, and nothing stands in it."""
    if sight.draft is None or seeing.essence(sight.draft):
        return False
    # A draft that begins with an empty line looks empty where nothing is drawn around it: the cursor tells.
    return not profile.send.cursor or (_rows_to_cursor(sight) == 1 and not _up_to_cursor(sight))


def holds(text: str, sight: Sight, profile: Profile) -> Held | None:
    """How *text*, and nothing else, stands in the composer."""
    wanted = _plain(text)
    if not wanted or is_asking(sight):
        return None
    if sight.draft is None:
        # A composer that fills the pane has no footer to be known by, but its text stands between its mark and the cursor.
        return Held.WHOLE if profile.send.cursor and _is_marked_text(wanted, sight) else None
    shown = _plain(sight.draft)
    is_mask = _is_mask(text, sight.draft, profile)
    if profile.send.cursor:
        typed = _up_to_cursor(sight)
        if typed is None or not _ends_there(sight):
            return None
        if typed == wanted and wanted.startswith(shown):
            return Held.WHOLE
        return Held.MASK if is_mask and typed == shown else None
    if shown == wanted:
        return Held.WHOLE
    if is_mask:
        return Held.MASK
    return Held.PART if wanted.endswith(shown) and _is_enough(text, shown) else None


def _is_enough(text: str, shown: str) -> bool:
    if len(shown) >= PART_CHARS:
        return True
    lines = [line for line in map(_plain, text.split("\n")) if line]
    return any("".join(lines[-count:]) == shown for count in range(PART_LINES, len(lines)))


def _is_marked_text(wanted: str, sight: Sight) -> bool:
    rows = sight.screen.rows
    last = seeing.cursor_place(sight.screen)
    if has_ended(sight) or not 0 <= last < len(rows) or not _ends_there(sight):
        return False
    typed = seeing.left_of_cursor(sight.screen, last)
    for at in range(last, -1, -1):
        if at < last:
            typed = rows[at].text + typed
        if _MARK.match(rows[at].text):
            return _MARK.sub("", _plain(typed)) == wanted
        if rows[at].text[:1].strip():
            return False
    return False


def is_same(one: str | None, other: str) -> bool:
    """Two drafts that differ by no more than how they were broken into rows."""
    return one is not None and _plain(one) == _plain(other)


def is_before_cursor(sight: Sight) -> bool:
    """What stands in the composer ends where the terminal's cursor stands: not every agent puts it there."""
    return bool(sight.draft) and _up_to_cursor(sight) == _plain(sight.draft or "") and _ends_there(sight)


def in_transcript(text: str, sight: Sight) -> int:
    """How often *text* stands above the composer; where a dialog took its place, on the whole screen.

    0 where neither is there: what an agent that was killed left of its composer is no transcript.
    """
    if sight.composer_row is None and not is_asking(sight):
        return 0
    rows = sight.screen.rows[: sight.composer_row]
    tail = _plain(text)[-seeing.TAIL_CHARS :]
    return _plain("".join(row.text for row in rows)).count(tail) if tail else 0


def _plain(text: str) -> str:
    """Without blanks and frames, and with one kind of apostrophe: a draft is told so."""
    return seeing.essence(text.replace("’", "'"))


def _is_mask(text: str, draft: str, profile: Profile) -> bool:
    mask = profile.send.mask or seeing.PLACEHOLDER
    if mask.fullmatch(draft.strip()) is None or (len(text) < seeing.PLACEHOLDER_FROM_CHARS and "\n" not in text):
        return False
    breaks = text.count("\n")
    # Claude Code counts the breaks, Gemini CLI the lines, both call them lines.
    right = {"c": (len(text),), "l": (breaks, breaks + 1)}
    return all(int(number) in right[unit[0]] for number, unit in _COUNT.findall(draft))


def _up_to_cursor(sight: Sight) -> str | None:
    """From the composer's first row to the cursor, without its mark; None where the cursor stands elsewhere."""
    rows = sight.screen.rows
    if sight.composer_row is None or not rows:
        return None
    last = seeing.cursor_place(sight.screen)
    if not sight.composer_row <= last < len(rows):
        return None
    above = "".join(row.text for row in rows[sight.composer_row : last])
    return _MARK.sub("", _plain(above + seeing.left_of_cursor(sight.screen, last)))


def _rows_to_cursor(sight: Sight) -> int:
    if sight.composer_row is None or not sight.screen.rows:
        return 0
    return seeing.cursor_place(sight.screen) - sight.composer_row + 1


def _ends_there(sight: Sight) -> bool:
    """Nothing stands right of the cursor."""
    screen = sight.screen
    place = seeing.cursor_place(screen)
    return not screen.rows[place].text[len(seeing.left_of_cursor(screen, place)) :].strip()
