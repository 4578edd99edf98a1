"""What people type after `wa search`, and where it matches.

Words find words: all of them, in any order and at most a few lines apart, since programs wrap their own text. `word*`
is the beginning of a word, `"several words"` a phrase, whatever stands between them. A word with other characters in
it (`foo-bar`, `C++`, `/etc/hosts`) is meant to the letter. Case and accents make no difference. Nothing is a syntax
error.

The index only proposes chunks; this file decides, on stored lines and on screens alike.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from wa.model.errors import UsageError

NEARBY_LINES = 4
"""How far apart the words of one hit may stand."""
MAX_TERMS = 32

_TERM = re.compile(r'"(?P<phrase>[^"]*)"?|(?P<bare>[^\s"]+)')
_WORD = re.compile(r"[^\W_]+")
_BETWEEN = r"[\W_]+"
_END = r"(?![^\W_])"
_CONTROLS = dict.fromkeys(range(32), " ")


class Matcher(Protocol):
    """What finds lines: a Query or a Pattern."""

    def expression(self) -> str | None:
        """For FTS5's MATCH: finds every chunk that `find` finds lines in. None: the index cannot help."""
        ...

    def find(self, text: str) -> list[int]:
        """The numbers of the lines of *text* that are hits, in order. Lines are parted by newlines."""
        ...


class Term(NamedTuple):
    """One thing that must be there."""

    raw: str
    """As typed, for the index's own tokenizer; "" if it has no word."""
    is_prefix: bool
    first: str
    """Folded text that every match begins with: found at C's speed."""
    pattern: re.Pattern[str]
    """Matches folded text where `first` stands."""


class Query(NamedTuple):
    terms: tuple[Term, ...]

    def expression(self) -> str | None:
        return " ".join([f'"{term.raw}"{"*" if term.is_prefix else ""}' for term in self.terms if term.raw]) or None

    def find(self, text: str) -> list[int]:
        folded = fold(text)
        places: list[list[int]] = []
        for term in self.terms:
            found = _lines_of(term, folded)
            if not found:
                return []
            places.append(found)
        places.sort(key=len)
        return [line for line in places[0] if all(_is_near(line, others) for others in places[1:])]


def parse(text: str) -> Query:
    """Raises UsageError for a text with nothing in it to look for."""
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
    words = _WORD.findall(folded)
    if not words:
        return Term("", False, folded, re.compile(re.escape(folded))) if folded else None
    return Term(text, False, words[0], re.compile(_BETWEEN.join(words) + _END))


def _bare(text: str) -> Term:
    is_prefix = text.endswith("*") and text[-2:-1].isalnum()
    stem = text[:-1] if is_prefix else text
    folded = fold(stem) or stem
    end = _END if folded[-1].isalnum() and not is_prefix else ""
    raw = stem if _WORD.search(folded) else ""
    return Term(raw, is_prefix and bool(raw), folded, re.compile(re.escape(folded) + end))


def _lines_of(term: Term, folded: str) -> list[int]:
    """The lines of *folded* in which *term* matches, each once."""
    lines: list[int] = []
    line = counted = 0
    first, begins_word = term.first, term.first[0].isalnum()
    at = folded.find(first)
    while at >= 0:
        if (at and begins_word and folded[at - 1].isalnum()) or not term.pattern.match(folded, at):
            at = folded.find(first, at + 1)
            continue
        line += folded.count("\n", counted, at)
        counted = at
        lines.append(line)
        end = folded.find("\n", at)
        at = folded.find(first, end) if end >= 0 else -1
    return lines


def _is_near(line: int, others: Sequence[int]) -> bool:
    place = bisect_left(others, line - NEARBY_LINES)
    return place < len(others) and others[place] <= line + NEARBY_LINES


def fold(text: str) -> str:
    """As the index's tokenizer folds: lower case, accents off. Newlines stay what they are."""
    if text.isascii():
        return text.lower()
    letters = {ord(char): bare for char in set(text) if char > "\x7f" and (bare := _bare_letter(char)) != char}
    return (text.translate(letters) if letters else text).lower()


def _bare_letter(char: str) -> str:
    if unicodedata.combining(char):
        return ""
    if char == "ς":
        return "σ"
    base = unicodedata.normalize("NFD", char)[0]
    return base if char.isalpha() and base.isalpha() else char
