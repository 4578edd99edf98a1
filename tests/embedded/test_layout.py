"""Panes that share a tab."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.embedded.layout import NoSpace, Tab
from wa.protocol.mux import SplitCells, SplitPercent, SplitRequest


@dataclass(eq=False)
class FakePane:
    pane_id: int
    cols: int
    rows: int

    def resize(self, cols: int, rows: int) -> None:
        self.cols, self.rows = cols, rows


def cells(tab: Tab) -> list[tuple[int, int]]:
    """Every cell that a pane covers, dividers left out."""
    return [
        (x, y)
        for pane, left, top in tab.placed()
        for x in range(left, left + pane.cols)
        for y in range(top, top + pane.rows)
    ]


REQUESTS = st.builds(
    SplitRequest,
    st.integers(0, 1),
    st.booleans(),
    st.booleans(),
    st.integers(1, 40).map(SplitCells) | st.integers(1, 99).map(SplitPercent),
)
STEPS = st.lists(
    st.tuples(st.just("split"), st.integers(0, 9), REQUESTS) | st.tuples(st.just("remove"), st.integers(0, 9))
)


@given(STEPS)
def test_panes_never_overlap_and_always_fill_the_tab(steps: list[tuple[object, ...]]) -> None:
    """However panes come and go: none covers another, none leaves the tab, and only dividers are between them."""
    tab = Tab(0, first := FakePane(0, 60, 30), first)
    next_id = 1
    for what, at, *request in steps:
        pane = tab.panes[at % len(tab.panes)]  # type: ignore[operator]
        if what == "remove":
            if len(tab.panes) > 1:
                assert tab.remove(pane)
        else:
            try:
                cols, rows = tab.split_size(pane, request[0])  # type: ignore[arg-type]
            except NoSpace:
                continue
            tab.split(pane, request[0], FakePane(next_id, cols, rows))  # type: ignore[arg-type]
            next_id += 1

        covered = cells(tab)
        assert len(covered) == len(set(covered))
        assert tab.size == (60, 30)
        assert all(x < 60 and y < 30 for x, y in covered)
        assert all(pane.cols > 0 and pane.rows > 0 for pane in tab.panes)
        assert tab.active in tab.panes
    while len(tab.panes) > 1:
        tab.remove(tab.panes[-1])
    assert len(cells(tab)) == 60 * 30
    assert not tab.remove(tab.panes[0])


def test_what_does_not_fit_is_refused() -> None:
    """A new pane leaves at least one cell and the divider."""
    tab = Tab(0, pane := FakePane(0, 10, 5), pane)

    assert tab.split_size(pane, SplitRequest(0, size=SplitCells(8))) == (8, 5)
    with pytest.raises(NoSpace):
        tab.split_size(pane, SplitRequest(0, size=SplitCells(9)))


def test_neighbours_are_found_by_their_common_edge() -> None:
    """Of several panes on one side, the one with the longest common edge."""
    tab = Tab(0, left := FakePane(0, 81, 24), left)
    tab.split(left, SplitRequest(0), right := FakePane(1, 40, 24))
    tab.split(right, SplitRequest(1), below := FakePane(2, 40, 8))
    tab.active = left

    assert [tab.neighbour(direction) for direction in range(4)] == [None, None, None, right]
    tab.active = below
    assert [tab.neighbour(direction) for direction in range(6)] == [right, None, left, None, left, right]


def test_zoom_and_back() -> None:
    """A zoomed pane has the tab's size; a new split or the end of the pane ends it."""
    tab = Tab(0, left := FakePane(0, 80, 24), left)
    tab.split(left, SplitRequest(0), right := FakePane(1, 40, 24))

    tab.zoom(left)
    assert ((left.cols, left.rows), tab.size, tab.zoomed) == ((80, 24), (80, 24), left)
    tab.zoom(None)
    assert ((left.cols, right.cols), tab.size) == ((39, 40), (80, 24))
