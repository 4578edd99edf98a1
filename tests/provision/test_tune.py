"""Which values a machine gets, and the wezterm.lua that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa.model.errors import UsageError
from wa.provision.lua_eval import evaluate
from wa.provision.tune import (
    ROW_BYTES,
    Tuning,
    block_in,
    body,
    choose,
    memory_here,
    notes,
    refusal,
    shown,
    total_of,
    unknown_to,
    unread,
    with_values,
    without_values,
)
from wa.provision.tune_tables import OPTIONS, tuned

GIB = 1 << 30


def chosen(**more: Any) -> Tuning:
    asked: dict[str, Any] = {
        "ram_gb": None,
        "profile": None,
        "total_bytes": 62 * GIB,
        "counted_by": "/proc/meminfo",
        "watched": False,
    }
    return choose(**(asked | more))


@pytest.mark.parametrize(
    ("asked", "profile", "ram_gb", "rows"),
    [
        ({}, "guide", 64, 1_000_000),
        ({"watched": True}, "swarm", 64, 50_000),
        ({"watched": True, "ram_gb": 128}, "swarm", 128, 50_000),
        ({"watched": True, "profile": "guide"}, "guide", 64, 1_000_000),
        ({"watched": True, "profile": "256"}, "256", 256, 5_000_000),
        ({"profile": "swarm"}, "swarm", 64, 50_000),
        ({"ram_gb": 96}, "guide", 96, 1_500_000),
        ({"ram_gb": 64, "profile": "64"}, "64", 64, 1_000_000),
        ({"total_bytes": None, "profile": "512"}, "512", 512, 10_000_000),
    ],
)
def test_the_profile_is_what_was_asked_or_fits(
    asked: dict[str, object], profile: str, ram_gb: float, rows: int
) -> None:
    """Where wa watches: swarm; a tier is fixed; the memory is the machine's unless it is given."""
    tuning = chosen(**asked)

    assert (tuning.profile, tuning.ram_gb, tuning.values["scrollback_lines"]) == (profile, ram_gb, rows)


def test_swarm_differs_from_the_guide_in_its_rows_alone() -> None:
    """Buffers and caches are those of the tier."""
    guide, swarm = chosen(profile="guide").values, chosen(profile="swarm").values

    assert {name for name in guide if guide[name] != swarm[name]} == {"scrollback_lines"}
    assert "its database" in chosen(profile="swarm").reason


@pytest.mark.parametrize(
    "asked",
    [
        {"ram_gb": 96, "profile": "64"},
        {"profile": "96"},
        {"profile": ""},
        {"profile": "../64"},
        {"ram_gb": 0},
        {"ram_gb": -4},
        {"total_bytes": None},
    ],
)
def test_what_cannot_be_is_refused(asked: dict[str, object]) -> None:
    """With what there is instead."""
    with pytest.raises(UsageError) as error:
        chosen(**asked)
    assert error.value.next_step


FILES = {
    "variable": "local wezterm = require 'wezterm'\nlocal c = wezterm.config_builder()\nc.font_size = 11\nreturn c\n",
    "table": "return { font_size = 11 }",
    "table, comment": "return { font_size = 11 } -- end",
    "call": "local function f() return { font_size = 11 } end\nreturn f()\n",
    "windows": "local c = {}\r\nc.font_size = 11\r\nreturn c\r\n",
    "one line": "local c = { font_size = 11 } return c",
    "own values": "local c = { scrollback_lines = 77 }\nc.shape_cache_size = 8\nreturn c\n",
    "no UTF-8": "-- \udcff\udcfe\nlocal c = {}\nreturn c",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
@pytest.mark.parametrize("ram_gb", [64, 96.5])
def test_the_values_hold_and_come_out_again(text: str, ram_gb: float) -> None:
    """Evaluated, each option has its value, what else the user sets is as it was; without them the very text is back."""
    values = tuned(ram_gb)
    changed = with_values(text, values)
    was, now = evaluate(text, Path("wezterm.lua")).config, evaluate(changed, Path("wezterm.lua")).config

    assert now == was | values
    assert with_values(changed, values) == changed
    assert without_values(changed) == text
    assert without_values(text) == text
    assert block_in(text) is None
    assert block_in(changed) is not None


OWN = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=60)
@given(OWN, OWN, st.sampled_from(["\n", "\r\n"]), st.floats(0.1, 4096), st.floats(0.1, 4096), st.booleans())
def test_outside_of_the_block_every_byte_stays(
    above: str, below: str, line_end: str, first: float, second: float, is_ended: bool
) -> None:
    """Whatever stands there: in, changed, out; above and below the block the text is the user's."""
    text = (
        f"-- {above.replace('[', '(')}{line_end}local c = {{}}{line_end}return c{line_end}-- {below.replace('[', '(')}"
    )
    text += line_end if is_ended else ""
    once = with_values(text, tuned(first))
    twice = with_values(once, tuned(second))
    head, tail = text.split("return c", 1)

    assert once.startswith(head)
    assert once.endswith("return c" + tail)
    assert twice == with_values(text, tuned(second))
    assert without_values(twice) == text


