"""What `wa setup distributed` returns."""

from __future__ import annotations

from typing import Literal, TypedDict

from wa.protocol.results_setup import PlanResult


class RoleHostResult(TypedDict):
    """The coordinator's side. Null: not known."""

    host: str
    """What ssh takes."""
    title: str
    """Its name in the agent's settings."""
    found_in: list[str]
    address: str | None
    """Where the agent reaches the coordinator: on the host itself, or in the tailnet."""
    port: int | None
    way: Literal["ssh", "tailnet"]
    peer: str | None
    """Its name in the tailnet."""
    system: str | None
    wa: str | None
    """Its version."""
    sidecar: str | None
    """One that runs there, in words."""
    first: PlanResult | None
    """What puts wa there, where it is missing or older."""
    plan: PlanResult | None
    notes: list[str]
    trouble: str | None
    next_step: str | None
    elapsed_ms: float


class DistributedResult(TypedDict):
    """`wa.setup-distributed/1`. The command ends with 1 where a host has a trouble."""

    hosts: list[RoleHostResult]
    here: PlanResult | None
    """The agent's side, with those hosts that have no trouble; null where none is left."""
    sidecar: str | None
    """One that runs here, in words."""
    notes: list[str]


RESULTS: dict[str, type] = {"setup-distributed": DistributedResult}
