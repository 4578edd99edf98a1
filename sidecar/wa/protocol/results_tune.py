"""What `wa tune` returns."""

from __future__ import annotations

from typing import Literal, TypedDict

from wa.protocol.results_setup import PlanResult


class TuneValue(TypedDict):
    option: str
    value: int
    unit: str
    default: int
    """WezTerm's own."""
    yours: str | None
    """What the rest of the user's configuration sets and this overrides; null where it sets nothing."""
    applies: str
    """Where it takes effect once WezTerm has loaded its configuration again, in words."""
    left_out: str | None
    """Why it is not written; null: it is."""


class TuneCost(TypedDict):
    """Measured: one pane that prints 20 lines a second, one client."""

    rows: int
    p50_ms: float
    p95_ms: float
    cpu_percent: float
    """Of one core, the one that serves every pane and client."""
    memory_mib: int


class TuneAgent(TypedDict):
    pane_uid: str
    agent: str
    state: str
    is_idle: bool


class TuneRestart(TypedDict):
    """What a restart of the multiplexer would end now. None is made, and none is needed for the values."""

    known: bool
    """False: no sidecar runs, so nobody knows."""
    panes: int
    agents: list[TuneAgent]
    advice: str


class TuneResult(TypedDict):
    machine: str | None
    """The ssh name; null: this one."""
    ram_gb: float | None
    """Null with `--restore`."""
    ram_from: str | None
    profile: Literal["guide", "swarm", "64", "128", "256", "512"] | None
    reason: str | None
    """Why this profile."""
    wezterm: str | None
    """Its version; null where it is not known."""
    config: str
    """The file."""
    values: list[TuneValue]
    """Empty with `--restore`."""
    costs: list[TuneCost]
    restart: TuneRestart
    plan: PlanResult


RESULTS: dict[str, type] = {"tune": TuneResult}
