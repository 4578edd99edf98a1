"""Rules asked about a look: what each finds, and the fields it reads."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.detect.asking import LEAST_TEXTS, MAX_REMEMBERED, MAX_SPAN, MAX_TEXTS
from wa.detect.pack import compile_pack
from wa.detect.page import page_of_text
from wa.detect.reading import Detector, Reading
from wa.model.agent import Detection

MARKERS = [
    {"name": "error", "glyphs": "■"},
    {"name": "agent", "glyphs": "•"},
    {"name": "user", "glyphs": "›", "unlike": r"^\d+\. "},
    {"name": "result", "glyphs": "└", "columns": [2], "replies": True},
]
COMPOSER = {
    "marks": "›",
    "signs": ["›"],
    "prompt": r"^›(?: |$)",
    "below": 4,
    "below_column": 2,
    "below_like": "shortcuts",
}
BELOW = ["", "› ", "", "  ? for shortcuts"]
AT_MS = 1_795_147_200_000
"""2026-11-20 04:00 UTC."""


def detector(*rules: dict[str, Any]) -> Detector:
    entries = [
        {"id": f"a.{number}", "event": "error.api", "region": "error", "anchors": ["limit"], "match": ["limit"], **rule}
        for number, rule in enumerate(rules)
    ]
    return Detector(compile_pack({"name": "a", "layout": {"marker": MARKERS}, "composer": [COMPOSER], "rule": entries}))


def read(made: Detector, *rows: str, cols: int = 200, at_ms: int = AT_MS, title: str = "") -> Reading:
    return made.read(page_of_text(rows, cols, 24), title=title, at_ms=at_ms, zone="Europe/Berlin")


def found(rule: dict[str, Any], *rows: str, **how: Any) -> list[Detection]:
    """What the rule finds, above a composer that waits."""
    return [one for one in read(detector(rule), *rows, *BELOW, **how).detections if one.event != "state.idle"]


def test_the_first_expression_that_matches_wins() -> None:
    """And its named groups are the fields; what a rule sets is there too."""
    rule = {"match": ["limit of (?P<what>week)", "(?P<what>limit)"], "set": {"tool": "x"}}
    (one,) = found(rule, "■ limit of week")
    assert one.fields == {"what": "week", "tool": "x"}
    (one,) = found(rule, "■ limit of day")
    assert one.fields["what"] == "limit"


def test_a_rule_is_silent_where_its_anchor_is_not() -> None:
    """Though its expression would match."""
    assert found({"anchors": ["never there"]}, "■ limit") == []


def test_a_rule_is_silent_in_other_regions() -> None:
    """The same words of the user, the agent, or in a quotation."""
    for row in ("› limit", "• limit", "  ■ limit", "limit", "$ echo limit", "│ ■ limit │"):
        assert found({}, row) == []


def test_what_a_rule_forbids_silences_it() -> None:
    """In the text that it is asked about, not elsewhere."""
    rule = {"unless": ["soft"]}
    assert found(rule, "■ soft limit") == []
    assert len(found(rule, "■ hard limit", "", "• soft")) == 1


def test_a_forbidding_search_that_runs_away_forbids() -> None:
    """What could not be looked for may be there: better no event than a wrong one."""
    text = "■ limit " + "a" * 900
    assert len(found({"unless": [r"\d$"]}, text)) == 1
    assert found({"unless": [r"(?:(\w)(\w)?)+\d$"]}, text) == []


def test_words_become_what_they_mean() -> None:
    """Others stay as printed, blanks squeezed."""
    rule = {"match": [r"(?P<window>[\w ]+) limit"], "words": {"window": {"5-hour": "five_hour", "weekly": "week"}}}
    assert found(rule, "■ weekly limit")[0].fields["window"] == "week"
    assert found(rule, "■ some  other limit")[0].fields["window"] == "some other"


def test_members_of_a_field_are_gathered() -> None:
    """`tokens__input` is the member `input` of `tokens`."""
    rule = {"match": [r"limit in=(?P<tokens__input>[\d,]+) out=(?P<tokens__output>[\d,]+)"]}
    rule["types"] = {"tokens__input": "count", "tokens__output": "count"}
    assert found(rule, "■ limit in=1,200 out=30")[0].fields == {"tokens": {"input": 1_200, "output": 30}}


def test_rows_of_a_table_are_read() -> None:
    """Behind the rule's own match; numbers as numbers."""
    table = {"field": "models", "match": r"(?P<model>m-\d+) (?P<requests>\d+) (?P<input>[\d,]+)"}
    (one,) = found({"table": table}, "■ limit", "  m-1 2 3,000", "  m-2 4 5")
    assert one.fields["models"] == (
        {"model": "m-1", "requests": 2, "input": 3_000},
        {"model": "m-2", "requests": 4, "input": 5},
    )


