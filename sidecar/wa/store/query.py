"""What people type after `wa search`, and where it matches.

Words find words: all of them, in any order and at most a few lines apart, since programs wrap their own text. `word*`
is the beginning of a word, `"several words"` a phrase, whatever stands between them. A word with other characters in it
(`foo-bar`, `C++`, `/etc/hosts`) is meant to the letter. Case and accents make no difference. Nothing is a syntax error.

The index only proposes chunks; this file decides, on stored lines and on screens alike.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from wa.model.errors import UsageError
from wa.store.chunks import is_accented

NEARBY_LINES = 4
"""How far apart the words of one hit may stand."""
MAX_TERMS = 32

_TERM = re.compile(r'"(?P<phrase>[^"]*)"?|(?P<bare>[^\s"]+)')
_WORD = re.compile(r"[^\W_]+")
_SORTS = bytes(2 if byte > 0x7F else chr(byte).isalnum() for byte in range(256))
"""Of a byte of UTF-8: 1 a letter or digit, 2 a part of what may be one, 0 neither."""
_CONTROLS = dict.fromkeys(range(32), " ")


class Place(NamedTuple):
    """A line that is a hit: its number, and where it stands in the UTF-8 that was searched."""

    line: int
    start: int
    end: int


class Matcher(Protocol):
    """What finds lines: a Query or a Pattern."""

    def expression(self) -> str | None:
        """For FTS5's MATCH: finds every chunk that `find` finds lines in. None: the index cannot help."""
        ...

    def literal(self) -> str:
        """ASCII that stands, in whatever case, in all text that is not accented and in which `find` finds lines; or ""."""
        ...

    def find(self, text: str) -> list[int]:
        """The numbers of the lines of *text* that are hits, in order. Lines are parted by newlines."""
        ...

    def places(self, data: bytes, *, accented: bool) -> list[Place]:
        """The same for UTF-8; *accented* as `wa.store.chunks.is_accented` says."""
        ...


class Term(NamedTuple):
    """One thing that must be there."""

    raw: str
    """As typed, for the index's own tokenizer; "" if it has no word."""
    words: tuple[str, ...]
    """A phrase, folded; () for text that is meant to the letter."""
    letters: str
    """That text, folded; of a phrase its first word."""
    goes_on: bool
    """The last word may be the beginning of a longer one."""

    @property
    def plain(self) -> bytes:
        """What to look for in lowered UTF-8, if that is all there is to it."""
        return b"" if self.words or not self.letters.isascii() else self.letters.encode()


class Query:
    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = tuple(terms)
        self._plain = [(term.plain, term.goes_on) for term in terms]
        self._is_plain = all(plain for plain, _ in self._plain)

    def expression(self) -> str | None:
        found = [f'"{term.raw}"{"*" if term.goes_on and not term.words else ""}' for term in self.terms if term.raw]
        return " ".join(found) or None

    def literal(self) -> str:
        return max(self._plain, key=lambda plain: len(plain[0]))[0].decode() if self._is_plain else ""

    def find(self, text: str) -> list[int]:
        data = text.encode(errors="replace")
        return [place.line for place in self.places(data, accented=is_accented(data))]

    def places(self, data: bytes, *, accented: bool) -> list[Place]:
        if self._is_plain and not accented:
            lowered = data.lower()
            if len(self._plain) == 1:
                return _places_of_plain(lowered, *self._plain[0])
            found = [[place.line for place in _places_of_plain(lowered, *plain)] for plain in self._plain]
        else:
            folded = fold(data.decode())
            found = [_lines_of(term, folded) for term in self.terms]
        return places_of_lines(data, together(found))


def parse(text: str) -> Query:
    """Raises UsageError for a text with nothing in it to look for."""
    if text.isascii() and text.isalnum():
        return Query((Term(text, (), text.lower(), goes_on=False),))
    terms: dict[Term, None] = {}
    for found in _TERM.finditer(text.translate(_CONTROLS)):
        term = _phrase(found["phrase"]) if found["bare"] is None else _bare(found["bare"])
        if term is not None:
            terms[term] = None
    if not terms:
        raise UsageError("there is nothing to search for", next_step="Give a word, or `--regex` and a pattern.")
    return Query(tuple(terms)[:MAX_TERMS])


def _phrase(text: str) -> Term | None:
    folded = fold(text).strip()
    words = tuple(_WORD.findall(folded))
    if not words:
        return Term("", (), folded, goes_on=True) if folded else None
    return Term(text, words, words[0], goes_on=False)


