"""wa's own lines in somebody else's text file, between two comments that name them. Pure.

What `put_block` did, `take_block` undoes to the character, whatever the file's line ends are. Where the file had no
last line break, the first comment says so: a line that somebody appends later must not grow onto a comment.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from wa.provision.text_trouble import TextTrouble

COMMENTS = ("#", "--", "//", ";", '"')
"""What begins a comment in the files that wa writes into."""
BARE = " (the line before had no line break)"
_PIECE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class _Found(NamedTuple):
    before: str
    is_bare: bool
    body: list[str]
    """Its lines, without line breaks."""
    after: str
    line_end: str


def put_block(text: str, name: str, body: str, *, comment: str = "#", at: int | None = None) -> str:
    """*text* with the block in the place of the one it has, else at its end, or at the offset *at* where a line begins.

    Raises TextTrouble where the block's comments are there, but not as a pair.
    """
    begin, end = _markers(name, comment)
    lines = _lines(body)
    if any(line.strip() in (begin, begin + BARE, end) for line in lines):
        raise ValueError(f"the body of {name} holds its own end")
    found = _find(text, name, comment)
    if found is None:
        line_end = line_end_of(text)
        place = len(text) if at is None else at
        before, after = text[:place], text[place:]
        is_bare = bool(before) and not before.endswith(line_end)
        if is_bare:
            before += line_end
    else:
        before, is_bare, _, after, line_end = found
    first = begin + BARE if is_bare else begin
    return before + "".join(line + line_end for line in (first, *lines, end)) + after


def take_block(text: str, name: str, *, comment: str = "#") -> str:
    """*text* without the block; the same text where there is none. Raises TextTrouble as `put_block`."""
    found = _find(text, name, comment)
    if found is None:
        return text
    before = found.before.removesuffix(found.line_end) if found.is_bare and not found.after else found.before
    return before + found.after


def block_in(text: str, name: str, *, comment: str = "#") -> str | None:
    r"""What stands in the block, with `\n` between its lines and none behind the last. Raises TextTrouble."""
    found = _find(text, name, comment)
    return None if found is None else "\n".join(found.body)


def comment_of(text: str, name: str) -> str | None:
    """What begins the comments of that block in *text*; None where it has none."""
    for comment in COMMENTS:
        begin, _ = _markers(name, comment)
        if begin in text:
            return comment
    return None


def line_end_of(text: str) -> str:
    """That of most lines; a line feed where there are none."""
    windows = text.count("\r\n")
    unix = text.count("\n") - windows
    if windows or unix:
        return "\r\n" if windows > unix else "\n"
    return "\r" if "\r" in text else "\n"


def _markers(name: str, comment: str) -> tuple[str, str]:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a block")
    return f"{comment} wa {name}: begin", f"{comment} wa {name}: end"


def _lines(body: str) -> list[str]:
    return [piece.rstrip("\r\n") for piece in _PIECE.findall(body)]


def _find(text: str, name: str, comment: str) -> _Found | None:
    begin, end = _markers(name, comment)
    if begin not in text and end not in text:
        return None
    pieces = _PIECE.findall(text)
    begins = [number for number, piece in enumerate(pieces) if piece.strip() in (begin, begin + BARE)]
    ends = [number for number, piece in enumerate(pieces) if piece.strip() == end]
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        where = (begins + ends)[-1] + 1
        raise TextTrouble(where, f"the lines of wa's block {name!r} are not one pair of begin and end")
    (first,), (last,) = begins, ends
    head = pieces[first]
    return _Found(
        before="".join(pieces[:first]),
        is_bare=head.strip().endswith(BARE),
        body=[piece.rstrip("\r\n") for piece in pieces[first + 1 : last]],
        after="".join(pieces[last + 1 :]),
        line_end=head[len(head.rstrip("\r\n")) :],
    )
