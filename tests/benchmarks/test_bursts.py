"""How a log is held against what was printed."""

from __future__ import annotations

from benchmarks.bursts import Checked, check
from hypothesis import given
from hypothesis import strategies as st

from wa.model.log import Gap, GapReason

PRINTED = [f"line {number}" for number in range(12)]


def gap(missing: int | None) -> Gap:
    return Gap(0, missing, GapReason.TRIMMED, 0)


def test_a_whole_log_is_whole() -> None:
    """Everything once and in order: nothing lost, nothing doubled, no gap."""
    assert check(PRINTED, PRINTED) == Checked(12, 0, 0, 0, 0)


def test_a_hole_without_a_gap_is_a_loss() -> None:
    """Missing rows count as lost wherever they are missing: in the middle and at the end."""
    assert check(PRINTED, [*PRINTED[:3], *PRINTED[5:10]]) == Checked(8, 0, 4, 0, 0)


def test_a_gap_must_stand_where_the_rows_are_missing() -> None:
    """A gap elsewhere excuses nothing and is a claim of its own."""
    assert check(PRINTED, [*PRINTED[:3], gap(2), *PRINTED[5:]]) == Checked(10, 2, 0, 0, 0)
    assert check(PRINTED, [PRINTED[0], gap(2), *PRINTED[1:3], *PRINTED[5:]]) == Checked(10, 0, 2, 0, 2)


def test_a_gap_of_unknown_size_excuses_nothing() -> None:
    """What cannot be counted cannot be accounted for."""
    assert check(PRINTED, [*PRINTED[:3], gap(None), *PRINTED[5:]]).lost == 2


def test_rows_that_stand_twice_or_were_never_printed_are_seen() -> None:
    """A repetition is doubled, however far it lies from the first; a strange row is invented."""
    assert check(PRINTED, [*PRINTED, PRINTED[0]]) == Checked(12, 0, 0, 1, 0)
    assert check(PRINTED, ["who am I", *PRINTED]) == Checked(12, 0, 0, 0, 1)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_every_printed_line_is_found_or_in_a_gap_or_lost(fate: list[tuple[bool, bool]]) -> None:
    """For any pattern of holes, told or untold, the three add up to what was printed."""
    printed = [f"line {number}" for number in range(len(fate))]
    entries: list[Gap | str] = []
    told = kept = 0
    for text, (is_kept, is_told) in zip(printed, fate, strict=True):
        if is_kept:
            entries.append(text)
            kept += 1
        elif is_told:
            entries.append(gap(1))
            told += 1

    assert check(printed, entries) == Checked(kept, told, len(printed) - kept - told, 0, 0)  # type: ignore[arg-type]
