import struct

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.model.errors import NotFound, Refused, SidecarError, TerminalUnreachable, WaError
from wa.protocol import sidecar_wire as wire

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*pieces, data[at:]]


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=5), st.lists(st.integers(0, 40), max_size=20))
def test_messages_survive_any_cut(bodies, sizes):
    """Frames fed whole, byte by byte or with others behind them give the same messages in order."""
    sent = [{**body, "v": 1, "kind": "request"} for body in bodies]
    stream = b"".join(wire.pack(message) for message in sent)
    reader = wire.FrameReader()

    got = [message for piece in cut(stream, sizes) for message in reader.feed(piece)]

    assert got == sent
    assert reader.pending_bytes == 0


@given(st.binary(max_size=200))
def test_any_bytes_are_messages_or_a_wire_error(data):
    """Nothing but WireError leaves the reader, whatever comes."""
    reader = wire.FrameReader()
    try:
        messages = reader.feed(struct.pack(">I", len(data)) + data)
    except wire.WireError:
        return
    assert all(message["v"] == 1 and isinstance(message["kind"], str) for message in messages)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgpack.packb([1, 2]),
        msgpack.packb({"v": 2, "kind": "hello"}),
        msgpack.packb({"v": 1}),
        msgpack.packb({"v": 1, "kind": 7}),
        msgpack.packb({"v": 1, "kind": "x"}) + b"\x00",
        msgpack.packb({b"v": 1, "kind": "x"}),
        b"\x91" * 5000,
        b"\xdf\xff\xff\xff\xff",
        msgpack.packb({"v": 1, "kind": b"\xff".decode("latin-1")})[:-1],
    ],
)
def test_refuses_what_is_no_message(body):
    """Torn, nested without end, mistyped, of another version: each a WireError."""
    with pytest.raises(wire.WireError):
        wire.FrameReader().feed(struct.pack(">I", len(body)) + body)


def test_refuses_a_length_over_the_limit_before_it_is_read():
    """A length of 1 GB is refused at once and nothing is buffered for it."""
    with pytest.raises(wire.WireError, match="1073741824"):
        wire.FrameReader().feed(struct.pack(">I", 1 << 30))


def test_refuses_to_pack_over_the_limit():
    """Our own message that would not fit is an error with a next step, not a frame the peer must refuse."""
    with pytest.raises(wire.OversizeError) as caught:
        wire.reply(1, "x" * wire.MAX_FRAME_BYTES)

    assert "panes" in caught.value.next_step


@given(st.integers(0, wire.MAX_ID), VALUES)
def test_items_packed_once_equal_items_packed_whole(ident, data):
    """The frame put together from a shared body is the frame that packing the whole message gives."""
    assert wire.item(ident, wire.pack_value(data)) == wire.pack({"v": 1, "kind": "item", "id": ident, "data": data})


def test_every_kind_has_its_fields():
    """The frames carry exactly what docs/topics/architecture.md lists."""
    stream = (
        wire.hello(version="1.2", pid=7, started_ms=5)
        + wire.request(1, "panes")
        + wire.reply(1, {"a": 1})
        + wire.refusal(2, Refused("no", details={"pane": "p1"}))
        + wire.end(3)
        + wire.end(4, TerminalUnreachable("gone"))
        + wire.cancel(5)
    )

    got = wire.FrameReader().feed(stream)

    assert got == [
        {"v": 1, "kind": "hello", "version": "1.2", "pid": 7, "started_ms": 5},
        {"v": 1, "kind": "request", "id": 1, "method": "panes", "params": {}},
        {"v": 1, "kind": "reply", "id": 1, "ok": True, "data": {"a": 1}},
        {
            "v": 1,
            "kind": "reply",
            "id": 2,
            "ok": False,
            "error": {"code": "refused", "message": "no", "next_step": Refused.next_step, "details": {"pane": "p1"}},
        },
        {"v": 1, "kind": "end", "id": 3, "error": None},
        {
            "v": 1,
            "kind": "end",
            "id": 4,
            "error": {
                "code": "wezterm.unreachable",
                "message": "gone",
                "next_step": TerminalUnreachable.next_step,
                "details": {},
            },
        },
        {"v": 1, "kind": "cancel", "id": 5},
    ]


@pytest.mark.parametrize(
    "error", [NotFound("x", details={"have": ["p1"]}), SidecarError("y", next_step="z"), WaError("w")]
)
def test_errors_come_back_as_themselves(error):
    """Class, words, next step and details survive the wire, and so does the exit status."""
    back = wire.error_from(wire.error_fields(error))

    assert (type(back), back.message, back.next_step, back.details, back.exit_status) == (
        type(error),
        error.message,
        error.next_step,
        error.details,
        error.exit_status,
    )


def test_unknown_codes_fall_back_to_the_class_they_extend():
    """A newer sidecar's finer code keeps the exit status of the one it refines; a foreign one is a plain failure."""
    finer = wire.error_from({"code": "wezterm.unreachable.asleep", "message": "m"})
    foreign = wire.error_from({"code": "moon", "message": "m"})

    assert isinstance(finer, TerminalUnreachable)
    assert wire.error_fields(finer)["code"] == finer.code == "wezterm.unreachable.asleep"
    assert (type(foreign), foreign.exit_status, foreign.code) == (wire.RemoteError, 1, "moon")
    assert wire.error_from(None).exit_status == 1


@pytest.mark.parametrize("ident", [None, -1, 1.5, True, "1", 2**63])
def test_ids_are_whole_numbers(ident):
    """Nothing else may name a request."""
    with pytest.raises(wire.WireError):
        wire.ident_of({"kind": "request", "id": ident})


def test_text_that_is_not_utf8_survives():
    """Arguments with stray bytes arrive as they left."""
    stray = "a\udcffb\ud800"

    assert wire.FrameReader().feed(wire.request(1, "send", {"text": stray}))[0]["params"] == {"text": stray}