def test_a_limit_without_a_reset_says_so() -> None:
    """And one with a reset says when, with its zone."""
    rule = {"event": "usage.limit", "match": [r"limit(?:, resets (?P<reset>.*))?"]}
    assert found(rule, "■ limit")[0].fields == {"reset_kind": "none"}
    fields = found(rule, "■ limit, resets 3pm (Europe/Berlin)")[0].fields
    assert fields["resets_at"] == "2026-11-20T15:00:00+01:00"


def test_a_printed_time_is_read_anew_as_time_passes() -> None:
    """What a rule remembers of the same words does not outlive the minute."""
    made = detector({"event": "usage.limit", "match": ["limit, resets (?P<reset>.*)"]})
    rows = ["■ limit, resets in 2h", *BELOW]
    resets = [
        read(made, *rows, at_ms=AT_MS + minutes * 60_000).detections[0].fields["resets_at"] for minutes in (0, 0, 5)
    ]
    assert resets[0] == resets[1]
    assert resets[2] != resets[0]


def test_a_rule_may_ask_for_what_stands_before_and_behind() -> None:
    """Which marker owns a block, which one it answers, its column, and what may still come below."""
    assert len(found({"after": ["user"]}, "› go", "", "■ limit")) == 1
    assert found({"after": ["user"]}, "• go", "", "■ limit") == []
    assert found({"not_after": ["agent"]}, "• go", "", "■ limit") == []
    inside = {"region": "result", "not_under": ["agent"]}
    assert len(found(inside, "› go", "  └ limit")) == 1
    assert found(inside, "• go", "  └ limit") == []
    assert found(inside, "• go", "  └ fine", "  └ limit") == []
    assert found({"followed_by": ["user"]}, "■ limit", "", "• done") == []
    assert len(found({"followed_by": ["agent", "user"]}, "■ limit", "", "• done")) == 1


def test_a_working_row_in_a_box_is_not_the_agents_own() -> None:
    """Where a rule says of which kind its block is, at the bottom of the screen too."""
    rule = {"event": "turn.working", "region": "bottom", "kinds": ["text"], "anchors": ["limit"], "match": ["^limit"]}
    assert len(found(rule, "limit")) == 1
    assert found(rule, "╭─────╮", "│ limit │", "╰─────╯") == []
    assert len(found({**rule, "kinds": []}, "╭─────╮", "│ limit │", "╰─────╯")) == 1


def test_what_may_follow_is_asked_of_all_that_follows() -> None:
    """However far below it stands."""
    rows = [row for _ in range(50) for row in ("› go", "")]
    assert len(found({"followed_by": ["user"]}, "■ limit", "", *rows)) == 1
    assert found({"followed_by": ["user"]}, "■ limit", "", *rows, "• done") == []


def test_options_are_asked_for_where_a_rule_needs_them() -> None:
    """A dialog's, which owns the keyboard: none where a composer waits."""
    rule = {
        "event": "waiting.approval",
        "region": "dialog",
        "options": 2,
        "anchors": ["Run it?"],
        "match": ["Run it\\?"],
    }
    made = detector(rule)
    reading = read(made, "Run it?", "", "› 1. Yes", "  2. No")
    (one,) = reading.detections
    assert one.fields == {"options": ("Yes", "No"), "selected": "Yes"}
    assert reading.dialog is not None
    assert reading.dialog.options == ("Yes", "No")
    assert read(made, "Run it?", "", "› 1. Yes").detections == ()
    assert read(made, "Run it?", "", "1. Yes", "2. No", *BELOW).state == "idle"


def test_a_rule_that_counts_each_occurrence_tells_each() -> None:
    """Within one block too; else the first of each block."""
    rows = ["■ limit one, limit two", "", "■ limit three"]
    every = {"match": [r"limit (?P<window>\w+)"], "many": True}
    assert [one.fields["window"] for one in found(every, *rows)] == ["one", "two", "three"]
    assert [one.fields["window"] for one in found({**every, "many": False}, *rows)] == ["one", "three"]


