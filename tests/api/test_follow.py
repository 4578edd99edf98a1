"""What a follower is shown: each row once, as soon as it can be trusted."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wa.api.follow import SETTLE_MS, Follower, Joiner
from wa.api.lines import Hole, Item, Physical

HEIGHT = 4


def rows(first: int, *texts: str, page: bool = False) -> dict[str, Any]:
    return {"kind": "rows", "first_row": first, "at_ms": 1, "rows": [[text, False] for text in texts], "page": page}


def screen(
    next_row: int, *texts: str, cursor: int | None = None, is_alt: bool | None = False, logged: int = 0
) -> dict[str, Any]:
    y = len(texts) - 1 if cursor is None else cursor
    return {
        "kind": "screen",
        "rows": list(texts),
        "wrapped": [False] * len(texts),
        "cursor": [0, y],
        "next_row": next_row,
        "logged": logged,
        "is_alt": is_alt,
        "at_ms": 1,
    }


def texts(items: list[Item]) -> list[str]:
    return [item.text for item in items if isinstance(item, Physical)]


def test_rows_on_a_quiet_shell_are_shown_once_they_stand_still() -> None:
    """What stands above the prompt appears after a moment, and not again when it scrolls away unchanged."""
    follower = Follower(screens=True)

    assert follower.feed(screen(0, "one", "two", "$ ", "", cursor=2), 0) == []
    assert follower.wake_in_ms(0) == SETTLE_MS
    assert texts(follower.settle(SETTLE_MS)) == ["one", "two"]
    assert follower.wake_in_ms(SETTLE_MS) is None
    assert follower.feed(rows(0, "one"), 400) == []
    assert texts(follower.feed(rows(1, "two", "three"), 400)) == ["three"]


def test_a_spinner_is_not_shown_and_holds_back_what_stands_below_it() -> None:
    """A row that keeps changing is never shown ahead, and order is kept."""
    follower = Follower(screens=True)
    shown = []
    for now_ms in range(0, 2000, 100):
        shown += follower.feed(screen(0, "done", f"working {now_ms}", "static", "> "), now_ms)

    assert texts(shown) == ["done"]


def test_composers_and_alternate_screens_are_not_shown_ahead() -> None:
    """Where something stands below the cursor, or on an alternate screen, only final rows are shown."""
    follower = Follower(screens=True)
    follower.feed(screen(0, "answer", "╭──╮", "│> │", "╰──╯", cursor=2), 0)
    follower.feed(screen(0, "a", "b", "c", "d", is_alt=True), 100)

    assert follower.settle(5000) == []
    assert texts(follower.feed(rows(0, "answer", page=True), 5000)) == ["answer"]


def test_a_row_that_changed_before_it_became_final_is_shown_as_it_became() -> None:
    """The correction follows at its own position."""
    follower = Follower(screens=True)
    follower.feed(screen(0, "50 %", "$ "), 0)

    assert texts(follower.settle(SETTLE_MS)) == ["50 %"]
    assert follower.feed(rows(0, "100 %"), 900) == [Physical(0, "100 %", False, 1, "output")]


def test_without_screens_only_final_rows_are_shown() -> None:
    """`--stored` follows the log alone."""
    follower = Follower(screens=False)
    follower.feed(screen(0, "one", "$ "), 0)

    assert follower.settle(5000) == []
    assert texts(follower.feed(rows(0, "one"), 5000)) == ["one"]


def test_a_gap_is_shown_where_it_is() -> None:
    """Missing rows are an item of their own and move what comes after them."""
    follower = Follower(screens=True)
    gap = {"kind": "gap", "row": 3, "missing": 7, "reason": "trimmed", "at_ms": 9}

    assert follower.feed(gap, 0) == [Hole(3, 7, "trimmed", 9)]
    assert follower.feed(screen(10, "one", "$ "), 0) == []
    assert follower.settle(SETTLE_MS) == [Physical(10, "one", False, 1, "screen")]


def test_a_screen_seen_before_the_rows_above_it_finds_its_place() -> None:
    """In a flood the screen comes first and the rows that scrolled away are read later: nothing is shown twice."""
    follower = Follower(screens=True)
    follower.feed(screen(0, "line 500", "line 501", "$ "), 0)
    shown = texts(follower.feed(rows(0, *(f"line {at}" for at in range(500))), 50))
    shown += texts(follower.settle(50 + SETTLE_MS))

    assert shown == [f"line {at}" for at in range(502)]


def test_rows_that_a_taller_window_brings_back_are_not_shown_again() -> None:
    """The first rows of such a screen are in the log already."""
    follower = Follower(screens=True)
    follower.begin(2)
    follower.feed(screen(2, "one", "two", "three", "$ ", logged=2), 0)

    assert follower.settle(SETTLE_MS) == [Physical(2, "three", False, 1, "screen")]


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 2 * SETTLE_MS)), max_size=30), st.booleans())
def test_a_shell_that_only_prints_is_followed_exactly(bursts: list[tuple[int, bool, int]], screens: bool) -> None:
    """Whatever the bursts, pauses and order of screens and rows: every line in order, none twice, none left out."""
    follower, printed, now_ms, final = Follower(screens=screens), ["first"], 0, 0
    shown: list[str] = []
    for count, screen_first, pause_ms in bursts:
        printed += [f"line {len(printed) + at}" for at in range(count)]
        top = max(0, len(printed) - HEIGHT + 1)
        items = [rows(final, *printed[final:top])] if top > final else []
        picture = [*printed[top:], "$ "]
        picture += [""] * (HEIGHT - len(picture))
        items.insert(0 if screen_first else len(items), screen(top, *picture, cursor=len(printed) - top))
        for item in items:
            shown += texts(follower.feed(item, now_ms))
        final = top
        now_ms += pause_ms
        shown += texts(follower.settle(now_ms))
    shown += texts(follower.settle(now_ms + SETTLE_MS))

    assert shown == (printed[: len(shown)] if not screens or not bursts else printed)
    assert len(shown) >= final


def test_lines_are_joined_as_they_come() -> None:
    """A line is held back until its end is here; physical rows are not; a leap ends a line."""

    def row(position: int, text: str, *, wrapped: bool) -> Physical:
        return Physical(position, text, wrapped, 1, "output")

    joiner = Joiner(physical=False)
    assert joiner.feed([row(0, "ab", wrapped=True)]) == []
    assert [line["text"] for line in joiner.feed([row(1, "c", wrapped=False), row(2, "d", wrapped=True)])] == ["abc"]
    assert [line["text"] for line in joiner.feed([row(9, "e", wrapped=False)])] == ["d", "e"]
    assert joiner.feed([row(10, "f", wrapped=True)]) == []
    assert [line["text"] for line in joiner.end()] == ["f"]

    physical = Joiner(physical=True)
    assert [line["wrapped"] for line in physical.feed([row(0, "ab", wrapped=True)])] == [True]
    assert physical.end() == []
