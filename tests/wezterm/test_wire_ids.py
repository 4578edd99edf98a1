from hypothesis import given
from hypothesis import strategies as st

from wa.protocol import mux
from wa.wezterm import wire_ids
from wa.wezterm.wire_ids import peek_pane_id
from wezterm.fake_mux import FakePane, frame_of


def test_the_numbers_are_those_of_the_protocol() -> None:
    """Each constant is the number of the PDU it is named after."""
    assert {
        wire_ids.ERROR_RESPONSE: mux.ErrorResponse,
        wire_ids.LIST_PANES_RESPONSE: mux.ListPanesResponse,
        wire_ids.SET_CLIPBOARD: mux.SetClipboard,
        wire_ids.LINES_RESPONSE: mux.GetLinesResponse,
        wire_ids.RENDER_CHANGES: mux.GetPaneRenderChangesResponse,
        wire_ids.PANE_REMOVED: mux.PaneRemoved,
        wire_ids.SET_PALETTE: mux.SetPalette,
        wire_ids.NOTIFY_ALERT: mux.NotifyAlert,
        wire_ids.WINDOW_WORKSPACE_CHANGED: mux.WindowWorkspaceChanged,
        wire_ids.DIMENSIONS_RESPONSE: mux.GetPaneRenderableDimensionsResponse,
        wire_ids.PANE_FOCUSED: mux.PaneFocused,
        wire_ids.TAB_RESIZED: mux.TabResized,
        wire_ids.TAB_ADDED_TO_WINDOW: mux.TabAddedToWindow,
        wire_ids.TAB_TITLE_CHANGED: mux.TabTitleChanged,
        wire_ids.WINDOW_TITLE_CHANGED: mux.WindowTitleChanged,
        wire_ids.RENAME_WORKSPACE: mux.RenameWorkspace,
    } == {mux.ident_of(cls): cls for cls in _NAMED}


_NAMED = (
    mux.ErrorResponse,
    mux.ListPanesResponse,
    mux.SetClipboard,
    mux.GetLinesResponse,
    mux.GetPaneRenderChangesResponse,
    mux.PaneRemoved,
    mux.SetPalette,
    mux.NotifyAlert,
    mux.WindowWorkspaceChanged,
    mux.GetPaneRenderableDimensionsResponse,
    mux.PaneFocused,
    mux.TabResized,
    mux.TabAddedToWindow,
    mux.TabTitleChanged,
    mux.WindowTitleChanged,
    mux.RenameWorkspace,
)


@given(st.integers(0, 2**40), st.booleans())
def test_peeking_finds_the_pane_without_decoding(pane_id: int, compress: bool) -> None:
    """Inflated or not, the first field of a pane's push is its id."""
    pane = FakePane(pane_id, rows=["x" * 70] * 30)

    [frame] = mux.FrameReader().feed(frame_of(pane.push(1), compress=compress))

    assert frame.compressed is compress
    assert peek_pane_id(frame) == pane_id


@given(st.binary(max_size=40), st.booleans())
def test_peeking_at_rubbish_does_no_harm(data: bytes, compressed: bool) -> None:
    """What does not inflate or does not end has no pane; nothing is raised."""
    found = peek_pane_id(mux.Frame(0, wire_ids.RENDER_CHANGES, compressed, data))

    assert found is None or found >= 0
