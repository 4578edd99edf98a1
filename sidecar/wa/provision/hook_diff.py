"""A unified diff of a settings file in which only wa's own words can be read: settings hold tokens, and diffs are pasted."""

from __future__ import annotations

import difflib
import re
import shlex

from wa.model.hook import NOTIFY
from wa.provision.hook_lines import BEHIND, call_in, call_of

HIDDEN = "…"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"(?P<key>\s*:)?|\'[^\']*\'')
_VALUE = re.compile(r"[^\s,\[\]{}…]+")
_COMMENT = re.compile(r"(//|#|/\*).*")
_WORDS = frozenset({"command", "type", "timeout", "hooks"})
CONTEXT = 2


def shown_diff(before: bytes | None, after: bytes | None, path: str) -> list[str]:
    """Lines without line breaks; empty where nothing changes."""
    old, new = _lines(before), _lines(after)
    if old == new and (before is None) == (after is None) and before == after:
        return []
    names = ("/dev/null" if before is None else path, "/dev/null" if after is None else path)
    found = list(difflib.unified_diff(old, new, *names, n=CONTEXT, lineterm=""))
    return [
        line if number < 2 or line.startswith("@@") else line[:1] + masked(line[1:])
        for number, line in enumerate(found)
    ]


def _lines(data: bytes | None) -> list[str]:
    return [] if data is None else data.decode("utf-8", "replace").splitlines()


def masked(line: str) -> str:
    """What is not a key, nor wa's own call, reads as `…`."""
    notify = re.match(rf"\s*{NOTIFY}\s*=\s*\[(.*)\]", line)
    if notify is not None:
        words = re.findall(r'"((?:[^"\\]|\\.)*)"', notify[1])
        call = call_of(words)
        if call is None:
            return f"{NOTIFY} = [{HIDDEN}]"
        kept = words[: words.index(BEHIND)] if BEHIND in words else words
        rest = f', "{BEHIND}", {HIDDEN}' if BEHIND in words else ""
        return f"{NOTIFY} = [{', '.join(f'{chr(34)}{word}{chr(34)}' for word in kept)}{rest}]"
    pieces, at = list[str](), 0
    for found in _STRING.finditer(line):
        pieces.append(_bare(line[at : found.start()]))
        pieces.append(found[0] if found["key"] else _value(found[0]))
        at = found.end()
        if pieces[-1].endswith(":") and re.match(r'\s*"?timeout', found[0]):
            number = re.match(r"\s*\d+", line[at:])
            if number is not None:
                pieces.append(number[0])
                at += number.end()
    pieces.append(_bare(line[at:]))
    return "".join(pieces)


def _value(quoted: str) -> str:
    text = quoted[1:-1]
    if text in _WORDS:
        return quoted
    call = call_in({"command": text.replace('\\"', '"')})
    if call is None:
        return f'"{HIDDEN}"'
    words = shlex.split(text.replace('\\"', '"'))
    if BEHIND in words:
        return f'"{shlex.join(words[: words.index(BEHIND)])} {BEHIND} {HIDDEN}"'
    return quoted


def _bare(text: str) -> str:
    """Between texts: signs and blanks stay, numbers, words and comments do not."""
    text = _COMMENT.sub(lambda found: f"{found[1]} {HIDDEN}", text)
    head, equals, tail = text.partition("=")
    if equals and re.fullmatch(r"[\s\w.-]+", head):
        return f"{head}={_VALUE.sub(HIDDEN, tail)}"
    if re.fullmatch(r"\s*\[[\w.\s-]*\]\s*", text):
        return text  # A table of TOML.
    return re.sub(r"[^\s,:\[\]{}…/*#]+", HIDDEN, text)
