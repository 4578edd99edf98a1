"""Labels of options, as people name them: folded, without shortcuts, found only where one fits and no other."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SHORTCUT = re.compile(r"\s*\((?:[a-z0-9]|esc|enter|tab|space|(?:shift|ctrl|alt)\s?[+-]\s?\w+)\)\s*$", re.IGNORECASE)
_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s+")
_FRAME = re.compile(r"[\u2500-\u257f]+")
_OPTION = re.compile(r"^\s*(?:[❯›>●▸▶→*]\s+)?(?:[○◯●]\s+)?(?:\d{1,2}[.)]\s+)?(?P<head>\S.*?)\s{2,}(?P<rest>\S.*)$")
_TRAIL = re.compile(r"(?:…|\.\.\.)\s*$")


def folded(label: str) -> str:
    plain = _FRAME.sub(" ", label.replace("\u2019", "'").replace("\u00a0", " ")).rstrip()
    plain = _NUMBER.sub("", plain)
    while (shorter := _SHORTCUT.sub("", plain)) != plain:
        plain = shorter
    return " ".join(plain.split()).casefold().rstrip(".: ")


def find(labels: Sequence[str], options: Sequence[str], rows: Sequence[str] = ()) -> int | None:
    """Index of the first of *labels* that is an option; None where none is, or where it cannot be told which.

    A label that ends in `…` stands for all that begin with it, if only one does. An option with a description in a column of its
    own (told by *rows*, the screen) is meant by what stands before, too.
    """
    known = [folded(option) for option in options]
    heads = [_head(option, rows) for option in known]
    for label in labels:
        wanted = folded(_TRAIL.sub("", label))
        if not wanted:
            continue
        exact = [at for at, option in enumerate(known) if option == wanted]
        if not exact and _TRAIL.search(label):
            exact = [at for at, option in enumerate(known) if option.startswith(wanted)]
        if not exact:
            exact = [at for at, head in enumerate(heads) if head == wanted]
        if len(exact) == 1:
            return exact[0]
    return None


def _head(option: str, rows: Sequence[str]) -> str | None:
    """What stands before the description, in the row that the option was read from; None where it has none."""
    for row in rows:
        found = _OPTION.match(_FRAME.sub(" ", row))
        if found is not None and option.startswith(folded(f"{found['head']} {found['rest']}")):
            return folded(found["head"])
    return None
