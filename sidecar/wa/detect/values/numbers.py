"""Counts and percentages as agents print them. None: not one plain number; never raises, whatever the text."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

MAX_CHARS = 64
"""Longer texts hold no single number; this also bounds the work."""

_SCALE = {"": 1, "k": 10**3, "K": 10**3, "m": 10**6, "M": 10**6, "b": 10**9, "B": 10**9, "T": 10**12}
# One separator throughout, the last group of three: 2,426 1 234 567 (no-break, narrow, thin) 1'234 12,34,567.
# A plain space never separates: two columns of a table may stand that far apart.
_GROUPED = r"[0-9]{1,3}(?:(?P<sep>[,'’_\u00a0\u2009\u202f])[0-9]{2,3}(?:(?P=sep)[0-9]{2,3}){0,6})"
_COUNT = re.compile(
    rf"[~≈]?(?:(?P<grouped>{_GROUPED})|(?P<digits>[0-9]{{1,18}})(?:[.,](?P<fraction>[0-9]{{1,6}}))?)"
    r"(?P<scale>[kKmMbBT]|[ \u00a0\u202f][kKMBT])?(?![0-9A-Za-z.,'’_])"
)
_LAST_GROUP = re.compile(r"[0-9]{3}\Z")
_WORDS = re.compile(r"(?:[ \u00a0\u202f]+[A-Za-z]+)*\.?\Z")
_INT = re.compile(r"[+-]?[0-9]{1,18}\Z")
_PERCENT = re.compile(
    r"(?:(?:only|about) )?(?P<bound>[<>~≈]?) ?(?P<number>[0-9]{1,4}(?:[.,][0-9]{1,6})?) ?(?P<sign>%?)(?P<rest>.*)\Z"
)


def parse_count(text: str) -> int | None:
    """The number in "2,426", "9.6M" (9,600,000), "1.2k", "321 tokens". A fraction needs a scale: "1.5" is no count."""
    if len(text) > MAX_CHARS:
        return None
    text = text.strip().rstrip(".,;")
    found = _COUNT.match(text)
    if found is None or not _WORDS.match(text, found.end()):
        return None
    scale = _SCALE[(found["scale"] or "").strip()]
    if grouped := found["grouped"]:
        if _LAST_GROUP.search(grouped.rpartition(found["sep"])[2]):
            return int("".join(filter(str.isdecimal, grouped))) * scale
        if found["sep"] != "," or grouped.count(",") > 1:
            return None
        whole, _, fraction = grouped.partition(",")
    else:
        whole, fraction = found["digits"], found["fraction"] or ""
    if fraction and scale == 1:
        return None
    exact = Decimal(f"{whole}.{fraction or 0}") * scale
    return int(exact.to_integral_value(ROUND_HALF_UP))


def parse_int(text: str) -> int | None:
    """A plain whole number, signed or grouped by thousands; no scale, no words."""
    text = text.strip()
    if _INT.match(text):
        return int(text)
    return parse_count(text) if text[-1:].isdecimal() else None


def parse_percent(text: str) -> float | None:
    """The number in "93%", "93" or "58% used"; a bound gives the middle of what it leaves: "<1%" is 0.5, ">99%" 99.5."""
    if len(text) > MAX_CHARS:
        return None
    found = _PERCENT.match(" ".join(text.split()))
    if found is None:
        return None
    rest = found["rest"]
    if "%" in rest or (rest and (not found["sign"] or rest[0].isalnum())):
        return None
    number = float(found["number"].replace(",", "."))
    match found["bound"]:
        case "<":
            return number / 2
        case ">":
            return (number + 100) / 2 if number <= 100 else None
    return number
