"""A unit file as systemd reads it (systemd.syntax(7), systemd.service(5), systemd 252)."""

from __future__ import annotations

import re

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "s": " ", "\\": "\\", '"': '"', "'": "'"}


def setting(unit: bytes, name: str) -> list[str]:
    """Each value of *name*, in order."""
    found = re.findall(rf"^{name}=(.*)$", unit.decode("utf-8", "surrogateescape"), re.MULTILINE)
    return [str(value) for value in found]


def words(value: str, *, is_command: bool = False) -> list[str]:
    """The words of *value*, unquoted, specifiers and (of a command's arguments) dollars undone."""
    found: list[str] = []
    word, quote, inside, at = "", "", False, 0
    while at < len(value):
        c = value[at]
        at += 1
        if c == "\\":
            escape = value[at]
            at += 1
            if escape == "x":
                word += chr(int(value[at : at + 2], 16))
                at += 2
            else:
                word += _ESCAPES[escape]
            inside = True
        elif quote:
            if c == quote:
                quote = ""
            else:
                word += c
        elif c in "\"'" and not inside:
            quote, inside = c, True
        elif c in " \t":
            if inside:
                found.append(word)
            word, inside = "", False
        else:
            word += c
            inside = True
    assert not quote, f"unbalanced: {value}"
    if inside:
        found.append(word)
    assert not any(re.search(r"%(?!%)", w.replace("%%", "")) for w in found), f"a specifier: {found}"
    found = [w.replace("%%", "%") for w in found]
    if is_command:
        assert not any("$" in w.replace("$$", "") for w in found[1:]), f"a variable: {found}"
        found[1:] = [w.replace("$$", "$") for w in found[1:]]
    return found
