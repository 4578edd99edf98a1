"""What wa knows of WezTerm by version. Each fact with its source and the day it was checked."""

from __future__ import annotations

from wa.protocol.mux import SUPPORTED_CODECS

RELEASES = {
    42: "20230712 to 20240203 (stable)",
    43: "nightlies from May 2024",
    44: "nightlies from February 2025",
    45: "nightlies from January 2026",
}
"""Which builds speak which codec (codec/src/lib.rs, CODEC_VERSION; wezterm's history, 2026-11-21)."""

_FIRST_WITHOUT_LOST_UPDATES = 44
"""Up to some builds of codec 43 the server noted a pane's sequence number after it had looked for changes, and never
reported what changed in between (wezterm commit 100b85dec, September 2024)."""


def supported(codec: int) -> bool:
    return codec in SUPPORTED_CODECS


def may_miss_updates(codec: int) -> bool:
    return codec < _FIRST_WITHOUT_LOST_UPDATES
