"""Values for any Shape, so that every PDU of every codec is generated, new ones included."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from wa.model.screen import Cursor, Dimensions, Row
from wa.protocol.mux import (
    KEY_NAMES,
    GetPaneRenderableDimensionsResponse,
    GetPaneRenderChangesResponse,
    KeyEvent,
    NotifyAlert,
    PaneEntry,
    PaneSplit,
    Pixels,
    Progress,
    keys,
    shapes,
    tree,
    varbincode,
)

U64 = st.integers(0, (1 << 64) - 1)
I64 = st.integers(-(1 << 63), (1 << 63) - 1)
STABLE = st.integers(-(1 << 62) + 1, (1 << 62) - 1) | st.integers(0, 300)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ROW_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.text(
    st.sampled_from("ab  ─│日本語👍🏽🇩🇪\u200d\ufe0f\u0301☁⚠é"), max_size=30
)
ROW = st.builds(lambda index, text, wrapped: Row(index, text, wrapped and text != ""), STABLE, ROW_TEXT, st.booleans())
ROWS = st.lists(ROW, max_size=5).map(tuple)
CURSOR = st.builds(Cursor, U64, I64, st.booleans(), st.integers(0, 6))
DIMS = st.builds(Dimensions, U64, U64, U64, I64, I64)
PIXELS = st.builds(Pixels, U64, U64, U64, st.booleans())
SIZE = st.builds(shapes.v.TerminalSize, U64, U64, U64, U64, U64)
MAYBE_TEXT = st.none() | TEXT
RANGES = st.lists(st.builds(range, STABLE, STABLE), max_size=3).map(tuple)
ENTRY = st.builds(
    PaneEntry,
    U64,
    U64,
    U64,
    TEXT,
    SIZE,
    MAYBE_TEXT,
    st.booleans(),
    st.booleans(),
    TEXT,
    CURSOR,
    I64,
    U64,
    U64,
    MAYBE_TEXT,
)
NODE = st.recursive(
    st.none() | ENTRY, lambda node: st.builds(PaneSplit, node, node, st.integers(0, 1), SIZE, SIZE), max_leaves=5
)
KEY = (
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from([name for name in KEY_NAMES if name not in ("Char", "Function")])
    | st.integers(0, 255).map(lambda number: f"F{number}")
)

_KNOWN: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (varbincode.UINT, U64),
    (varbincode.INT, I64),
    (varbincode.U8, st.integers(0, 255)),
    (varbincode.BOOL, st.booleans()),
    (varbincode.TEXT, TEXT),
    (varbincode.BLOB, st.binary(max_size=12)),
    (varbincode.REST, st.binary(max_size=12)),
    (keys.KEY_EVENT, st.builds(KeyEvent, KEY, st.integers(0, 0x1FFF))),
    (tree.PANE_NODE, NODE),
    (shapes.OS, st.binary(max_size=9) | st.text(max_size=9)),
    (shapes.RANGE, st.builds(range, STABLE, STABLE)),
    (shapes.RANGES, RANGES),
    (shapes.LINES, ROWS),
    (shapes.WINDOW_TITLES, st.dictionaries(U64, TEXT, max_size=3)),
    (
        shapes.PROGRESS,
        st.builds(Progress, st.sampled_from(["percent", "error"]), st.integers(0, 255))
        | st.sampled_from([Progress("none"), Progress("indeterminate")]),
    ),
    (shapes.DIMENSIONS_RESPONSE, st.builds(GetPaneRenderableDimensionsResponse, U64, CURSOR, DIMS, PIXELS)),
    (
        shapes.RENDER_CHANGES,
        st.builds(
            GetPaneRenderChangesResponse,
            pane_id=U64,
            mouse_grabbed=st.booleans(),
            cursor=CURSOR,
            dims=DIMS,
            dirty_lines=RANGES,
            title=TEXT,
            working_dir=MAYBE_TEXT,
            bonus_lines=ROWS,
            input_serial=st.none() | U64,
            seqno=U64,
            pixels=PIXELS,
        ),
    ),
]


def values(shape: Any) -> st.SearchStrategy[Any]:
    for known, strategy in _KNOWN:
        if shape is known:
            return strategy
    if isinstance(shape, varbincode.Option):
        return st.none() | values(shape._item)
    if isinstance(shape, varbincode.Vec):
        return st.lists(values(shape._item), max_size=4).map(tuple)
    if isinstance(shape, varbincode.Pair):
        return st.tuples(values(shape.first), values(shape.second))
    if isinstance(shape, varbincode.Struct):
        return st.tuples(*map(values, shape._fields)).map(lambda fields: shape._make(*fields))
    if isinstance(shape, varbincode.Union):
        return st.one_of(*map(values, shape._shapes))
    if isinstance(shape, varbincode.Choice):
        return st.integers(0, shape._count - 1)
    if isinstance(shape, shapes.Notify):
        return st.builds(NotifyAlert, U64, values(shape._alert))
    raise AssertionError(f"no values for {shape}")