def test_the_block_holds_numbers_and_nothing_else() -> None:
    """One assignment a line; no value can be code."""
    lines = body(tuned(64), "c").split("\n")

    assert [line.partition(" = ")[0] for line in lines] == [f"c.{option.name}" for option in OPTIONS]
    assert all(line.partition(" = ")[2].isdigit() for line in lines)


@pytest.mark.parametrize(
    ("version", "count"),
    [
        ("20250223-062404-4ff581a8", 0),
        ("20240203-110809-5046fc22", 0),
        ("20221119-145034-49b9839f", 0),
        ("20220905-102802-7d4b8249", 5),
        ("20210502-154244-3f7122cb", 7),
        (None, 0),
        ("nightly", 0),
        ("2024", 0),
    ],
)
def test_what_an_old_wezterm_does_not_know_is_left_out(version: str | None, count: int) -> None:
    """It complains of each unknown field at every load; of one without a number nothing is known."""
    unknown = unknown_to(version)

    assert len(unknown) == count
    assert "scrollback_lines" not in unknown


def test_fewer_rows_are_said_to_be_lost() -> None:
    """Open panes drop them; what keeps them is named, or that nothing does."""
    tuning = chosen(profile="swarm")

    def said(config: dict[str, Any], *, watching: bool = True) -> str:
        return " ".join(notes(tuning, config, total_bytes=64 * GIB, watching=watching, left_out={}))

    assert "from 2,000,000 to 50,000" in said({"scrollback_lines": 2_000_000})
    assert "database keeps" in said({"scrollback_lines": 2e6})
    assert "nothing else keeps them" in said({"scrollback_lines": 2_000_000}, watching=False)
    for config in ({}, {"scrollback_lines": 50_000}, {"scrollback_lines": "many"}, {"scrollback_lines": True}):
        assert "goes down" not in said(config)


def test_rows_that_are_still_to_be_read_hold_a_shorter_scrollback_back() -> None:
    """Open panes would drop them before wa has them."""
    assert unread(50_000, 1_000_000, 48) is not None
    for rows, had, waiting in ((50_000, 1_000_000, 0), (50_000, 1_000_000, None), (50_000, 3_500, 9), (1, None, 9)):
        assert unread(rows, had, waiting) is None


def test_a_configuration_that_is_not_loaded_again_is_told() -> None:
    """automatically_reload_config = false: who takes it when; and an amount that is not the machine's."""
    config = {"automatically_reload_config": False}
    said = " ".join(notes(chosen(ram_gb=512), config, total_bytes=64 * GIB, watching=True, left_out={"x": "why"}))

    assert "Ctrl-Shift-R" in said
    assert "64 GB, not 512" in said
    assert "`x` is left out: why." in said


def test_what_would_end_the_multiplexer_is_refused() -> None:
    """It sets all rows of a new pane aside at once, and ends where the system has not got them."""
    assert refusal(50_000, 1 * GIB) is None
    assert refusal(10 * GIB // ROW_BYTES, None) is None
    refused = refusal(999_999_999, 64 * GIB)
    assert refused is not None
    assert "119.2 GiB" in refused.message


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (3500.0, "3500"), (7, "7"), ("x", "x")])
def test_the_users_values_are_shown_as_written(value: object, text: str) -> None:
    """Lua has one kind of number to the eye."""
    assert shown(value) == text


def test_memory_is_read_from_the_system(tmp_path: Path) -> None:
    """Linux: MemTotal; a file that says nothing is not guessed at."""
    (tmp_path / "meminfo").write_text("MemTotal:       65758320 kB\nMemFree: 1 kB\n")

    assert memory_here(tmp_path / "meminfo") in ((65758320 * 1024, "/proc/meminfo"), memory_here())
    assert total_of("MemFree: 1 kB\n") is None
    assert total_of("MemTotal: 0 kB\n") is None
    assert total_of("") is None
