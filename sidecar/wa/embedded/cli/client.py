"""A blocking client of a mux socket: one request at a time, pushes passed over."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from wa.protocol.mux import (
    ErrorResponse,
    Frame,
    FrameError,
    FrameReader,
    Pdu,
    decode,
    encode,
    encode_frame,
)

CODEC = 44
_FIRST_SERIAL = 1000
"""Above those that a proxy between may use for itself."""

T = TypeVar("T")


class Failed(Exception):
    """Printed after the program's name; ends the command with status 1."""


def socket_path(env: Mapping[str, str], *, prefer_mux: bool, gui_class: str | None) -> Path:
    """Where `wezterm cli` connects: the named socket, else the newest GUI's for this display, else the mux server's."""
    if named := env.get("WEZTERM_UNIX_SOCKET"):
        return Path(named)
    folder = (
        Path(runtime, "wezterm")
        if (runtime := env.get("XDG_RUNTIME_DIR"))
        else Path(env.get("HOME", "/"), ".local/share/wezterm")
    )
    if not prefer_mux:
        name = gui_class or "org.wezfurlong.wezterm"
        wayland = env.get("WAYLAND_DISPLAY")
        link = folder / (f"wayland-{wayland}-{name}" if wayland else f"x11-{env.get('DISPLAY') or ':0'}-{name}")
        if link.is_symlink():
            return folder / os.readlink(link)  # noqa: PTH115 - the text of the link, which may be relative
    return folder / "sock"


def connect(path: Path) -> socket.socket:
    """Raises Failed with WezTerm's words."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(os.fspath(path))
    except OSError:
        connection.close()
        raise Failed(f'failed to connect to Socket("{path}"): connecting to {path}') from None
    return connection


class Client:
    def __init__(self, path: Path) -> None:
        self._socket = connect(path)
        self._reader = FrameReader()
        self._serial = _FIRST_SERIAL

    def close(self) -> None:
        self._socket.close()

    def ask(self, request: Pdu, expected: type[T]) -> T:
        """Raises Failed where the answer is an error or of another kind."""
        reply = decode_reply(self.ask_raw(request))
        if isinstance(reply, expected):
            return reply
        shown = f"Ok({describe(reply)})"
        raise Failed(f"unexpected response {shown}")

    def ask_raw(self, request: Pdu) -> Frame:
        self._serial += 1
        ident, payload = encode(request, CODEC)
        self._socket.sendall(encode_frame(self._serial, ident, payload))
        while True:
            data = self._socket.recv(1 << 20)
            if not data:
                raise Failed("the server closed the connection")
            try:
                frames = self._reader.feed(data)
            except FrameError as error:
                raise Failed(error.message) from error
            for frame in frames:
                if frame.serial == self._serial:
                    return frame


def decode_reply(frame: Frame) -> Pdu:
    return decode(frame.ident, frame.payload(), CODEC)


def describe(reply: Pdu) -> str:
    """As Rust's Debug prints it, for the one kind that matters."""
    if isinstance(reply, ErrorResponse):
        reason = reply.reason.replace("\\", "\\\\").replace('"', '\\"')
        return f'ErrorResponse(ErrorResponse {{ reason: "{reason}" }})'
    return type(reply).__name__
