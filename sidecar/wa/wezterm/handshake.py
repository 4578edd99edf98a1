"""What a server must answer before it is trusted: a known codec, and a list and rows that decode to their last byte.

The codec's number alone proves nothing: builds are known that changed a layout and kept the number.
"""

from __future__ import annotations

from wa.model.errors import ProtocolUnsupported, TerminalRefused, TerminalUnreachable
from wa.protocol import mux
from wa.wezterm import capabilities
from wa.wezterm.connection import MuxConnection, is_foreign
from wa.wezterm.ssh import readable, stray_output

_PANES_TRIED = 3
"""Panes may close between the list and the reading of their rows."""


async def shake_hands(connection: MuxConnection, *, timeout_s: float, host: str = "") -> str:
    """The server's version; ProtocolUnsupported or TerminalUnreachable otherwise. *host*: reached by ssh."""
    try:
        answer = await connection.request(mux.GetCodecVersion(), mux.GetCodecVersionResponse, timeout_s=timeout_s)
    except (ProtocolUnsupported, TerminalUnreachable) as error:
        # An ssh that ended with a complaint of its own has explained itself.
        if is_foreign(connection.head):
            if host:
                raise stray_output(host, connection.head) from error
            shown = readable(connection.head)[:80]
            raise ProtocolUnsupported(f"{connection.name}: this is no mux: it says {shown!r}") from error
        raise
    details = {"codec": answer.codec_vers, "version": answer.version_string}
    if not capabilities.supported(answer.codec_vers):
        known = f"{mux.SUPPORTED_CODECS[0]} to {mux.SUPPORTED_CODECS[-1]}"
        raise ProtocolUnsupported(
            f"{connection.name}: WezTerm {answer.version_string} speaks codec {answer.codec_vers}, wa knows {known}",
            details={**details, "known": dict(capabilities.RELEASES)},
        )
    connection.handshake_done(answer.codec_vers)
    try:
        await _self_test(connection, timeout_s)
    except ProtocolUnsupported as error:
        raise ProtocolUnsupported(
            f"{connection.name}: WezTerm {answer.version_string}, codec {answer.codec_vers}, fails: {error.message}",
            details=details,
        ) from error
    return answer.version_string


async def _self_test(connection: MuxConnection, timeout_s: float) -> None:
    listed = await connection.request(mux.ListPanes(), mux.ListPanesResponse, timeout_s=timeout_s)
    panes = sorted(mux.panes_of(listed), key=lambda pane: pane.tty_name is None)
    for pane in panes[:_PANES_TRIED]:
        try:
            ask = mux.GetPaneRenderableDimensions(pane.pane_id)
            size = await connection.request(ask, mux.GetPaneRenderableDimensionsResponse, timeout_s=timeout_s)
            rows = mux.GetLines(pane.pane_id, (size.dims.viewport,))
            await connection.request(rows, mux.GetLinesResponse, timeout_s=timeout_s)
        except TerminalRefused:
            continue
        return
