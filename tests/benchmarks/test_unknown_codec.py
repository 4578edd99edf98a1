"""The front that makes wa poll: it changes one number and nothing else."""

from __future__ import annotations

from benchmarks.unknown_codec import UNKNOWN_CODEC, disguise
from hypothesis import given
from hypothesis import strategies as st

from wa.protocol.mux import FrameReader, GetCodecVersionResponse, Pdu, Pong, UnitResponse, decode, encode, encode_frame


@given(st.lists(st.integers(1, 60), max_size=12))
def test_only_the_codec_changes_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    """The version in the answer is unknown afterwards, every other frame is the same."""
    said = GetCodecVersionResponse(44, "20250223", "/usr/bin/wezterm-mux-server", None)
    said_in_order: list[Pdu] = [Pong(), said, UnitResponse()]
    stream = b"".join(encode_frame(serial, *encode(pdu, 44)) for serial, pdu in enumerate(said_in_order))
    pieces, at = [], 0
    for cut in [*cuts, len(stream)]:
        pieces.append(stream[at : at + cut])
        at += cut

    reader = FrameReader()
    frames = FrameReader().feed(b"".join(disguise(reader, piece) for piece in pieces))

    assert [(frame.serial, decode(frame.ident, frame.payload(), 44)) for frame in frames] == [
        (0, Pong()),
        (1, said._replace(codec_vers=UNKNOWN_CODEC)),
        (2, UnitResponse()),
    ]
