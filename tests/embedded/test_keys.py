"""Keys to bytes."""

from __future__ import annotations

import pytest

from wa.embedded.ghostty import Vt
from wa.embedded.keys import encode_key
from wa.protocol.mux import ALT, CTRL, KEY_NAMES, SHIFT, SUPER, KeyEvent


def pressed(key: str, modifiers: int = 0, modes: bytes = b"") -> bytes:
    vt = Vt(80, 24, 10)
    vt.feed(modes)
    sent = encode_key(vt, KeyEvent(key, modifiers))
    vt.close()
    return sent


@pytest.mark.parametrize(
    ("key", "modifiers", "sent"),
    [
        ("Enter", SHIFT, b"\x1b[13;2u"),
        ("c", CTRL, b"\x1b[99;5u"),
        ("C", CTRL | SHIFT, b"\x1b[99;6u"),
        ("Escape", 0, b"\x1b[27u"),
        ("Tab", SHIFT, b"\x1b[9;2u"),
        ("a", 0, b"a"),
        ("a", SUPER, b"\x1b[97;9u"),
    ],
)
def test_a_program_that_asks_for_the_kitty_protocol_gets_it(key: str, modifiers: int, sent: bytes) -> None:
    """Keys that plain terminals cannot tell apart are told apart."""
    assert pressed(key, modifiers, b"\x1b[>1u") == sent


@pytest.mark.parametrize("key", ["Shift", "Control", "CapsLock", "VolumeUp", "BrowserBack", "InternalPasteStart"])
def test_a_key_that_means_nothing_to_a_program_sends_nothing(key: str) -> None:
    """Modifiers alone and keys of the desktop are silent."""
    assert pressed(key) == b""


@pytest.mark.parametrize("modifiers", [0, SHIFT, CTRL, ALT, SHIFT | CTRL | ALT | SUPER])
def test_every_key_has_an_answer(modifiers: int) -> None:
    """No key of the protocol is an error, with any modifiers."""
    for name in [*KEY_NAMES, *(f"F{n}" for n in range(30)), *map(chr, range(0x20, 0x100)), "日", "\x00", "\r", "👍"]:
        if name not in ("Char", "Function"):
            assert isinstance(pressed(name, modifiers), bytes)


def test_characters_that_are_keys_are_keys() -> None:
    """A client may send Return as a character."""
    assert [pressed(key) for key in ("\r", "\t", "\x1b", "\x7f")] == [b"\r", b"\t", b"\x1b", b"\x7f"]
