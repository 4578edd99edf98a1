"""On which line of a TOML text a value stands: the parser keeps no positions."""

from __future__ import annotations

import re
from collections.abc import Sequence

Where = tuple[str | int, ...]
"""`("step", 2, "wait")`: key by key, and the number of each entry of a list from 0."""

_HEADER = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<name>[^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*(?P<name>(?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_QUOTES = re.compile(r"\"\"\"|'''|\"(?:\\.|[^\"\\])*\"|'[^']*'|#.*")


class Lines:
    def __init__(self, text: str) -> None:
        self._at: dict[Where, int] = {}
        self._read(text.splitlines())

    def of(self, where: Sequence[str | int]) -> int | None:
        """From 1: that of the value, or of the nearest thing around it; None where nothing of it is found."""
        path = tuple(where)
        while path:
            if path in self._at:
                return self._at[path]
            path = path[:-1]
        return None

    def _read(self, lines: Sequence[str]) -> None:
        table: Where = ()
        counts: dict[Where, int] = {}
        inside: str | None = None
        depth = 0
        for number, line in enumerate(lines, 1):
            if inside is not None:
                _, found, rest = line.partition(inside)
                if not found:
                    continue
                inside, line = None, rest
            elif depth == 0 and (header := _HEADER.match(line)):
                table = self._header(header, counts, number)
                continue
            elif depth == 0 and (key := _KEY.match(line)):
                self._at.setdefault((*table, *_parts(key["name"])), number)
            inside, opened = _scan(line)
            depth = max(0, depth + opened)

    def _header(self, header: re.Match[str], counts: dict[Where, int], number: int) -> Where:
        path: Where = ()
        parts = _parts(header["name"])
        for at, part in enumerate(parts):
            path = (*path, part)
            if header["open"] == "[[" and at == len(parts) - 1:
                counts[path] = counts.get(path, -1) + 1
                self._at.setdefault(path, number)
                path = (*path, counts[path])
                # Lists below begin anew.
                for known in [known for known in counts if known[: len(path)] == path]:
                    del counts[known]
            elif path in counts:
                path = (*path, counts[path])
        self._at.setdefault(path, number)
        return path


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"[\w-]+|\"[^\"]*\"|'[^']*'", name)]


def _scan(line: str) -> tuple[str | None, int]:
    """The quotes of a text that goes on in the next line, and how many more brackets open than close."""
    kept, at = "", 0
    while found := _QUOTES.search(line, at):
        kept += line[at : found.start()]
        if found[0] in ('"""', "'''"):
            end = line.find(found[0], found.end())
            if end < 0:
                return found[0], _brackets(kept)
            at = end + 3
        else:
            at = found.end()
    kept += line[at:]
    return None, _brackets(kept)


def _brackets(text: str) -> int:
    return sum(text.count(one) for one in "[{") - sum(text.count(one) for one in "]}")
