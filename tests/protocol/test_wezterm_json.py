"""The CLI's JSON, read and printed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.mux.recordings import NAMES, load
from protocol.mux.shape_strategies import CURSOR, ENTRY, NODE, TEXT
from wa.model.errors import ProtocolUnsupported
from wa.model.identity import Client, Pane
from wa.protocol.mux import ClientId, ClientInfo, PaneNode, list_panes, panes_of
from wa.protocol.wezterm_json import parse_clients, parse_list, render_clients, render_list

PANE: dict[str, Any] = {
    "window_id": 2,
    "tab_id": 3,
    "pane_id": 4,
    "workspace": "default",
    "size": {"rows": 24, "cols": 80, "pixel_width": 640, "pixel_height": 384, "dpi": 0},
    "title": "vim – ünï",
    "cwd": "file:///home/dev/a%20b/",
    "cursor_x": 5,
    "cursor_y": 6,
    "cursor_shape": "SteadyBar",
    "cursor_visibility": "Hidden",
    "left_col": 0,
    "top_row": 25,
    "tab_title": "",
    "window_title": "w",
    "is_active": True,
    "is_zoomed": False,
    "tty_name": None,
}
CLIENT: dict[str, Any] = {
    "username": "dev",
    "hostname": "box (via proxy pid 7)",
    "pid": 123,
    "connection_elapsed": {"secs": 5, "nanos": 250_000_000},
    "idle_time": {"secs": 0, "nanos": 0},
    "workspace": "",
    "focused_pane_id": 0,
    "ssh_auth_sock": None,
}


def printed(entries: object) -> bytes:
    return json.dumps(entries).encode()


def test_a_listed_pane_is_read() -> None:
    """Every field of Pane that the CLI prints; an empty cwd is none, and the CLI cannot tell physical_top."""
    (pane,) = parse_list(printed([PANE]))

    assert pane == Pane(
        pane_id=4,
        tab_id=3,
        window_id=2,
        workspace="default",
        title="vim – ünï",
        cwd="file:///home/dev/a%20b/",
        cols=80,
        rows=24,
        is_active=True,
        is_zoomed=False,
        tty_name=None,
        tab_title="",
        window_title="w",
        physical_top=None,
        cursor=(5, 6),
        top_row=25,
        window_rows=49,
    )
    assert parse_list(printed([PANE | {"cwd": ""}]))[0].cwd is None


def test_panes_are_ordered_by_their_ids() -> None:
    """The server's own order changes from call to call."""
    ids = [(2, 1, 9), (1, 5, 3), (1, 4, 8), (1, 4, 2)]
    entries = [PANE | {"window_id": window, "tab_id": tab, "pane_id": pane} for window, tab, pane in ids]

    assert [(pane.window_id, pane.tab_id, pane.pane_id) for pane in parse_list(printed(entries))] == sorted(ids)


def test_a_listed_client_is_read() -> None:
    """Durations become seconds, an empty workspace none, and pane 0 is a pane."""
    assert parse_clients(printed([CLIENT])) == [Client("box (via proxy pid 7)", "dev", 123, None, 0, 5.25, 0.0)]
    without = {key: value for key, value in CLIENT.items() if key not in ("ssh_auth_sock", "focused_pane_id")}
    assert parse_clients(printed([without]))[0].focused_pane_id is None


@pytest.mark.parametrize("extra", [{"new_field": [1, {"x": None}]}, {"cursor_shape": "Underwater"}])
def test_fields_not_known_are_ignored(extra: dict[str, Any]) -> None:
    """Newer releases may print more."""
    assert parse_list(printed([PANE | extra])) == parse_list(printed([PANE]))
    assert parse_clients(printed([CLIENT | extra])) == parse_clients(printed([CLIENT]))


def test_nothing_listed_is_no_pane() -> None:
    """A mux may be empty."""
    assert parse_list(b"[]") == []
    assert parse_clients(b"[]\n") == []


