"""The guide's table, and what lies between its rows."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.model.errors import UsageError
from wa.provision.tune_tables import ANCHORS, COSTS, OPTIONS, TIERS, share, tuned, usual_gb

GUIDE = {
    64: (1_000_000, 2 << 20, 2, 500, 8_192, 512),
    128: (2_000_000, 4 << 20, 1, 750, 16_384, 1_024),
    256: (5_000_000, 8 << 20, 1, 500, 32_768, 2_048),
    512: (10_000_000, 16 << 20, 1, 1_000, 65_536, 4_096),
}
CACHES = ("shape_cache_size", "line_state_cache_size", "line_quad_cache_size", "line_to_ele_shape_cache_size")


def row(ram_gb: float) -> tuple[int, ...]:
    values = tuned(ram_gb)
    (cache,) = {values[name] for name in CACHES}
    return (
        values["scrollback_lines"],
        values["mux_output_parser_buffer_size"],
        values["mux_output_parser_coalesce_delay_ms"],
        values["ratelimit_mux_line_prefetches_per_second"],
        cache,
        values["glyph_cache_image_cache_size"],
    )


@pytest.mark.parametrize("ram_gb", TIERS)
def test_the_anchors_are_the_guides(ram_gb: int) -> None:
    """At its own sizes of memory the guide's values come out, to the last digit."""
    assert row(ram_gb) == GUIDE[ram_gb]


@pytest.mark.parametrize(
    ("ram_gb", "expected"),
    [
        (32, (501_750, 1_114_112, 3, 275, 4_608, 384)),  # 2.5 ms: a half goes up
        (96, (1_500_000, 3 << 20, 2, 625, 12_288, 768)),
        (192, (3_500_000, 6 << 20, 1, 625, 24_576, 1_536)),
        (384, (7_500_000, 12 << 20, 1, 750, 49_152, 3_072)),
        (1_024, (20_000_000, 32 << 20, 1, 2_000, 131_072, 8_192)),
    ],
)
def test_between_and_beyond_it_is_linear(ram_gb: int, expected: tuple[int, ...]) -> None:
    """Half-way between two anchors lies the mean of each; beyond 512 GB the last slope goes on."""
    assert row(ram_gb) == expected


@given(st.floats(min_value=1e-9, max_value=1 << 20))
def test_every_value_is_one_that_wezterm_takes(ram_gb: float) -> None:
    """Whatever the memory: whole numbers within WezTerm's own bounds, coalescing never above 3 ms."""
    values = tuned(ram_gb)

    assert list(values) == [option.name for option in OPTIONS]
    assert all(type(value) is int for value in values.values())
    assert all(option.least <= values[option.name] <= option.most for option in OPTIONS)
    assert 0 <= values["mux_output_parser_coalesce_delay_ms"] <= 3
    assert values["ratelimit_mux_line_prefetches_per_second"] > 0
    assert values["scrollback_lines"] <= 999_999_999


@given(st.floats(min_value=0.001, max_value=511), st.floats(min_value=0.001, max_value=511))
def test_between_two_anchors_no_value_leaves_their_range(one: float, other: float) -> None:
    """What is interpolated lies between its two anchors, and goes the way that they go."""
    for ram_gb in (one, other):
        low = max(size for size in ANCHORS if size < ram_gb)
        high = min(size for size in ANCHORS if size >= ram_gb)
        for value, ends in zip(tuned(ram_gb).values(), zip(ANCHORS[low], ANCHORS[high], strict=True), strict=True):
            assert min(ends) <= value <= max(ends)


@pytest.mark.parametrize("ram_gb", [0, -1, nan, inf, -inf, 1e9])
def test_no_machine_of_that_size(ram_gb: float) -> None:
    """Nothing, less than nothing and no number are refused."""
    with pytest.raises(UsageError):
        tuned(ram_gb)


@pytest.mark.parametrize(
    ("total_kib", "ram_gb"),
    [
        (65_758_320, 64),  # 62.7 GiB, a server of 64 GB
        (131_886_112, 128),
        (8_131_096, 8),
        (16_777_216, 16),  # macOS says what is built in
        (264_000_000, 256),
        (62_914_560, 60),  # a virtual machine of 60 GiB
        (524_288, 0.5),
    ],
)
def test_memory_is_named_as_people_name_it(total_kib: int, ram_gb: float) -> None:
    """What the kernel keeps for itself does not make another machine of it."""
    assert usual_gb(total_kib * 1024) == ram_gb


def test_the_share_is_what_was_measured() -> None:
    """At the measured lengths their processor time; between and beyond them linear."""
    assert [share(cost.rows) for cost in COSTS] == [cost.cpu_percent for cost in COSTS]
    assert share(0) == COSTS[0].cpu_percent
    assert share(600_000) == pytest.approx((4.8 + 16) / 2)
    assert 20 * share(1_000_000) > 300  # twenty such panes: three times what one thread has
