"""decode and encode: payload bytes to PDUs and back."""

from __future__ import annotations

from typing import Any

from wa.protocol.mux import pdus as p
from wa.protocol.mux.errors import EncodeError, LeftoverBytes, UnknownPdu
from wa.protocol.mux.layouts import layouts
from wa.protocol.mux.varbincode import Reader


def decode(ident: int, payload: bytes, codec: int) -> p.Pdu:
    """The whole payload, inflated, as one PDU. Raises DecodeError, or ProtocolUnsupported for a codec out of range."""
    shape = layouts(codec).by_ident.get(ident)
    if shape is None:
        raise UnknownPdu(f"PDU {ident} is not known under codec {codec}")
    r = Reader(payload)
    pdu: p.Pdu = shape.read(r)
    if r.pos != len(payload):
        raise LeftoverBytes(
            f"{type(pdu).__name__} under codec {codec} leaves {len(payload) - r.pos} of {len(payload)} bytes"
        )
    return pdu


def encode(pdu: p.Pdu, codec: int) -> tuple[int, bytes]:
    """Ident and payload. Fields the codec does not have are left out; a variant it does not have is an EncodeError."""
    known = layouts(codec).by_class.get(type(pdu))
    if known is None:
        raise EncodeError(f"{type(pdu).__name__} is no PDU of codec {codec}")
    ident, shape = known
    out = bytearray()
    shape.write(out, pdu)
    return ident, bytes(out)


def ident_of(cls: type[Any]) -> int:
    """The number of a PDU, the same in every codec."""
    return layouts(44).by_class[cls][0]
