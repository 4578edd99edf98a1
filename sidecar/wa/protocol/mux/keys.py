"""KeyEvent of termwiz (termwiz/src/input.rs, 2025-02-23): an enum of which the variant's position is the value."""

from __future__ import annotations

from wa.protocol.mux.errors import DecodeError, EncodeError
from wa.protocol.mux.values import KeyEvent
from wa.protocol.mux.varbincode import Reader, uleb

_CHAR = 0

# fmt: off
KEY_NAMES = (
    "Char", "Hyper", "Super", "Meta", "Cancel", "Backspace", "Tab", "Clear", "Enter", "Shift", "Escape",
    "LeftShift", "RightShift", "Control", "LeftControl", "RightControl", "Alt", "LeftAlt", "RightAlt", "Menu",
    "LeftMenu", "RightMenu", "Pause", "CapsLock", "PageUp", "PageDown", "End", "Home", "LeftArrow", "RightArrow",
    "UpArrow", "DownArrow", "Select", "Print", "Execute", "PrintScreen", "Insert", "Delete", "Help", "LeftWindows",
    "RightWindows", "Applications", "Sleep", "Numpad0", "Numpad1", "Numpad2", "Numpad3", "Numpad4", "Numpad5",
    "Numpad6", "Numpad7", "Numpad8", "Numpad9", "Multiply", "Add", "Separator", "Subtract", "Decimal", "Divide",
    "Function", "NumLock", "ScrollLock", "Copy", "Cut", "Paste", "BrowserBack", "BrowserForward", "BrowserRefresh",
    "BrowserStop", "BrowserSearch", "BrowserFavorites", "BrowserHome", "VolumeMute", "VolumeDown", "VolumeUp",
    "MediaNextTrack", "MediaPrevTrack", "MediaStop", "MediaPlayPause", "ApplicationLeftArrow",
    "ApplicationRightArrow", "ApplicationUpArrow", "ApplicationDownArrow", "KeyPadHome", "KeyPadEnd",
    "KeyPadPageUp", "KeyPadPageDown", "KeyPadBegin", "InternalPasteStart", "InternalPasteEnd",
)
# fmt: on
_FUNCTION = KEY_NAMES.index("Function")
_NUMBER = {name: number for number, name in enumerate(KEY_NAMES) if number not in (_CHAR, _FUNCTION)}


class _KeyEvent:
    def read(self, r: Reader) -> KeyEvent:
        number = r.uleb()
        if number >= len(KEY_NAMES):
            raise DecodeError(f"there is no key {number}")
        if number == _CHAR:
            code = r.uleb()
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise DecodeError(f"{code:#x} is no character")
            key = chr(code)
        elif number == _FUNCTION:
            key = f"F{r.byte()}"
        else:
            key = KEY_NAMES[number]
        return KeyEvent(key, r.uleb())

    def write(self, out: bytearray, value: KeyEvent) -> None:
        key, modifiers = value
        if len(key) == 1 and not 0xD800 <= ord(key) < 0xE000:
            out += uleb(_CHAR) + uleb(ord(key))
        elif (number := _NUMBER.get(key)) is not None:
            out += uleb(number)
        elif key[:1] == "F" and key[1:].isascii() and key[1:].isdigit() and int(key[1:]) < 256:
            out += uleb(_FUNCTION) + bytes((int(key[1:]),))
        else:
            raise EncodeError(f"there is no key {key!r}")
        out += uleb(modifiers)


KEY_EVENT = _KeyEvent()
