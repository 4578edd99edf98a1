"""An agent's file, compiled or refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.detect.pack import Pack, PackError, compile_pack
from wa.model.agent import PaneState, Severity

RULE = {
    "id": "a.limit",
    "event": "usage.limit",
    "region": "error",
    "anchors": ["limit reached"],
    "match": ["limit (?P<n>.*)"],
}
LAYOUT = {"marker": [{"name": "error", "glyphs": "■"}], "answers": ["agent"]}
COMPOSER = {"marks": "›", "signs": ["›"], "prompt": "^› "}


def pack(**more: Any) -> Pack:
    return compile_pack({"name": "a", "layout": LAYOUT, "rule": [RULE], **more})


def rule(**more: Any) -> Pack:
    return pack(rule=[{**RULE, **more}])


def test_a_rule_is_as_it_is_written() -> None:
    """What is not written has a meaning that restricts nothing."""
    (made,) = rule(severity="critical", window_min=5, many=True, columns=[0, 2]).rules
    assert (made.id, made.event, made.severity, made.regions) == (
        "a.limit",
        "usage.limit",
        Severity.CRITICAL,
        ("error",),
    )
    assert (made.window_ms, made.many, made.columns) == (300_000, True, {0, 2})
    assert made.followed_by is None
    assert made.chained_under is None
    assert not made.after
    assert not made.present
    assert made.says is None


def test_a_rule_that_reads_a_reset_depends_on_the_time() -> None:
    """By the name of the field or by its converter; the same words mean another instant later."""
    assert rule(match=["until (?P<reset>.*)"]).rules[0].is_timed
    assert rule(match=["until (?P<when>.*)"], types={"when": "reset"}).rules[0].is_timed
    assert not rule().rules[0].is_timed


@pytest.mark.parametrize(
    ("more", "where", "reason"),
    [
        ({"id": "b.limit"}, "rule b.limit", "begins with the agent's name"),
        ({"id": ""}, "rule ", "id is missing"),
        ({"event": 3}, "rule a.limit", "event is missing or no text"),
        ({"region": "nowhere"}, "rule a.limit", "no region or marker 'nowhere'"),
        ({"region": []}, "rule a.limit", "it has no region"),
        ({"anchors": []}, "rule a.limit", "anchors of two characters"),
        ({"anchors": ["x"]}, "rule a.limit", "anchors of two characters"),
        ({"anchors": ["│ │ ’"]}, "rule a.limit", "anchors of two characters"),
        ({"anchors": [["nested"]]}, "rule a.limit", "anchors is a text or a list of texts"),
        ({"anchors": {"limit": 1}}, "rule a.limit", "anchors is a text or a list of texts"),
        ({"match": 3}, "rule a.limit", "match is a text or a list of texts"),
        ({"match": ["(open"]}, "rule a.limit: match", "in '(open'"),
        ({"unless": ["[z-a]"]}, "rule a.limit: unless", "in '[z-a]'"),
        ({"severity": "loud"}, "rule a.limit", "severity is info, warning or critical"),
        ({"state": "asleep"}, "rule a.limit", "'asleep' is no state"),
        ({"colour": "red"}, "rule a.limit", "unknown key 'colour'"),
        ({"table": {"field": "models"}}, "rule a.limit", "match is missing"),
        ({"table": {"field": "models", "match": "(", "x": 1}}, "rule a.limit: table", "unknown key 'x'"),
    ],
)
def test_a_rule_that_is_off_is_refused_with_the_place(more: dict[str, Any], where: str, reason: str) -> None:
    """Where it stands and what is wrong, as a person reads it; never an error of another kind."""
    with pytest.raises(PackError) as refused:
        rule(**more)
    assert refused.value.where.startswith(where)
    assert reason in str(refused.value)


def test_two_rules_of_one_id_are_refused() -> None:
    with pytest.raises(PackError, match=r"a\.limit.*two of this id"):
        pack(rule=[RULE, RULE])


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"composer": [{**COMPOSER, "frame": "round"}]}, "frame is open, rules or box"),
        ({"composer": [{**COMPOSER, "prompt": ""}]}, "prompt is missing"),
        ({"composer": [{**COMPOSER, "prompt": "("}]}, "in '('"),
        ({"composer": [{**COMPOSER, "blow": 3}]}, "unknown key 'blow'"),
        ({"layout": {"marker": [{"name": "x"}]}}, "glyphs is missing"),
        ({"layout": {"marker": [{"name": "x", "glyphs": "•", "like": "("}]}}, "in '('"),
        ({"layout": {"breaks": ["("]}}, "in '('"),
        ({"layout": 3}, "layout is no table"),
        ({"title": [{"id": "a.t", "like": "x", "state": "asleep"}]}, "is no state"),
        ({"title": [{"like": "x"}]}, "id is missing"),
        ({"name": ""}, "name is missing"),
    ],
)
def test_a_layout_that_is_off_is_refused(more: dict[str, Any], reason: str) -> None:
    with pytest.raises(PackError) as refused:
        pack(**{"rule": [], **more})
    assert reason in refused.value.reason


def test_markers_are_regions() -> None:
    """Of this agent; those of another are not known."""
    assert pack().markers[0].name == "error"
    with pytest.raises(PackError):
        pack(layout={})


def test_titles_and_composers_are_compiled() -> None:
    made = pack(title=[{"id": "a.t", "like": "^⠋", "state": "working"}], composer=[COMPOSER])
    assert made.titles[0].state is PaneState.WORKING
    assert made.composers[0].frame == "open"
    assert not made.has_title_rules
    assert pack(rule=[{**RULE, "region": "title"}]).has_title_rules


@given(
    entry=st.dictionaries(
        st.sampled_from(
            ["id", "event", "region", "anchors", "match", "unless", "severity", "state", "columns", "rows", "set"]
        ),
        st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2)),
    )
)
def test_whatever_a_file_says_it_is_compiled_or_refused(entry: dict[str, Any]) -> None:
    """With the errors that the loader turns into a notice: a user's file takes nothing down."""
    try:
        made = pack(rule=[{**RULE, **entry}])
    except (PackError, TypeError, ValueError, AttributeError, KeyError):
        return
    assert len(made.rules) == 1
