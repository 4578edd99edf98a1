"""What a shell says in its pane by user variables: the grammar of docs/protocol/pane-vars.md. Whether it is true is another matter."""

from __future__ import annotations

import re
from typing import NamedTuple

NAMES = frozenset({"WA_PANE", "WA_CMD", "WA_DONE"})
MAX_VALUE_BYTES = 8 * 1024
MAX_COMMAND_BYTES = 1_024
MAX_WORD = 256
MAX_NUMBER = 2**53
_TOKEN = re.compile(r"[0-9a-f]{16,32}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,15}")
_NUMBER = re.compile(r"[0-9]{1,16}")


class PaneVarError(ValueError):
    """The value breaks the grammar; the text says how, and holds nothing of the value."""


class Handshake(NamedTuple):
    """`WA_PANE`: a shell is there, and speaks under this token from now on."""

    token: str
    shell: str
    pid: int
    tty: str
    host: str
    version: str


class Began(NamedTuple):
    """`WA_CMD`"""

    token: str
    number: int
    command: str | None
    """As typed; None: the shell does not tell it."""
    cut: bool


class Ended(NamedTuple):
    """`WA_DONE`"""

    token: str
    number: int
    exit_status: int
    duration_ms: int


Said = Handshake | Began | Ended


def parse(name: str, value: str) -> Said:
    """Of a variable that NAMES has. Raises PaneVarError."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise PaneVarError("is no UTF-8") from None
    if size > MAX_VALUE_BYTES:
        raise PaneVarError(f"is longer than {MAX_VALUE_BYTES} bytes")
    pairs = _pairs(value, last="c" if name == "WA_CMD" else "")
    token = pairs.get("t", "")
    if not _TOKEN.fullmatch(token):
        raise PaneVarError("has no token")
    if name == "WA_PANE":
        if pairs.get("v") != "1":
            raise PaneVarError("is of another version than 1")
        words = (_word(pairs, key) for key in ("tty", "host", "wa"))
        return Handshake(token, _word(pairs, "shell"), _number(pairs, "pid"), *words)
    number = _number(pairs, "n", least=1)
    if name == "WA_DONE":
        return Ended(token, number, _number(pairs, "e", most=255), _number(pairs, "d"))
    command, cut = _within(pairs.get("c", ""))
    return Began(token, number, command or None, cut or pairs.get("cut") == "1")


def _pairs(value: str, *, last: str) -> dict[str, str]:
    """*last* takes the rest, `;` included."""
    found: dict[str, str] = {}
    rest = value
    while rest:
        key, equals, after = rest.partition("=")
        if not equals or not _KEY.fullmatch(key) or key in found:
            raise PaneVarError("is no list of key=value")
        if key == last:
            found[key] = after
            break
        found[key], _, rest = after.partition(";")
    return found


def _word(pairs: dict[str, str], key: str) -> str:
    word = pairs.get(key, "")
    if len(word) > MAX_WORD or not word.isprintable():
        raise PaneVarError(f"has no usable {key}")
    return word


def _number(pairs: dict[str, str], key: str, *, least: int = 0, most: int = MAX_NUMBER) -> int:
    text = pairs.get(key, "")
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise PaneVarError(f"has no usable {key}")
    return int(text)


def _within(command: str) -> tuple[str, bool]:
    """At most MAX_COMMAND_BYTES of it, cut between characters."""
    data = command.encode()
    if len(data) <= MAX_COMMAND_BYTES:
        return command, False
    return data[:MAX_COMMAND_BYTES].decode("utf-8", "ignore"), True
