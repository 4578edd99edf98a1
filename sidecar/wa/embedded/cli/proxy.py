"""`cli proxy`: stdin and stdout are the mux socket, for whoever reaches this machine by ssh."""

from __future__ import annotations

import os
import selectors
import socket
import sys
from pathlib import Path

from wa.embedded.cli.client import CODEC, Failed, connect
from wa.protocol.mux import MAX_FRAME_BYTES, ClientId, SetClientId, encode, encode_frame
from wa.protocol.mux.varbincode import Reader

_OWN_SERIAL = 1
_CHUNK = 1 << 16
_COMPRESSED = 1 << 63
_LONGEST_VARINT = 10


def run_proxy(path: Path) -> int:
    """Ends with the first side that closes. Introduces itself as WezTerm's proxy does; the reply to that stays here."""
    connection = connect(path)
    try:
        _introduce(connection)
        _pump(connection)
    finally:
        connection.close()
    return 0


def _introduce(connection: socket.socket) -> None:
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or "root"
    identity = ClientId(socket.gethostname(), user, os.getpid(), 0, 0, None)
    ident, payload = encode(SetClientId(identity, is_proxy=True), CODEC)
    connection.sendall(encode_frame(_OWN_SERIAL, ident, payload))
    while True:
        frame, serial = _read_frame(connection)
        if serial == _OWN_SERIAL:
            return
        _write_out(frame)


def _read_frame(connection: socket.socket) -> tuple[bytes, int]:
    """One frame as it is on the wire, and its serial."""
    head = b""
    while not head or head[-1] & 0x80:
        head += _exactly(connection, 1)
        if len(head) > _LONGEST_VARINT:
            raise Failed("the server does not speak the mux protocol")
    length = Reader(head).uleb() & ~_COMPRESSED
    if length > MAX_FRAME_BYTES:
        raise Failed("the server does not speak the mux protocol")
    body = _exactly(connection, length)
    return head + body, Reader(body).uleb()


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = connection.recv(count, socket.MSG_WAITALL)
    if len(data) != count:
        raise Failed("the server closed the connection")
    return data


def _pump(connection: socket.socket) -> None:
    stdin = sys.stdin.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(stdin, selectors.EVENT_READ)
        selector.register(connection, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is connection:
                    data = connection.recv(_CHUNK)
                    _write_out(data)
                else:
                    data = os.read(stdin, _CHUNK)
                    connection.sendall(data)
                if not data:
                    return


def _write_out(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
