"""When rows of history last changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wa.embedded.ages import Ages

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "append", "trim", "cut", "touch", "reset"]),
        st.integers(0, 12),
        st.integers(0, 12),
    ),
    max_size=40,
)


@given(STEPS, st.integers(0, 45))
def test_it_says_what_a_plain_list_would_say(steps: list[tuple[str, int, int]], since: int) -> None:
    """After any history of rows coming, going and changing, exactly the rows that changed later are named."""
    ages, plain = Ages(), {}
    end = 0
    for seqno, (what, a, b) in enumerate(steps, 1):
        if what == "append":
            at = seqno - b % 3 if b < 6 else seqno
            ages.append(end + a, at)
            plain |= dict.fromkeys(range(end, end + a), at)
            end += a
        elif what == "trim":
            top = ages.top + a
            ages.trim(top)
            plain = {row: at for row, at in plain.items() if row >= top}
            end = max(end, top)
        elif what == "cut":
            end = max(ages.top, end - a)
            ages.cut(end)
            plain = {row: at for row, at in plain.items() if row < end}
        elif what == "touch":
            ages.touch(range(ages.top + a, ages.top + a + b), seqno)
            plain |= {row: seqno for row in range(ages.top + a, ages.top + a + b) if row in plain}
        else:
            ages.reset(end, end + a, seqno)
            plain = dict.fromkeys(range(end, end + a), seqno)
            end += a

    told = [row for rows in ages.since(since) for row in rows]
    assert told == sorted(row for row, at in plain.items() if at > since)


def test_neighbours_are_named_together() -> None:
    """Ranges that touch are one."""
    ages = Ages()
    ages.append(10, 1)
    ages.append(20, 2)
    ages.append(30, 3)

    assert ages.since(1) == (range(10, 30),)
