"""Labels of options, as people name them: folded, without shortcuts, found only where one fits and no other."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SHORTCUT = re.compile(r"\s*\((?:[a-z0-9]|esc|enter|tab|space|(?:shift|ctrl|alt)\s?[+-]\s?\w+)\)\s*$", re.IGNORECASE)
_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s+")
_TRAIL = re.compile(r"(?:…|\.\.\.)\s*$")


def folded(label: str) -> str:
    plain = label.replace("\u2019", "'").replace("\u00a0", " ")
    plain = _NUMBER.sub("", plain)
    while (shorter := _SHORTCUT.sub("", plain)) != plain:
        plain = shorter
    return " ".join(plain.split()).casefold().rstrip(".: ")


def find(labels: Sequence[str], options: Sequence[str]) -> int | None:
    """Index of the first of *labels* that is an option; None where none is, or where it cannot be told which.

    A label that ends in `…` stands for all that begin with it, if only one does. An option with a description behind it (a dash, a
    colon, a bracket) is meant by what stands before.
    """
    known = [folded(option) for option in options]
    for label in labels:
        wanted = folded(_TRAIL.sub("", label))
        if not wanted:
            continue
        exact = [at for at, option in enumerate(known) if option == wanted]
        if not exact and _TRAIL.search(label):
            exact = [at for at, option in enumerate(known) if option.startswith(wanted)]
        if not exact:
            exact = [at for at, option in enumerate(known) if _before_description(option) == wanted]
        if len(exact) == 1:
            return exact[0]
    return None


def _before_description(option: str) -> str:
    return re.split(r"\s+[—–-]\s+|:\s+", option, maxsplit=1)[0].rstrip()
