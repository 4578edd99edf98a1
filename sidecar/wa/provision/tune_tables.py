"""How WezTerm is tuned for many agents: the guide's values by memory, and what was measured. Dated data; pure.

Sources: the users' guide of January 2026 (ANCHORS); WezTerm's code of 2025-02-23 and its releases (OPTIONS); runs of
2026-11-21 with its mux server (COSTS).
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Literal, NamedTuple

from wa.model.errors import UsageError

Where = Literal["server", "window", "attached"]
"""Who reads it, each time its configuration is loaded again: the process that has the panes; the GUI's windows; a GUI
for panes of another process."""


class Option(NamedTuple):
    name: str
    unit: str
    default: int
    read_by: Where
    since: int
    """Day of the first release that knows it (YYYYMMDD); one before it complains of an unknown field at each load."""
    least: int = 1
    """Of 0 prefetches a second WezTerm panics."""
    most: int = 2**63 - 1


SCROLLBACK = "scrollback_lines"
OPTIONS: tuple[Option, ...] = (
    Option(SCROLLBACK, "rows", 3_500, "server", 20180210, 0, 999_999_999),
    Option("mux_output_parser_buffer_size", "bytes", 131_072, "server", 20210814),
    Option("mux_output_parser_coalesce_delay_ms", "ms", 3, "server", 20220903, 0, 3),
    Option("ratelimit_mux_line_prefetches_per_second", "per second", 50, "attached", 20200113, 1, 2**32 - 1),
    Option("shape_cache_size", "entries", 1_024, "window", 20221119),
    Option("line_state_cache_size", "entries", 1_024, "window", 20221119),
    Option("line_quad_cache_size", "entries", 1_024, "window", 20221119),
    Option("line_to_ele_shape_cache_size", "entries", 1_024, "window", 20221119),
    Option("glyph_cache_image_cache_size", "entries", 256, "window", 20221119),
)
MIB = 1 << 20
ANCHORS: dict[int, tuple[int, ...]] = {
    0: tuple(option.default for option in OPTIONS),
    64: (1_000_000, 2 * MIB, 2, 500, *4 * (8_192,), 512),
    128: (2_000_000, 4 * MIB, 1, 750, *4 * (16_384,), 1_024),
    256: (5_000_000, 8 * MIB, 1, 500, *4 * (32_768,), 2_048),
    512: (10_000_000, 16 * MIB, 1, 1_000, *4 * (65_536,), 4_096),
}
"""By GB, in the order of OPTIONS. Below 64 GB the guide has nothing: from WezTerm's defaults at 0 GB on."""
TIERS = (64, 128, 256, 512)
SWARM_ROWS = 50_000
"""Of a fleet's panes: history belongs in wa's database (COSTS)."""
MOST_GB = 1 << 20


class Cost(NamedTuple):
    """One pane that prints 20 lines a second, one client."""

    rows: int
    p50_ms: float
    p95_ms: float
    cpu_percent: float
    """Of a core: of the one thread that serves every pane and every client."""
    memory_mib: int


COSTS = (
    Cost(24, 4.0, 4.4, 1.0, 23),
    Cost(20_000, 4.1, 4.4, 1.2, 31),
    Cost(200_000, 6.2, 7.2, 4.8, 95),
    Cost(1_000_000, 13.1, 15.0, 16.0, 390),
)


def tuned(ram_gb: float, *, rows: int | None = None) -> dict[str, int]:
    """The guide's value of every option: linear between the anchors and beyond the last, a half rounded up.

    *rows* in place of the guide's scrollback. Raises UsageError for a size that no machine has.
    """
    if not 0 < ram_gb <= MOST_GB:
        raise UsageError(f"no machine has {ram_gb:g} GB of memory", next_step="Give --ram in GB: 64, 128, 256 …")
    at = Fraction(ram_gb)
    low, high = next((pair for pair in pairwise(ANCHORS) if at <= pair[1]), list(pairwise(ANCHORS))[-1])
    part = (at - low) / (high - low)
    values = {}
    for option, below, above in zip(OPTIONS, ANCHORS[low], ANCHORS[high], strict=True):
        value = floor(below + (above - below) * part + Fraction(1, 2))
        values[option.name] = min(max(value, option.least), option.most)
    if rows is not None:
        values[SCROLLBACK] = rows
    return values


def share(rows: int) -> float:
    """Percent of the mux's one thread that a pane of *rows* rows takes for one client, at 20 lines a second.

    Linear between what was measured, and beyond it.
    """
    low, high = next((pair for pair in pairwise(COSTS) if rows <= pair[1].rows), (COSTS[-2], COSTS[-1]))
    part = (max(rows, low.rows) - low.rows) / (high.rows - low.rows)
    return low.cpu_percent + (high.cpu_percent - low.cpu_percent) * part


SIZES_GB = (1, 2, 3, 4, 6, 8, 12, 16, 18, 24, 32, 36, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1_024, 1_536, 2_048, 4_096)  # fmt: skip
HELD_BACK = Fraction(6, 100)
"""Firmware and kernel keep a part for themselves: Linux on machines of 4 to 512 GB says 1 to 5 % less."""


def usual_gb(total_bytes: int) -> float:
    """The memory of a machine as people name it: where the kernel counts 62.7 GiB, 64 GB are built in.

    What is no usual size is whole GiB, a half rounded up; below one, as it is.
    """
    gib = Fraction(total_bytes, 1 << 30)
    for size in SIZES_GB:
        if size * (1 - HELD_BACK) <= gib <= size:
            return size
    return floor(gib + Fraction(1, 2)) if gib >= 1 else float(gib)