def test_both_readings_of_a_full_row_are_tried() -> None:
    """A word that the terminal cut, or two words with a row between them: what says most is taken."""
    rule = {"anchors": ["limit"], "match": [r"limit of (?P<window>weekly)\b"]}
    assert [one.fields for one in found(rule, "■ limit of wee", "kly")] == []
    assert [one.fields for one in found(rule, "■ limit of wee", "kly", cols=14)] == [{"window": "weekly"}]


def test_the_matched_span_is_bounded() -> None:
    """It is stored with the event."""
    (one,) = found({"match": ["limit .*"]}, "■ limit " + "x" * 5_000)
    assert len(one.place.text) == MAX_SPAN


def test_the_title_is_a_region() -> None:
    """Where the rule says so, and nowhere else."""
    made = detector(
        {"event": "waiting.approval", "region": "title", "anchors": ["Action Required"], "match": ["Action Required"]}
    )
    assert read(made, "Action Required", title="work").detections == ()
    assert [one.event for one in read(made, "text", title="! Action Required").detections] == ["waiting.approval"]


@given(
    words=st.lists(st.sampled_from(["limit one", "limit two", "limit  one", "limit three"]), max_size=8),
    times=st.integers(1, 3),
)
def test_each_thing_is_told_once(words: list[str], times: int) -> None:
    """However often it is printed; the order is that of the lowest of equal ones."""
    made = detector({"match": [r"limit (?P<window>\w+)"]})
    rows = [row for _ in range(times) for word in words for row in (f"■ {word}", "")]
    said = [one.fields["window"] for one in read(made, *rows, *BELOW).detections if one.event == "error.api"]
    lowest = {word.split()[1]: at for at, word in enumerate(words)}
    assert said == sorted(lowest, key=lambda word: lowest[word])


@given(
    texts=st.lists(st.sampled_from(["■ limit one", "■ limit two", "• limit", "", "  limit", "› limit"]), max_size=12)
)
def test_what_was_read_before_changes_nothing(texts: list[str]) -> None:
    """A detector that remembers reads as one that sees it for the first time."""
    rule = {"match": [r"limit (?P<window>\w+)"]}
    made = detector(rule)
    for end in range(len(texts) + 1):
        first = read(made, *texts[:end], *BELOW)
        assert first._replace(look=None) == read(made, *texts[:end], *BELOW)._replace(look=None)
        assert first._replace(look=None) == read(detector(rule), *texts[:end], *BELOW)._replace(look=None)


def test_what_is_remembered_is_bounded() -> None:
    made = detector({"match": [r"limit (?P<window>\w+)"]})
    for number in range(MAX_REMEMBERED + 50):
        read(made, f"■ limit {number}", *BELOW)
    assert len(made._memory.hits) <= MAX_REMEMBERED
    made.forget()
    assert not made._memory.hits


def test_of_a_flood_the_lowest_are_read() -> None:
    """A page that is nothing but messages costs no more than so many of them; none of a usual page is left out."""
    rule = {"match": [r"limit (?P<window>\d+)"]}
    rows = [f"■ limit {number}" for number in range(2_500)]
    begin = time.thread_time()
    said = [one.fields["window"] for one in read(detector(rule), *rows, *BELOW).detections if one.event == "error.api"]
    assert time.thread_time() - begin < 1
    assert said == [str(number) for number in range(2_500 - MAX_TEXTS, 2_500)]

    several = [rule] * 30
    made = detector(*several)
    usual = [f"■ limit {number}" for number in range(LEAST_TEXTS)]
    told = {one.fields["window"] for one in read(made, *usual, *BELOW).detections if one.event == "error.api"}
    assert told == {str(number) for number in range(LEAST_TEXTS)}


@pytest.mark.parametrize(
    "region", ["text", "near", "exit", "banner", "box", "bottom", "screen", "tail", "rows", "asked"]
)
def test_no_region_of_a_large_page_is_slow(region: str) -> None:
    """An anchor in every other of three thousand rows: time grows with the rows, not with their square."""
    made = detector({"region": region, "match": [r"limit (?P<window>\d+)"], "followed_by": []})
    rows = [row for number in range(1_400) for row in (f"limit {number}", "")]
    begin = time.thread_time()
    read(made, *rows)
    assert time.thread_time() - begin < 1
