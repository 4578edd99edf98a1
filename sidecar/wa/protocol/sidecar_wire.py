"""The sidecar's wire: msgpack maps behind a u32 big-endian length; docs/protocol/sidecar.md is its page. No I/O."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import msgpack  # type: ignore[import-untyped]

from wa.model import errors
from wa.model.errors import WaError

VERSION = 1
MAX_FRAME_BYTES = 16 * 1024 * 1024
MAX_ID = 2**63 - 1

Message = dict[str, Any]

_LENGTH = struct.Struct(">I")


class WireError(WaError):
    """What came is no frame of this wire; the connection cannot go on."""

    code = "sidecar.wire"
    next_step = "Check that both sides are the same version of wa: `wa --version`, `wa status`."


class OversizeError(WireError):
    """A message of ours does not fit into one frame."""

    code = "sidecar.too_large"
    next_step = "Ask for less at once: name the panes."


class RemoteError(WaError):
    """An error that the sidecar reported under a code this version does not know."""


def pack_value(value: object) -> bytes:
    """One msgpack value. Lone surrogates survive, as they do in Python."""
    packed: bytes = msgpack.packb(value, unicode_errors="surrogatepass")
    return packed


def unpack_value(packed: bytes) -> Any:
    """What `pack_value` packed."""
    return msgpack.unpackb(packed, unicode_errors="surrogatepass")


def pack(message: Mapping[str, Any]) -> bytes:
    """A whole frame. Raises OversizeError."""
    return _frame(pack_value(message))


def _frame(body: bytes) -> bytes:
    if len(body) > MAX_FRAME_BYTES:
        raise OversizeError(f"a message of {len(body)} bytes does not fit into a frame of {MAX_FRAME_BYTES}")
    return _LENGTH.pack(len(body)) + body


def hello(*, version: str, pid: int, started_ms: int) -> bytes:
    return pack({"v": VERSION, "kind": "hello", "version": version, "pid": pid, "started_ms": started_ms})


def request(ident: int, method: str, params: Mapping[str, Any] | None = None) -> bytes:
    return pack({"v": VERSION, "kind": "request", "id": ident, "method": method, "params": dict(params or {})})


def cancel(ident: int) -> bytes:
    return pack({"v": VERSION, "kind": "cancel", "id": ident})


def reply(ident: int, data: object) -> bytes:
    return pack({"v": VERSION, "kind": "reply", "id": ident, "ok": True, "data": data})


def refusal(ident: int, error: WaError) -> bytes:
    """A `reply` that carries *error*."""
    return pack({"v": VERSION, "kind": "reply", "id": ident, "ok": False, "error": error_fields(error)})


def end(ident: int, error: WaError | None = None) -> bytes:
    fields = None if error is None else error_fields(error)
    return pack({"v": VERSION, "kind": "end", "id": ident, "error": fields})


_ITEM_HEAD = b"\x84" + b"".join(pack_value(part) for part in ("v", VERSION, "kind", "item", "id"))
_ITEM_DATA = pack_value("data")


def item(ident: int, packed_data: bytes) -> bytes:
    """An `item` around data that `pack_value` has packed once for all its receivers."""
    return _frame(_ITEM_HEAD + pack_value(ident) + _ITEM_DATA + packed_data)


def error_fields(error: WaError) -> Message:
    """`{code, message, next_step, details}`: the one shape of an error, on this wire and in JSON."""
    return {"code": error.code, "message": error.message, "next_step": error.next_step, "details": error.details}


def error_from(fields: object) -> WaError:
    """The error that `error_fields` was made from: its code and words, of the class that this version knows it by."""
    if not isinstance(fields, dict):
        return RemoteError(f"the sidecar failed without saying how: {fields!r:.200}")
    code = str(fields.get("code", "failed"))
    details = fields.get("details")
    error = _class_for(code)(
        str(fields.get("message", code)),
        next_step=str(fields["next_step"]) if fields.get("next_step") else None,
        details=details if isinstance(details, dict) else {},
    )
    # A finer code than the class's stays what programs see; the class gives the exit status.
    vars(error)["code"] = code
    return error


def _tree(root: type[WaError]) -> dict[str, type[WaError]]:
    found = {root.code: root}
    for branch in root.__subclasses__():
        if branch.__module__ in (errors.__name__, __name__) and branch is not RemoteError:
            found.update(_tree(branch))
    return found


_BY_CODE = _tree(WaError)


def _class_for(code: str) -> type[WaError]:
    """Codes grow by dots: an unknown `wezterm.refused.closed` is a `wezterm.refused`, with its exit status."""
    while code:
        if found := _BY_CODE.get(code):
            return found
        code = code.rpartition(".")[0]
    return RemoteError


class FrameReader:
    """Bytes in, messages out. After a WireError nothing more can be read: the boundaries of frames are lost."""

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._buffer = bytearray()
        self._max = max_frame_bytes

    def feed(self, data: bytes) -> list[Message]:
        """All messages that are whole now. Raises WireError on a length over the limit or a body that is no message."""
        return [message for message, _ in self.feed_sized(data)]

    def feed_sized(self, data: bytes) -> list[tuple[Message, int]]:
        """The same, each with the bytes of its body."""
        buffer = self._buffer
        buffer += data
        found: list[tuple[Message, int]] = []
        at = 0
        while len(buffer) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, at)
            if length > self._max:
                raise WireError(f"a frame of {length} bytes was announced; {self._max} are allowed")
            stop = at + _LENGTH.size + length
            if len(buffer) < stop:
                break
            found.append((unpack(bytes(buffer[at + _LENGTH.size : stop])), length))
            at = stop
        del buffer[:at]
        return found

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)


def unpack(body: bytes) -> Message:
    """The message of one frame. Raises WireError for anything but one map with text keys, a version and a kind."""
    try:
        message = msgpack.unpackb(body, unicode_errors="surrogatepass", strict_map_key=True)
    except (ValueError, TypeError, msgpack.exceptions.UnpackException) as error:
        raise WireError(f"a frame of {len(body)} bytes is not msgpack: {error!r:.200}") from error
    if not isinstance(message, dict) or not all(isinstance(key, str) for key in message):
        raise WireError("a frame holds something else than a map with text keys")
    if message.get("v") != VERSION:
        raise WireError(f"a frame of version {message.get('v')!r:.40} came; this wa speaks version {VERSION}")
    if not isinstance(message.get("kind"), str):
        raise WireError("a frame has no kind")
    return message


def ident_of(message: Mapping[str, Any]) -> int:
    """The `id` of a request, reply, item, end or cancel. Raises WireError unless it is a whole number from 0 up."""
    ident = message.get("id")
    if not isinstance(ident, int) or isinstance(ident, bool) or not 0 <= ident <= MAX_ID:
        raise WireError(f"a {message.get('kind')} has no usable id: {ident!r:.40}")
    return ident
