"""PDUs to bytes and back, by codec."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.mux import shape_strategies
from protocol.mux.recordings import load
from wa.model.errors import ProtocolUnsupported
from wa.model.screen import Cursor, Dimensions, Row
from wa.protocol import mux
from wa.protocol.mux import SUPPORTED_CODECS, DecodeError, EncodeError, LeftoverBytes, UnknownPdu, decode, encode
from wa.protocol.mux.layouts import SINCE, layouts

EACH = [
    pytest.param(codec, cls, id=f"{cls.__name__}-{codec}")
    for codec in SUPPORTED_CODECS
    for cls in layouts(codec).by_class
    if cls is not mux.UnknownAlert
]


@pytest.mark.parametrize(("codec", "cls"), EACH)
@given(data=st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_every_pdu_round_trips(codec: int, cls: type[Any], data: st.DataObject) -> None:
    """Whatever a PDU holds, it decodes to what was encoded, of the same types, under every codec."""
    pdu = data.draw(shape_strategies.values(layouts(codec).by_class[cls][1]))

    ident, payload = encode(pdu, codec)

    again = decode(ident, payload, codec)
    assert repr(again) == repr(pdu)
    assert type(again) is cls
    assert mux.ident_of(cls) == ident


@given(
    ident=st.sampled_from(sorted(layouts(44).by_ident)) | st.integers(0, 80),
    payload=st.binary(max_size=120),
    codec=st.sampled_from(SUPPORTED_CODECS),
)
@settings(max_examples=1500)
def test_any_bytes_decode_or_raise_decode_error(ident: int, payload: bytes, codec: int) -> None:
    """No payload causes anything but DecodeError."""
    with suppress(DecodeError):
        decode(ident, payload, codec)


SAMPLES = [
    (frame.ident, frame.payload)
    for name in ("styles", "wide-and-combining", "hyperlink", "alerts", "agents/claude")
    for frame in {frame.payload: frame for frame in load(name).frames}.values()
]


@given(
    sample=st.sampled_from(SAMPLES),
    edits=st.lists(
        st.tuples(st.integers(0, 1 << 30), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4
    ),
)
@settings(max_examples=1500)
def test_damaged_payloads_decode_or_raise_decode_error(
    sample: tuple[int, bytes], edits: list[tuple[int, bytes, int]]
) -> None:
    """Real payloads with bytes replaced, put in and cut out cause nothing but DecodeError."""
    ident, payload = sample
    for at, put, cut in edits:
        at %= len(payload) + 1
        payload = payload[:at] + put + payload[at + cut :]
    with suppress(DecodeError):
        decode(ident, payload, 44)


GOLDEN: list[tuple[int, Any, str]] = [
    (1, mux.Ping(), ""),
    (9, mux.WriteToPane(3, b"\r"), "03 01 0d"),
    (11, mux.SendKeyDown(1, mux.KeyEvent("Escape"), 0), "01 0a 00 00"),
    (11, mux.SendKeyDown(1, mux.KeyEvent("c", mux.CTRL), 300), "01 00 63 08 ac 02"),
    (11, mux.SendKeyDown(1, mux.KeyEvent("F5", mux.SHIFT | mux.ALT), 1), "01 3b 05 06 01"),
    (13, mux.SendPaste(300, "hé"), "ac 02 03 68 c3 a9"),
    (22, mux.GetLines(2, (range(-5, 70),)), "02 01 7b c6 00"),
    (34, mux.SplitPane(1, mux.SplitRequest(), None, None, mux.CurrentPaneDomain()), "01 01 01 00 01 32 00 00 01 00"),
    (37, mux.PaneRemoved(8), "08"),
    (39, mux.NotifyAlert(1, mux.Bell()), "01 00"),
    (39, mux.NotifyAlert(1, mux.UserVar("a", "b")), "01 07 01 61 01 62"),
    (39, mux.NotifyAlert(1, mux.Toast(None, "b", focus=False)), "01 01 00 01 62 00"),
    (45, mux.SetFocusedPane(1), "01"),
    (56, mux.TabTitleChanged(1, "x"), "01 01 78"),
]


@pytest.mark.parametrize(("ident", "pdu", "payload"), GOLDEN, ids=[type(pdu).__name__ for _, pdu, _ in GOLDEN])
@pytest.mark.parametrize("codec", SUPPORTED_CODECS)
def test_golden_payloads(ident: int, pdu: Any, payload: str, codec: int) -> None:
    """Spelled out by hand after the layouts, and accepted by a real server of codec 44 on 2026-11-21."""
    assert encode(pdu, codec) == (ident, bytes.fromhex(payload))
    assert repr(decode(ident, bytes.fromhex(payload), codec)) == repr(pdu)


def test_codecs_differ_where_since_says() -> None:
    """A ClientId has its ssh_auth_sock and SetClientId its is_proxy from 43 on, alerts their progress from 44 on."""
    client = mux.SetClientId(mux.ClientId("h", "u", 1, 2, 3, "/sock"), is_proxy=True)
    bare = bytes.fromhex("0168 0175 01 02 03".replace(" ", ""))

    assert encode(client, 42) == (40, bare)
    assert decode(40, bare, 42) == mux.SetClientId(mux.ClientId("h", "u", 1, 2, 3))
    for codec in (43, 44, 45):
        assert encode(client, codec) == (40, bare + b"\1\5/sock\1")
    progress = mux.NotifyAlert(1, mux.Progress("percent", 40))
    for codec in (42, 43):
        with pytest.raises(EncodeError):
            encode(progress, codec)
    for codec in (44, 45):
        assert encode(progress, codec) == (39, b"\1\x09\1\x28")
    assert set(SINCE.values()) <= set(SUPPORTED_CODECS)


def test_44_and_45_are_the_same_on_the_wire() -> None:
    """45 changed nothing that wa reads or writes."""
    assert not [what for what, since in SINCE.items() if since == 45]


@pytest.mark.parametrize("codec", [41, 46, 0, -1])
def test_other_codecs_are_refused(codec: int) -> None:
    """A codec without proof is ProtocolUnsupported, whatever the PDU."""
    with pytest.raises(ProtocolUnsupported, match=f"codec {codec} "):
        decode(1, b"", codec)
    with pytest.raises(ProtocolUnsupported):
        encode(mux.Ping(), codec)


@pytest.mark.parametrize("ident", [5, 6, 7, 12, 15, 21, 28, 29, 46, 47, 63, 64, 65, 9999])
def test_unknown_idents_are_unknown_pdus(ident: int) -> None:
    """Retired, private and future PDUs say so, and are DecodeErrors."""
    with pytest.raises(UnknownPdu):
        decode(ident, b"", 44)


def test_leftover_bytes_are_refused() -> None:
    """A layout that has grown is not half-trusted."""
    with pytest.raises(LeftoverBytes, match=r"leaves 2 of 3 bytes"):
        decode(37, b"\1\2\3", 44)


@pytest.mark.parametrize(("codec", "variant"), [(42, 9), (43, 9), (44, 10), (45, 10), (45, 77)])
def test_alerts_of_later_builds_are_passed_over(codec: int, variant: int) -> None:
    """An alert whose kind the codec does not have comes as UnknownAlert, whatever it carries, and goes out again."""
    payload = bytes((5, variant)) + b"\7anything"

    pdu = decode(39, payload, codec)

    assert pdu == mux.UnknownAlert(5, variant, b"\7anything")
    assert isinstance(pdu, mux.UnknownAlert)
    assert encode(pdu, codec) == (39, payload)


def test_palettes_are_not_looked_into() -> None:
    """SetPalette keeps its bytes, whatever they are."""
    assert decode(38, b"\5" + bytes(4240), 44) == mux.SetPalette(5, bytes(4240))


def test_rows_beyond_reason_are_refused() -> None:
    """Row numbers stay below 2**62, so that lengths of ranges of them fit in 63 bits."""
    huge = mux.GetLines(1, (range(1 << 62),))

    with pytest.raises(DecodeError):
        decode(22, encode(huge, 44)[1], 44)


def test_prepared_rows_go_as_they_were_prepared() -> None:
    """A server encodes its rows once and sends them to every client."""
    rows = (Row(7, "prompt $"), Row(8, "日本", True))
    prepared = mux.prepare_rows(rows, seqno=9, styles=[[(6, mux.style(semantic=2))], None])

    ident, payload = encode(mux.GetLinesResponse(3, prepared), 44)

    assert payload.endswith(prepared.wire)
    assert b"p\x80\x80\x01\0\0\0" in payload
    assert decode(ident, payload, 44) == mux.GetLinesResponse(3, rows)


def test_a_push_carries_what_the_model_does_not_keep() -> None:
    """Pixels and reverse video ride beside Dimensions, so that a push comes back byte for byte."""
    push = mux.GetPaneRenderChangesResponse(
        pane_id=1,
        mouse_grabbed=True,
        cursor=Cursor(3, 1024, visible=False, shape=6),
        dims=Dimensions(80, 24, 1048, 1024, 0),
        dirty_lines=(range(5, 9), range(20, 20)),
        title="t",
        working_dir="file:///x",
        bonus_lines=(Row(1024, "a"), Row(1024, "ab")),
        input_serial=7,
        seqno=12,
        pixels=mux.Pixels(96, 640, 384, reverse_video=True),
    )

    ident, payload = encode(push, 44)

    assert decode(ident, payload, 44) == push
    assert payload[:12] == bytes.fromhex("01 01 03 8008 06 00 50 18 9808 80".replace(" ", ""))[:12]
