"""OSC sequences that speak to the multiplexer, as WezTerm understands them (termwiz/src/escape/osc.rs, 2025-02-23)."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from wa.protocol.mux import Alert, CwdChanged, IconTitle, PaneTitle, Progress, Toast, UserVar

DEFAULT_TITLE = "wezterm"
"""Of a pane whose program has set none; then the program's name stands in."""


class Clipboard(NamedTuple):
    """OSC 52: never log the text. None clears. `selection`: 0 clipboard, 1 primary."""

    text: str | None
    selection: int


class Messages:
    """What the program has said so far; `hear` takes what stands between `ESC ]` and the end."""

    def __init__(self) -> None:
        self.title = DEFAULT_TITLE
        self.icon_title: str | None = None
        self.cwd: str | None = None
        self.progress = Progress("none")

    @property
    def shown_title(self) -> str:
        return self.title if self.icon_title is None else self.icon_title

    def reset(self) -> None:
        """RIS; titles stay."""
        self.progress = Progress("none")

    def hear(self, payload: bytes) -> list[Alert | Clipboard]:
        """Alerts to announce; nothing for what WezTerm would not understand either."""
        params = payload.split(b";")
        code = params[0]
        try:
            if code in (b"0", b"1", b"2") and len(params) > 1:
                return self._titles(code, b";".join(params[1:]).decode())
            if code[:1] in (b"l", b"L") and len(params) == 1:
                return self._titles(b"2" if code[:1] == b"l" else b"1", code[1:].decode("utf-8", "replace"))
            if code == b"7" and len(params) == 2:
                self.cwd = _url(params[1].decode())
                return [CwdChanged()]
            if code == b"9":
                return self._notification(params)
            if code == b"52":
                return _clipboard(params)
            if code == b"777":
                return _rxvt([param.decode("utf-8", "replace") for param in params[1:]])
            if code == b"1337" and len(params) == 2:
                return _user_var(params[1])
        except (UnicodeDecodeError, binascii.Error):
            return []
        return []

    def _titles(self, code: bytes, title: str) -> list[Alert | Clipboard]:
        if code == b"0":
            self.icon_title, self.title = None, title
            return [PaneTitle(title), IconTitle(title)]
        if code == b"2":
            self.title = title
            return [PaneTitle(title)]
        self.icon_title = title or None
        return [IconTitle(self.icon_title)]

    def _notification(self, params: list[bytes]) -> list[Alert | Clipboard]:
        if len(params) >= 3 and params[1] == b"4" and params[2] in (b"0", b"1", b"2", b"3", b"4"):
            percent = _percent(params[3]) if len(params) > 3 else 0
            progress = {
                b"1": Progress("percent", percent),
                b"2": Progress("error", percent),
                b"3": Progress("indeterminate"),
            }.get(params[2], Progress("none"))
            if progress == self.progress:
                return []
            self.progress = progress
            return [progress]
        return [Toast(None, params[1].decode())] if len(params) == 2 else []


def _percent(param: bytes) -> int:
    return min(int(param), 100) if param.isdigit() and int(param) < 256 else 0


def _url(text: str) -> str | None:
    """As a URL parser writes it again; None for what is no URL."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if not parts.scheme:
        return None
    return parts._replace(path=quote(parts.path, safe="/%:@!$&'()*+,;=-._~[]|^\\")).geturl()


def _clipboard(params: list[bytes]) -> list[Alert | Clipboard]:
    if len(params) not in (2, 3) or params[1].strip(b"cpqs01234567"):
        return []
    selection = 1 if params[1][:1] == b"p" else 0
    if len(params) == 2:
        return [Clipboard(None, selection)]
    if params[2] == b"?":
        return []
    return [Clipboard(base64.b64decode(params[2], validate=True).decode(), selection)]


def _rxvt(params: list[str]) -> list[Alert | Clipboard]:
    if params[:1] != ["notify"] or len(params) < 2:
        return []
    return [Toast(None, params[1]) if len(params) == 2 else Toast(params[1], params[2])]


def _user_var(param: bytes) -> list[Alert | Clipboard]:
    command, _, rest = param.partition(b"=")
    name, separator, value = rest.partition(b"=")
    if command != b"SetUserVar" or not separator:
        return []
    return [UserVar(name.decode("utf-8", "replace"), base64.b64decode(value, validate=True).decode())]
