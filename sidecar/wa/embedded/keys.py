"""KeyEvent of the mux protocol to the bytes a program expects, by libghostty-vt's encoder and the terminal's modes."""

from __future__ import annotations

from wa.embedded.ghostty import Vt
from wa.protocol.mux import ALT, CTRL, SHIFT, SUPER, KeyEvent

_NAMES = {
    "Backspace": "BACKSPACE",
    "Tab": "TAB",
    "Enter": "ENTER",
    "Escape": "ESCAPE",
    "PageUp": "PAGE_UP",
    "PageDown": "PAGE_DOWN",
    "End": "END",
    "Home": "HOME",
    "LeftArrow": "ARROW_LEFT",
    "RightArrow": "ARROW_RIGHT",
    "UpArrow": "ARROW_UP",
    "DownArrow": "ARROW_DOWN",
    "ApplicationLeftArrow": "ARROW_LEFT",
    "ApplicationRightArrow": "ARROW_RIGHT",
    "ApplicationUpArrow": "ARROW_UP",
    "ApplicationDownArrow": "ARROW_DOWN",
    "Insert": "INSERT",
    "Delete": "DELETE",
    "Help": "HELP",
    "Pause": "PAUSE",
    "PrintScreen": "PRINT_SCREEN",
    "KeyPadHome": "NUMPAD_HOME",
    "KeyPadEnd": "NUMPAD_END",
    "KeyPadPageUp": "NUMPAD_PAGE_UP",
    "KeyPadPageDown": "NUMPAD_PAGE_DOWN",
    "Multiply": "NUMPAD_MULTIPLY",
    "Add": "NUMPAD_ADD",
    "Separator": "NUMPAD_SEPARATOR",
    "Subtract": "NUMPAD_SUBTRACT",
    "Decimal": "NUMPAD_DECIMAL",
    "Divide": "NUMPAD_DIVIDE",
    **{f"Numpad{n}": f"NUMPAD_{n}" for n in range(10)},
    **{f"F{n}": f"F{n}" for n in range(1, 25)},
}
_CONTROL_CHARACTERS = {"\r": "Enter", "\t": "Tab", "\x1b": "Escape", "\x08": "Backspace", "\x7f": "Backspace"}
"""A client may send these as characters; they are keys."""

_PUNCTUATION = {
    "`": "BACKQUOTE", "\\": "BACKSLASH", "[": "BRACKET_LEFT", "]": "BRACKET_RIGHT", ",": "COMMA", "=": "EQUAL",
    "-": "MINUS", ".": "PERIOD", "'": "QUOTE", ";": "SEMICOLON", "/": "SLASH", " ": "SPACE",
}  # fmt: skip

_MODS = ((SHIFT, 1 << 0), (CTRL, 1 << 1), (ALT, 1 << 2), (SUPER, 1 << 3))
_KEYPAD_TEXT = {"Multiply": "*", "Add": "+", "Separator": ",", "Subtract": "-", "Decimal": ".", "Divide": "/"}


_C0 = {"[": b"\x1b", "\\": b"\x1c", "]": b"\x1d", "^": b"\x1e", "_": b"\x1f"}


def encode_key(vt: Vt, event: KeyEvent) -> bytes:
    """What pressing the key sends; nothing for keys that have no meaning to a program (a lone Shift).

    A program that has not asked for the kitty protocol gets what WezTerm 20250223 sends: Enter with Shift or Control is
    Enter, Control goes with the letter whatever Shift does.
    """
    key = _CONTROL_CHARACTERS.get(event.key, event.key)
    modifiers = event.modifiers
    if not vt.kitty_keyboard_flags:
        if key == "Enter":
            modifiers &= ~(SHIFT | CTRL)
        elif modifiers & CTRL and len(key) == 1:
            if key in _C0:
                return (b"\x1b" if modifiers & ALT else b"") + _C0[key]
            if key.isalpha():
                key, modifiers = key.lower(), modifiers & ~SHIFT
    mods = sum(ours for theirs, ours in _MODS if modifiers & theirs)
    text = key if len(key) == 1 else _KEYPAD_TEXT.get(key, key[-1] if key.startswith("Numpad") else "")
    name = _key_name(key)
    return vt.encode_key(name, mods, text) if name or text else b""


def _key_name(key: str) -> str:
    if key in _NAMES:
        return _NAMES[key]
    if len(key) != 1:
        return ""
    if "a" <= key.lower() <= "z":
        return key.upper()
    return f"DIGIT_{key}" if "0" <= key <= "9" else _PUNCTUATION.get(key, "")
