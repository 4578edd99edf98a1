"""Which values a machine gets, and the text of a wezterm.lua with them. Pure but for `memory_here`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wa.model.errors import ConfigError, Refused, UsageError
from wa.provision.lua import lua, lua_name
from wa.provision.lua_text import lua_block_in, put_lua_block, take_lua_block
from wa.provision.tune_tables import COSTS, OPTIONS, SCROLLBACK, SWARM_ROWS, TIERS, Option, tuned, usual_gb

BLOCK = "tune"
Profile = Literal["guide", "swarm", "64", "128", "256", "512"]
PROFILES: tuple[Profile, ...] = ("guide", "swarm", "64", "128", "256", "512")
ROW_BYTES = 128
"""What WezTerm sets aside for each row of a pane that opens, at one stroke (2025-02-23, x86_64, by the failed one of
999,999,999 rows). Where the system refuses that, its server ends with all its panes."""
FILLED_ROW_BYTES = (COSTS[-1].memory_mib - COSTS[0].memory_mib) * (1 << 20) // COSTS[-1].rows
"""Of a row that has been printed, all in all."""
WHEN = {
    "server": "in panes that are open, too",
    "window": "in every window",
    "attached": "in windows, for panes of other machines",
}
"""As soon as WezTerm has loaded its configuration again, which it does by itself when the file changes."""


class Tuning(NamedTuple):
    ram_gb: float
    ram_from: str
    profile: Profile
    reason: str
    values: dict[str, int]


def choose(
    *, ram_gb: float | None, profile: str | None, total_bytes: int | None, counted_by: str, watched: bool
) -> Tuning:
    """*ram_gb*, *profile*: as the user asked. *total_bytes*: what the machine has. *watched*: wa keeps its history.

    Raises UsageError for what does not go together or does not exist.
    """
    chosen = _profile(profile) if profile is not None else "swarm" if watched else "guide"
    if chosen in map(str, TIERS):
        if ram_gb is not None and ram_gb != float(chosen):
            step = "Give one of them: --profile is a fixed tier, --ram lies between the tiers."
            raise UsageError(f"--ram {ram_gb:g} and --profile {chosen} are two sizes", next_step=step)
        size, source = float(chosen), f"--profile {chosen}"
        reason = f"the guide's tier for {chosen} GB, as asked"
    elif ram_gb is not None:
        size, source = ram_gb, "--ram"
        reason = _reason(chosen, asked=profile is not None)
    elif total_bytes is not None:
        size, source = usual_gb(total_bytes), counted_by
        reason = _reason(chosen, asked=profile is not None)
    else:
        raise UsageError("this machine does not say how much memory it has", next_step="Say it: --ram 64")
    values = tuned(size, rows=SWARM_ROWS if chosen == "swarm" else None)
    return Tuning(size, source, chosen, reason, values)


def _profile(word: str) -> Profile:
    for known in PROFILES:
        if word.lower() == known:
            return known
    raise UsageError(f"there is no profile {word!r:.40}", next_step=f"There are {', '.join(PROFILES)}.")


def _reason(profile: Profile, *, asked: bool) -> str:
    if profile == "swarm":
        why = (
            "each flush of a pane is compared over its whole history, for every client, on the one thread of the multiplexer;"
            f" with wa the history is in its database, and {SWARM_ROWS:,} rows in the terminal are enough"
        )
        return why if asked else f"wa keeps its history: {why}"
    why = "the guide's values for this much memory, for a person who scrolls"
    return why if asked else f"wa does not keep its history: {why}"


def body(values: Mapping[str, int], config: str) -> str:
    """The lines of the block; *config*: the name of the configuration's table."""
    return "\n".join(f"{lua_name(config)}.{lua_name(name)} = {lua(value)}" for name, value in values.items())


def with_values(text: str, values: Mapping[str, int]) -> str:
    """Raises TextTrouble where it cannot be done safely."""
    return put_lua_block(text, BLOCK, lambda config: body(values, config))


def without_values(text: str) -> str:
    """The very text from before. Raises TextTrouble."""
    return take_lua_block(text, BLOCK)


def block_in(text: str) -> str | None:
    """Raises TextTrouble."""
    return lua_block_in(text, BLOCK)


