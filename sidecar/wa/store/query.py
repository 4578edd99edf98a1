"""What people type after `wa search`, and where it matches.

Words find words, all of them, in any order and at most a few lines apart, since programs wrap their own text. `word*` is the
beginning of a word, `"several words"` a phrase, whatever stands between them. A word with other characters in it (`foo-bar`,
`C++`, `/etc/hosts`) is meant to the letter. Case and accents make no difference. Nothing is a syntax error.

The index only proposes chunks; this file decides, on stored lines and on screens alike.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wa.model.errors import UsageError

NEARBY_LINES = 4
"""How far apart the words of one hit may stand."""
MAX_TERMS = 32

_TERM = re.compile(r'"(?P<phrase>[^"]*)"?|(?P<bare>[^\s"]+)')
_WORD = re.compile(r"[^\W_]+")
_BETWEEN = r"[\W_]+"


class Term(NamedTuple):
    """One thing that must be there. `words` may be empty: then the index cannot help."""

    words: tuple[str, ...]
    """Folded, as the tokenizer sees them."""
    pattern: re.Pattern[str]
    """Matches folded text where `first` stands."""
    first: str
    """Plain text that every match begins with: found at C's speed."""
    is_prefix: bool


class Query(NamedTuple):
    text: str
    terms: tuple[Term, ...]

    def expression(self) -> str | None:
        """For FTS5's MATCH; it finds all chunks that `find` finds lines in. None where no term has a word."""
        phrases = [" ".join(term.words) for term in self.terms if term.words]
        stars = ["*" if term.is_prefix else "" for term in self.terms if term.words]
        return " ".join(f'"{phrase}"{star}' for phrase, star in zip(phrases, stars, strict=True)) or None

    def find(self, lines: Sequence[str]) -> list[int]:
        """Which of *lines* are hits, in order."""
        text = "\n".join(lines)
        if text.count("\n") >= len(lines):
            text = "\n".join([line.replace("\n", " ") for line in lines])
        folded = fold(text)
        places = []
        for term in self.terms:
            found = list(_lines_of(term, folded))
            if not found:
                return []
            places.append(found)
        places.sort(key=len)
        rarest = dict.fromkeys(places[0])
        return [line for line in rarest if all(_is_near(line, others) for others in places[1:])]


def parse(text: str) -> Query:
    """Raises UsageError for a text with nothing in it to look for."""
    terms = []
    for found in _TERM.finditer(text):
        term = _phrase(found["phrase"]) if found["bare"] is None else _bare(found["bare"])
        if term is not None:
            terms.append(term)
    if not terms:
        raise UsageError("there is nothing to search for", next_step="Give a word, or `--regex` and a pattern.")
    return Query(text, tuple(dict.fromkeys(terms[:MAX_TERMS])))


def _phrase(text: str) -> Term | None:
    folded = fold(text)
    words = tuple(_WORD.findall(folded))
    if not words:
        return _literal(folded.strip(), ()) if folded.strip() else None
    return Term(words, re.compile(_BETWEEN.join(words) + _END), words[0], is_prefix=False)


def _bare(text: str) -> Term | None:
    folded = fold(text)
    is_prefix = folded.endswith("*") and len(folded) > 1 and folded[-2].isalnum()
    stem = folded.rstrip("*") if is_prefix else folded
    words = tuple(_WORD.findall(stem))
    if len(words) == 1 and words[0] == stem:
        return Term(words, re.compile(stem + ("" if is_prefix else _END)), stem, is_prefix)
    return _literal(stem, words, is_prefix=is_prefix)


_END = r"(?![^\W_])"


def _literal(text: str, words: tuple[str, ...], *, is_prefix: bool = False) -> Term:
    end = "" if is_prefix or not text[-1].isalnum() else _END
    return Term(words, re.compile(re.escape(text) + end), text, is_prefix)


def _lines_of(term: Term, folded: str) -> Iterator[int]:
    """The lines of *folded* in which *term* matches, in order, each once."""
    line = counted = 0
    at = folded.find(term.first)
    while at >= 0:
        starts = at == 0 or not folded[at - 1].isalnum() or not term.first[0].isalnum()
        if starts and term.pattern.match(folded, at):
            line += folded.count("\n", counted, at)
            counted = at
            yield line
            # One hit a line is enough.
            at = folded.find("\n", at)
            if at < 0:
                return
        at = folded.find(term.first, at + 1)


def _is_near(line: int, others: Sequence[int]) -> bool:
    place = bisect_left(others, line - NEARBY_LINES)
    return place < len(others) and others[place] <= line + NEARBY_LINES


def fold(text: str) -> str:
    """As the index's tokenizer folds: lower case, accents off. Newlines stay; other characters may become none or two."""
    if text.isascii():
        return text.lower()
    marks = {char: _bare_letter(char) for char in set(text) if char > "\x7f"}
    return (
        text.lower()
        if all(char == bare for char, bare in marks.items())
        else text.translate({ord(char): bare for char, bare in marks.items()}).lower()
    )


def _bare_letter(char: str) -> str:
    if unicodedata.combining(char):
        return ""
    base = unicodedata.normalize("NFD", char)[0]
    return base if base != char and base.isalpha() and char.isalpha() else char
