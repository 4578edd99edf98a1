"""The colours that a server tells each client once per pane: 256, then foreground, background and seven more."""

from __future__ import annotations

import struct

_SIXTEEN = (
    "000000 cc5555 55cc55 cdcd55 5455cb cc55cc 7acaca cccccc 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff"
)
_OTHERS = "b2b2b2 000000 000000 52ad70 52ad70 000000 fffacd 222222 444444"
"""WezTerm's without a configuration, 2025-02-23."""
_STEPS = (0, 95, 135, 175, 215, 255)


def _rgb(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


COLORS: tuple[tuple[int, int, int], ...] = (
    *(_rgb(text) for text in _SIXTEEN.split()),
    *((red, green, blue) for red in _STEPS for green in _STEPS for blue in _STEPS),
    *((8 + 10 * step,) * 3 for step in range(24)),
)
FOREGROUND, BACKGROUND, CURSOR = _rgb("b2b2b2"), _rgb("000000"), _rgb("52ad70")

PALETTE = b"".join(
    struct.pack("<4f", *(part / 255 for part in color), 1.0)
    for color in (*COLORS, *(_rgb(text) for text in _OTHERS.split()))
)
"""As SetPalette carries it."""
