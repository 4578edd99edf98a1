"""What can be wrong with bytes of a mux, or with a value that shall become such bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wa.model.errors import ProtocolUnsupported

if TYPE_CHECKING:
    from wa.protocol.mux.frames import Frame


class FrameError(ProtocolUnsupported):
    """The stream is not a mux's: nothing after this point can be read. Close the connection."""

    code = "wezterm.frame"
    frames: tuple[Frame, ...] = ()
    """Complete frames that stood before the nonsense in the same piece."""


class DecodeError(ProtocolUnsupported):
    """One payload does not have the layout that its ident and codec promise. The stream itself is sound."""

    code = "wezterm.decode"


class LeftoverBytes(DecodeError):
    """A payload decoded, but bytes remain: the layout has grown and no field of it may be trusted."""

    code = "wezterm.leftover"


class UnknownPdu(DecodeError):
    """No layout is known for this ident."""

    code = "wezterm.unknown_pdu"


class EncodeError(ProtocolUnsupported):
    """A value that the wire cannot carry under this codec."""

    code = "wezterm.encode"
    next_step = "This is a defect of wa: report it with the message above."
