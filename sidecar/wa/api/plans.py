"""Plans of this machine: looked at, made, listed, taken back."""

from __future__ import annotations

from wa.config.paths import Paths
from wa.protocol.results_setup import PlanResult, SetupHistoryResult, UndoResult
from wa.provision import applying, journal, shown, undoing
from wa.provision.plan import Plan
from wa.provision.undoing import OnHost

__all__ = ["OnHost", "Plan"]


async def look(plan: Plan) -> PlanResult:
    """What the plan would do; the programs that only ask are run. Nothing is changed."""
    return shown.result_of(plan, outcomes=await applying.holding(plan))


async def apply(plan: Plan, paths: Paths) -> PlanResult:
    """Raises WaError with what was taken back."""
    return await applying.apply(plan, paths)


def history(paths: Paths) -> SetupHistoryResult:
    """Every plan that is not taken back, also one whose journal cannot be read: its note says why."""
    known = journal.journals(paths)
    plans = [shown.result_of_journal(one) for one in known]
    for plan_id, error in journal.unreadable(paths).items():
        lost = Plan("setup", (), None, (f"{error.message}. {error.next_step}",))
        plans.append(shown.result_of(lost, "begun", plan_id=plan_id))
    return SetupHistoryResult(
        plans=sorted(plans, key=lambda one: one["id"] or ""), interrupted=sum(one.is_interrupted for one in known)
    )


def interrupted(paths: Paths) -> list[PlanResult]:
    """Those that were begun and neither finished nor taken back, oldest first."""
    return [shown.result_of_journal(one) for one in journal.journals(paths) if one.is_interrupted]


def look_back(paths: Paths, plan_id: str | None) -> UndoResult:
    """What `undo` would do. Raises NotFound, Refused, StoreError."""
    return undoing.preview(paths, plan_id)


async def undo(paths: Paths, plan_id: str | None, *, on_host: OnHost | None = None, leave: bool = False) -> UndoResult:
    """Raises NotFound, Refused, StoreError, and what *on_host* raises. *leave*: what is in conflict is let go."""
    return await undoing.undo(paths, plan_id, on_host=on_host, leave=leave)