@pytest.mark.parametrize("key", ["pane_id", "tab_id", "window_id", "size"])
@pytest.mark.parametrize("value", [None, "4", -1, 1.5, True, 1 << 64, []])
def test_a_pane_without_its_ids_or_size_is_refused(key: str, value: object) -> None:
    """The message names the field and what stood there."""
    with pytest.raises(ProtocolUnsupported, match=key):
        parse_list(printed([PANE | {key: value}]))
    with pytest.raises(ProtocolUnsupported, match=key):
        parse_list(printed([{name: item for name, item in PANE.items() if name != key}]))


@pytest.mark.parametrize("key", ["pid", "connection_elapsed", "idle_time"])
def test_a_client_without_its_pid_or_times_is_refused(key: str) -> None:
    """The message names the field."""
    with pytest.raises(ProtocolUnsupported, match=key):
        parse_clients(printed([CLIENT | {key: None}]))


@pytest.mark.parametrize(
    "output",
    [b"", b"{}", b"null", b"[1]", b"[[]]", b"WINID TABID PANEID", b"[{]", b"[" * 100_000, b"\xff\xfe", b"Infinity"],
)
def test_what_is_no_list_is_refused(output: bytes) -> None:
    """Nothing, other JSON, tables, nonsense and brackets without end."""
    for parse in (parse_list, parse_clients):
        with pytest.raises(ProtocolUnsupported, match="printed no list"):
            parse(output)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_output_is_read_or_refused(output: bytes) -> None:
    """Nothing but ProtocolUnsupported."""
    for parse in (parse_list, parse_clients):
        try:
            assert isinstance(parse(output), list)
        except ProtocolUnsupported:
            continue


def test_a_lone_surrogate_does_not_get_in() -> None:
    """JSON can spell what UTF-8 cannot carry; the store must not meet it."""
    title = parse_list(printed([PANE]).replace(b"vim", b"\\ud800"))[0].title

    assert title.encode()


def test_a_cursor_above_the_viewport_is_at_its_top() -> None:
    """WezTerm prints a number near 2**64 then."""
    assert parse_list(printed([PANE | {"cursor_y": (1 << 64) - 3}]))[0].cursor == (5, 0)


@given(NODE, NODE, TEXT, st.dictionaries(st.integers(0, 9), TEXT, max_size=2))
def test_what_is_printed_is_read(left: PaneNode, right: PaneNode, title: str, window_titles: dict[int, str]) -> None:
    """The panes of a printed list are those of the response, but for what the CLI does not print."""
    response = list_panes([(left, title), (right, "")], window_titles)

    items = json.loads(render_list(response))

    assert {item["pane_id"] for item in items} == {pane.pane_id for pane in panes_of(response)}
    assert all(list(item) == list(PANE) and list(item["size"]) == list(PANE["size"]) for item in items)


@pytest.mark.parametrize("name", [name for name in NAMES if load(name).data.get("list")])
def test_recorded_lists_are_read(name: str) -> None:
    """What real CLIs printed."""
    items = load(name).data["list"]

    panes = parse_list(printed(items))

    assert {(pane.pane_id, pane.title, pane.cols) for pane in panes} == {
        (item["pane_id"], item["title"], item["size"]["cols"]) for item in items
    }


def test_clients_are_printed_as_the_cli_does() -> None:
    """Keys in its order, durations in whole seconds and nanoseconds, never negative."""
    info = ClientInfo(ClientId("box", "dev", 12, 1, 2, "/agent"), 1_000, None, 2_000, None)

    text = render_clients([info], now_ms=1_500_250)

    assert text.splitlines()[:3] == ["[", "  {", '    "username": "dev",']
    (item,) = json.loads(text)
    assert list(item) == list(CLIENT)
    assert item["connection_elapsed"] == {"secs": 500, "nanos": 250_000_000}
    assert item["idle_time"] == {"secs": 0, "nanos": 0}
    assert parse_clients(text.encode()) == [Client("box", "dev", 12, None, None, 500.25, 0.0)]
    assert render_clients([], 0) == "[]"


@given(ENTRY, CURSOR)
def test_a_printed_cursor_counts_from_the_viewport(entry: Any, cursor: Any) -> None:
    """Never above its top."""
    (item,) = json.loads(render_list(list_panes([(entry._replace(cursor=cursor), "")], {})))

    assert item["cursor_y"] == max(cursor.y - entry.physical_top, 0)
    assert item["cursor_visibility"] == ("Visible" if cursor.visible else "Hidden")
