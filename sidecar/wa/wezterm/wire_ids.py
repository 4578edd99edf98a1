"""The PDU numbers that wa sorts by before it decodes anything (codec/src/lib.rs, the same from codec 42 to 45)."""

from __future__ import annotations

import zstandard

from wa.protocol.mux import Frame

ERROR_RESPONSE = 0
LIST_PANES_RESPONSE = 4
SET_CLIPBOARD = 20
LINES_RESPONSE = 23
RENDER_CHANGES = 25
PANE_REMOVED = 37
SET_PALETTE = 38
NOTIFY_ALERT = 39
WINDOW_WORKSPACE_CHANGED = 44
DIMENSIONS_RESPONSE = 52
PANE_FOCUSED = 53
TAB_RESIZED = 54
TAB_ADDED_TO_WINDOW = 55
TAB_TITLE_CHANGED = 56
WINDOW_TITLE_CHANGED = 57
RENAME_WORKSPACE = 58

SKIPPED = frozenset({SET_CLIPBOARD, SET_PALETTE})
"""Pushes that wa has no use for; what programs put into the clipboard is not even looked at."""

ESSENTIAL = frozenset({LIST_PANES_RESPONSE, LINES_RESPONSE, RENDER_CHANGES, PANE_REMOVED, DIMENSIONS_RESPONSE})
"""Without these nothing can be watched: where they stop decoding, the CLI must do."""

OF_A_PANE = frozenset({RENDER_CHANGES, PANE_REMOVED, NOTIFY_ALERT, PANE_FOCUSED})
"""Pushes whose first field is a pane id."""


def peek_pane_id(frame: Frame) -> int | None:
    """The pane a push is about, without decoding it; None where there is none or it cannot be read."""
    if frame.ident not in OF_A_PANE:
        return None
    head = frame.data[:10]
    if frame.compressed:
        try:
            head = zstandard.ZstdDecompressor().stream_reader(frame.data).read(10)
        except zstandard.ZstdError:
            return None
    value = 0
    for shift, byte in enumerate(head):
        value |= (byte & 127) << (7 * shift)
        if byte < 128:
            return value
    return None
