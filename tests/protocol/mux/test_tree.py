"""Trees of panes."""

from __future__ import annotations

import pytest
from hypothesis import given

from protocol.mux.recordings import NAMES, load
from protocol.mux.shape_strategies import NODE
from wa.model.identity import Pane
from wa.model.screen import Cursor
from wa.protocol.mux import (
    DecodeError,
    EncodeError,
    ListPanesResponse,
    PaneEntry,
    PaneNode,
    PaneSplit,
    TerminalSize,
    decode,
    encode,
    entries_of,
    entry_of,
    list_panes,
    panes_of,
)
from wa.protocol.mux.tree import MAX_DEPTH
from wa.protocol.mux.varbincode import uleb

SIZE = TerminalSize(24, 80, 640, 384, 96)


def entry(pane_id: int, tab_id: int = 1, window_id: int = 1, top: int = 0, rows: int = 24) -> PaneEntry:
    return PaneEntry(
        window_id=window_id,
        tab_id=tab_id,
        pane_id=pane_id,
        title=f"pane {pane_id}",
        size=SIZE._replace(rows=rows),
        working_dir="file:///tmp",
        is_active=True,
        is_zoomed=False,
        workspace="default",
        cursor=Cursor(3, 105, visible=False, shape=2),
        physical_top=100,
        top_row=top,
        left_col=0,
        tty_name="/dev/pts/1",
    )


def split(left: PaneNode, right: PaneNode, direction: int = 1) -> PaneSplit:
    return PaneSplit(left, right, direction, SIZE, SIZE)


def chain(depth: int) -> PaneNode:
    node: PaneNode = entry(0)
    for _ in range(depth):
        node = split(node, None)
    return node


def test_panes_come_in_order_of_windows_tabs_and_places() -> None:
    """Left before right, above before below; windows and tabs by their ids; empty tabs have none."""
    response = ListPanesResponse(
        tabs=(entry(9, tab_id=4, window_id=2), None, split(split(entry(5), entry(3)), entry(4))),
        tab_titles=("late", "empty", "early"),
        window_titles={1: "one", 2: "two"},
    )

    panes = panes_of(response)

    assert [(pane.pane_id, pane.tab_title, pane.window_title) for pane in panes] == [
        (5, "early", "one"),
        (3, "early", "one"),
        (4, "early", "one"),
        (9, "late", "two"),
    ]


def test_a_pane_is_what_the_mux_lists() -> None:
    """Every field; the cursor counts from the viewport's top."""
    (pane,) = panes_of(ListPanesResponse((entry(7),), ("tab",), {}))

    assert pane == Pane(
        pane_id=7,
        tab_id=1,
        window_id=1,
        workspace="default",
        title="pane 7",
        cwd="file:///tmp",
        cols=80,
        rows=24,
        is_active=True,
        is_zoomed=False,
        tty_name="/dev/pts/1",
        tab_title="tab",
        window_title="",
        physical_top=100,
        cursor=(3, 5),
        window_rows=24,
    )


def test_window_rows_are_the_lowest_edge_in_the_tab() -> None:
    """Two panes above each other make the height of both, and other tabs do not count."""
    tabs = (split(entry(1, rows=11), entry(2, top=12, rows=12)), entry(3, tab_id=2, rows=40))

    assert [pane.window_rows for pane in panes_of(ListPanesResponse(tabs, ("", ""), {}))] == [24, 24, 40]


def test_missing_titles_are_empty() -> None:
    """A server that lists fewer titles than tabs is believed about its tabs."""
    assert panes_of(ListPanesResponse((entry(1),), (), {}))[0].tab_title == ""


def test_an_entry_goes_there_and_back() -> None:
    """What a server makes of a Pane is read as that Pane."""
    (pane,) = panes_of(ListPanesResponse((entry(7),), ("tab",), {1: "window"}))

    again = panes_of(list_panes([(entry_of(pane), "tab")], {1: "window"}))

    assert again == [pane]
    assert entry_of(pane, cursor=entry(7).cursor, pixel_width=640, pixel_height=384, dpi=96) == entry(7)


@given(NODE)
def test_every_leaf_is_an_entry(node: PaneNode) -> None:
    """The flat list has as many panes as the tree has leaves, in the order in which they are written."""

    def leaves(one: PaneNode) -> list[PaneEntry]:
        if isinstance(one, PaneSplit):
            return leaves(one.left) + leaves(one.right)
        return [] if one is None else [one]

    assert list(entries_of(node)) == leaves(node)


@pytest.mark.parametrize("side", [b"\1", b"\1\0"], ids=["left", "right"])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000_000])
def test_trees_without_end_are_refused(side: bytes, depth: int) -> None:
    """No nesting exhausts the stack, whichever side it grows on."""
    with pytest.raises(DecodeError, match="nested"):
        decode(4, b"\1" + side * depth, 44)


def test_the_deepest_tree_goes_there_and_back() -> None:
    """The limit itself passes both ways, one more passes neither."""
    response = ListPanesResponse((chain(MAX_DEPTH),), ("",), {})

    assert decode(*encode(response, 44), 44) == response
    assert len(list(entries_of(chain(MAX_DEPTH)))) == 1
    with pytest.raises(EncodeError, match="nested"):
        encode(ListPanesResponse((chain(MAX_DEPTH + 1),), ("",), {}), 44)


def test_a_node_of_another_kind_is_refused() -> None:
    """Trees know empty, split and leaf."""
    with pytest.raises(DecodeError, match="variant 3"):
        decode(4, b"\1" + uleb(3) + b"\0\0", 44)


@pytest.mark.parametrize("name", NAMES)
def test_recorded_lists_hold_the_recorded_pane(name: str) -> None:
    """What the protocol lists of the pane is what the CLI listed of it, but for what changed between the two."""
    recording = load(name)
    listed = {item["pane_id"]: item for item in recording.data.get("list", [])}
    responses = [decode(4, frame.payload, recording.codec) for frame in recording.frames if frame.ident == 4]
    for response in responses:
        assert isinstance(response, ListPanesResponse)
        for pane in panes_of(response):
            if (item := listed.get(pane.pane_id)) is not None:
                assert (pane.window_id, pane.tab_id, pane.workspace) == (
                    item["window_id"],
                    item["tab_id"],
                    item["workspace"],
                )
                assert pane.tty_name == item["tty_name"]
