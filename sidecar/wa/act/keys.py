"""Names of keys, and the bytes that a program gets for them (xterm's, in its normal mode)."""

from __future__ import annotations

from collections.abc import Mapping

ENTER = b"\r"

_NAMED: Mapping[str, bytes] = {
    "enter": ENTER,
    "return": ENTER,
    "escape": b"\x1b",
    "esc": b"\x1b",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "space": b" ",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    "insert": b"\x1b[2~",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    **{f"f{n}": f"\x1bO{letter}".encode() for n, letter in enumerate("PQRS", 1)},
    **{f"f{n}": f"\x1b[{code}~".encode() for n, code in enumerate((15, 17, 18, 19, 20, 21, 23, 24), 5)},
    **{f"ctrl+{chr(code + 96)}": bytes((code,)) for code in range(1, 27)},
}
NAMES = tuple(_NAMED)


def key_bytes(name: str) -> bytes | None:
    """None for what names no key. A single printable character is its own name."""
    folded = name.strip().lower().replace("-", "+") if len(name) > 1 else name
    if folded in _NAMED:
        return _NAMED[folded]
    return name.encode() if len(name) == 1 and name.isprintable() else None