def _bare(text: str) -> Term:
    is_prefix = text.endswith("*") and text[-2:-1].isalnum()
    stem = text[:-1] if is_prefix else text
    folded = fold(stem) or stem
    has_word = _WORD.search(folded) is not None
    # A term that ends in no letter needs nothing after it, and is no prefix for the index either.
    return Term(stem if has_word else "", (), folded, goes_on=is_prefix)


def together(found: list[list[int]]) -> list[int]:
    """Lines of the rarest term that have all others nearby."""
    if len(found) == 1:
        return found[0]
    found = sorted(found, key=len)
    return [line for line in found[0] if all(_is_near(line, others) for others in found[1:])]


def _is_near(line: int, others: Sequence[int]) -> bool:
    place = bisect_left(others, line - NEARBY_LINES)
    return place < len(others) and others[place] <= line + NEARBY_LINES


def places_of_lines(data: bytes, lines: Sequence[int]) -> list[Place]:
    places: list[Place] = []
    start = number = 0
    for line in lines:
        while number < line:
            start = data.index(b"\n", start) + 1
            number += 1
        end = data.find(b"\n", start)
        places.append(Place(line, start, len(data) if end < 0 else end))
    return places


def _places_of_plain(lowered: bytes, plain: bytes, goes_on: bool) -> list[Place]:
    """Lines of UTF-8, in lower case and without accents, that hold *plain* as a word, each once."""
    places: list[Place] = []
    find, size = lowered.find, len(plain)
    at = find(plain)
    if at < 0:
        return places
    line = counted = 0
    begins_word, ends_word = plain[:1].isalnum(), plain[-1:].isalnum() and not goes_on
    while at >= 0:
        end = at + size
        # For each place of a short word; most stand inside longer ones.
        if begins_word and at and (sort := _SORTS[lowered[at - 1]]) and (sort == 1 or _ends_in_letter(lowered, at)):
            at = find(plain, at + 1)
            continue
        if (
            ends_word
            and end < len(lowered)
            and (sort := _SORTS[lowered[end]])
            and (sort == 1 or _begins_with_letter(lowered, end))
        ):
            at = find(plain, at + 1)
            continue
        line += lowered.count(b"\n", counted, at)
        counted = at
        start, stop = lowered.rfind(b"\n", 0, at) + 1, find(b"\n", end)
        if stop < 0:
            stop = len(lowered)
        places.append(Place(line, start, stop))
        at = find(plain, stop)
    return places


def _ends_in_letter(data: bytes, end: int) -> bool:
    return data[max(0, end - 4) : end].decode(errors="ignore")[-1:].isalnum()


def _begins_with_letter(data: bytes, start: int) -> bool:
    return data[start : start + 4].decode(errors="ignore")[:1].isalnum()


def _lines_of(term: Term, folded: str) -> list[int]:
    """The lines of folded text in which *term* matches, each once."""
    lines: list[int] = []
    line = counted = 0
    first = term.letters
    pattern = _phrase_pattern(term.words) if term.words else None
    begins_word, ends_word = first[0].isalnum(), first[-1].isalnum() and not term.goes_on
    at = folded.find(first)
    while at >= 0:
        end = at + len(first)
        is_torn = begins_word and at and folded[at - 1].isalnum()
        if is_torn or not (
            pattern.match(folded, at) if pattern else not (ends_word and folded[end : end + 1].isalnum())
        ):
            at = folded.find(first, at + 1)
            continue
        line += folded.count("\n", counted, at)
        counted = at
        lines.append(line)
        end = folded.find("\n", at)
        at = folded.find(first, end) if end >= 0 else -1
    return lines


@lru_cache(maxsize=256)
def _phrase_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"[\W_]+".join(words) + r"(?![^\W_])")


def fold(text: str) -> str:
    """As the index's tokenizer folds: lower case, accents off. Newlines stay what they are."""
    if text.isascii():
        return text.lower()
    letters = {ord(char): bare for char in set(text) if char > "\x7f" and (bare := _bare_letter(char)) != char}
    return (text.translate(letters) if letters else text).lower()


@lru_cache(maxsize=4096)
def _bare_letter(char: str) -> str:
    if unicodedata.combining(char):
        return ""
    if char == "ς":
        return "σ"
    base = unicodedata.normalize("NFD", char)[0]
    return base if char.isalpha() and base.isalpha() else char