def unknown_to(version: str | None) -> dict[str, str]:
    """The options that a WezTerm of *version* does not know, and why. None, or no release's number: all are known."""
    found = re.match(r"(\d{8})(?:\D|$)", version or "")
    if found is None:
        return {}
    day = int(found[1])
    return {
        option.name: f"WezTerm {version} does not know it: it came with {option.since}"
        for option in OPTIONS
        if day < option.since
    }


def shown(value: object) -> str:
    """A value of a configuration, for a person."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def notes(
    tuning: Tuning, before: Mapping[str, Any], *, total_bytes: int | None, watching: bool, left_out: Mapping[str, str]
) -> list[str]:
    """What a person must know first. *before*: the configuration without wa's values; *watching*: a sidecar runs."""
    rows = tuning.values[SCROLLBACK]
    found = [f"`{name}` is left out: {why}." for name, why in left_out.items()]
    found += fewer(rows, rows_of(before), watching=watching)
    found.append(
        f"A pane whose {rows:,} rows are full takes about {rows * FILLED_ROW_BYTES / (1 << 20):,.0f} MiB of the"
        f" multiplexer's memory, and one that opens sets {rows * ROW_BYTES / (1 << 20):,.0f} MiB aside at once."
    )
    if total_bytes is not None and tuning.ram_gb > 1.1 * usual_gb(total_bytes):
        found.append(f"The machine has {usual_gb(total_bytes):g} GB, not {tuning.ram_gb:g}.")
    if before.get("automatically_reload_config") is False:
        found.append(
            "automatically_reload_config is off: a window takes the values when its configuration is loaded again"
            " (Ctrl-Shift-R), a mux server when it is next started. wa starts none."
        )
    return found


def fewer(rows: int, had: int | None, *, watching: bool) -> list[str]:
    """What goes with a shorter scrollback; nothing where it is not shorter."""
    if had is None or rows >= had:
        return []
    kept = "wa's database keeps what wa has read" if watching else "no sidecar runs, so nothing else keeps them"
    lost = (
        f"scrollback_lines goes down from {had:,} to {rows:,}: open panes drop their older rows as soon as they print"
    )
    return [f"{lost}; {kept}."]


def rows_of(config: Mapping[str, Any]) -> int | None:
    """How many rows a pane may keep; None where that is no number."""
    had = config.get(SCROLLBACK, _option(SCROLLBACK).default)
    return int(had) if isinstance(had, int | float) and not isinstance(had, bool) else None


def unread(rows: int, had: int | None, reads_waiting: int | None) -> Refused | None:
    """Fewer rows while some of the older ones are still to be read: they would be lost."""
    if not reads_waiting or had is None or rows >= had:
        return None
    return Refused(
        f"wa has still {reads_waiting} reads of older rows to make, which open panes would drop",
        next_step="Try again in a moment: `wa doctor` says how many are left.",
    )


def refusal(rows: int, total_bytes: int | None) -> ConfigError | None:
    """Of a scrollback that would end the multiplexer when the next pane opens."""
    if total_bytes is None or rows * ROW_BYTES < total_bytes:
        return None
    return ConfigError(
        f"a pane of {rows:,} rows sets {rows * ROW_BYTES / (1 << 30):,.1f} GiB aside as it opens, more than the"
        f" {total_bytes / (1 << 30):,.1f} GiB of the machine: its multiplexer would end with all panes",
        next_step="Give the memory that it has (--ram), or `--profile swarm`.",
    )


def _option(name: str) -> Option:
    return next(option for option in OPTIONS if option.name == name)


def memory_here(meminfo: Path = Path("/proc/meminfo")) -> tuple[int | None, str]:
    """Bytes as the system counts them, and which word of it. Blocking."""
    if sys.platform == "darwin":
        try:
            done = subprocess.run(
                ["/usr/sbin/sysctl", "-n", "hw.memsize"], capture_output=True, timeout=5, check=True, text=True
            )
            return int(done.stdout), "sysctl hw.memsize"
        except (OSError, ValueError, subprocess.SubprocessError):
            return None, "sysctl hw.memsize"
    try:
        return total_of(meminfo.read_text("ascii", "replace")), "/proc/meminfo"
    except OSError:
        return None, "/proc/meminfo"


def total_of(meminfo: str) -> int | None:
    """Bytes that a /proc/meminfo counts; None where it does not."""
    found = re.search(r"^MemTotal:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(found[1]) * 1024 if found and int(found[1]) else None
