"""Every rule is held against real captures, and against its own words where they are only quoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from wa.agents.loader import Agents
from wa.api.rules import CAPTURES, captures_in
from wa.detect.lint import lint_pack
from wa.detect.pack import Pack, compile_pack

AT_HAND = captures_in(CAPTURES)
PACKS = {pack.name: pack for pack in Agents(None).packs}


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_every_shipped_rule_is_sound(pack: Pack) -> None:
    """It fires on its capture and not on a quotation of it."""
    assert lint_pack(pack, AT_HAND) == []


def test_the_captures_that_rules_name_are_there() -> None:
    """A name that leads nowhere would judge nothing."""
    named = [rule.positive[1:] for pack in PACKS.values() for rule in pack.rules if rule.positive.startswith("@")]
    assert len(named) > 100
    assert [name for name in named if AT_HAND(name) is None] == []


def changed(**keys: object) -> list[str]:
    """Problems of the shipped rule on Codex's limits with other keys."""
    data = dict(PACKS["codex"].data)
    rule = next(rule for rule in data["rule"] if rule["id"] == "codex.usage.limit")
    data["rule"] = [
        {
            **{key: value for key, value in rule.items() if keys.get(key, 0) is not None},
            **{k: v for k, v in keys.items() if v is not None},
        }
    ]
    return lint_pack(compile_pack(data), AT_HAND)


def test_a_rule_without_a_capture_is_refused() -> None:
    """Unless it says why there is none."""
    assert "positive" in changed(positive=None)[0]
    assert changed(positive=None, unproven="read in the binary") == []
    assert "seen" in changed(seen=None)[0]


def test_a_rule_that_does_not_fire_on_its_capture_is_refused() -> None:
    """Whatever else it may be good for."""
    assert "does not fire" in changed(positive="@codex-0.87.0/turn.done-120.txt")[0]


def test_a_rule_that_fires_on_its_near_miss_is_refused() -> None:
    """Here the near miss is the real thing."""
    capture = AT_HAND("codex-0.169.0/limit-plus.shown-120.txt")
    assert changed(near_miss=capture) == ["codex.usage.limit: it fires on its near miss"]


def test_a_rule_that_believes_a_quotation_is_refused() -> None:
    """Looking at every text, it takes the agent's prose for the message; calling that quotable is refused as well."""
    assert "only quoted" in changed(region=["error", "text"], match=["hit your usage limit"])[0]
    assert (
        "must not be quotable"
        in changed(region=["error", "text"], match=["hit your usage limit"], quotable="so it is")[0]
    )


def test_a_capture_that_is_not_at_hand_is_not_judged(tmp_path: Path) -> None:
    """An installed wa has none of the project's."""
    assert lint_pack(PACKS["codex"], captures_in(tmp_path)) == []
