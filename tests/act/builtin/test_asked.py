"""What a rule wants asked, in the workflows that come with wa: a yes lets them go on at once, a no ends them by name."""

from __future__ import annotations

from typing import Any

import pytest

from act.builtin.world import Turn, World, pane
from wa.act.builtin.compaction import HANDLE_COMPACTION
from wa.act.builtin.limits import HANDLE_USAGE_LIMITS
from wa.act.builtin.restart import RESTART_AGENT
from wa.act.builtin.stuck import STUCK
from wa.act.workflow import Workflow
from wa.model.action import ActionKind, ActOutcome

ID = "0198c1f2-1111-7222-8333-444455556666"
BOX = {"question": "Usage limit reached", "options": ("Stop", "Switch"), "selected": 0}
CASES: list[tuple[Workflow, str, ActionKind, dict[str, Any], dict[str, Any], str]] = [
    (HANDLE_COMPACTION, "compaction.done", ActionKind.SEND, {"state": "idle"}, {}, "send Reread"),
    (RESTART_AGENT, "error.crash", ActionKind.RUN, {"state": "exited", "session_id": ID}, {}, "run codex resume"),
    (STUCK, "rate.retry", ActionKind.INTERRUPT, {"state": "working"}, {"poke": "go on"}, "interrupt"),
    (HANDLE_USAGE_LIMITS, "usage.limit", ActionKind.EXIT, {"state": "limited"}, {"on_limit": "exit"}, "exit"),
    (HANDLE_USAGE_LIMITS, "usage.limit", ActionKind.CHOOSE, {"state": "waiting.choice", **BOX}, {}, "choose Stop"),
]
PROFILE = {"resume": {"command": "codex resume {session_id}"}, "limits": {"close": ["Stop"]}}


def played(case: Any, answer: str, at_s: float) -> tuple[World, str]:
    workflow, event, kind, shows, settings, _ = case
    shown = dict(shows)
    here = World(
        workflow,
        pane(shown.pop("state"), **shown),
        answers=[(kind, ActOutcome.ASKED, {})],
        evidence={"approval": 3},
        turns=[Turn(at_s, {"fields": {"answer": answer}}, "approval.3")],
    )
    ending = here.play({"attempt": 1}, event=event, settings={"patience_s": 900.0, **settings}, profile=PROFILE)
    return here, ending.outcome


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[2].value)
def test_a_yes_is_acted_upon_at_once(case: Any) -> None:
    """The very action that was asked for, once more."""
    at_s = 317.0 if case[0] is STUCK else 17.0
    here, outcome = played(case, "granted", at_s)

    (asked, first), (acted, second), *_ = here.at
    assert first.startswith(case[5])
    assert first.endswith("asked")
    assert second.startswith(case[5])
    assert not second.endswith("asked")
    assert acted - at_s < 1.0
    assert asked < acted
    assert outcome != "denied"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[2].value)
@pytest.mark.parametrize("answer", ["denied", "expired"])
def test_after_a_no_it_is_not_asked_again(case: Any, answer: str) -> None:
    """A box that stays open is left to the person, who is told; the others end as `denied`."""
    here, outcome = played(case, answer, 317.0 if case[0] is STUCK else 17.0)

    asked = [said for _, said in here.at if said.endswith("asked")]
    assert len(asked) == 1
    if answer == "denied" and case[2] is not ActionKind.CHOOSE:
        assert outcome == "denied"
    else:
        assert outcome != "denied"
