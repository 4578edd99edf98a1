"""Against WezTerm itself: its server understands what wa writes, its CLI what wa answers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from wa.model.screen import Cursor, Dimensions, Row
from wa.protocol import mux
from wa.protocol.mux import FrameReader, decode, encode, encode_frame
from wa.protocol.wezterm_json import parse_list, render_list

pytestmark = [
    pytest.mark.wezterm,
    pytest.mark.skipif(shutil.which("wezterm-mux-server") is None, reason="needs wezterm-mux-server on PATH"),
    pytest.mark.skipif(shutil.which("wezterm") is None, reason="needs wezterm on PATH"),
]

FIRST_SERIAL = 1000
PATIENCE_S = 20


@pytest.fixture
def place() -> Iterator[Path]:
    """A short, private folder: socket paths hold 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="wap-", dir="/tmp"))
    (folder / "run").mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def environment(place: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WEZTERM")}
    return kept | {
        "HOME": str(place),
        "XDG_RUNTIME_DIR": str(place / "run"),
        "XDG_CONFIG_HOME": str(place / "config"),
        "WEZTERM_UNIX_SOCKET": str(place / "run" / "sock"),
        "WEZTERM_LOG": "off",
    }


def cli(place: Path, *words: str) -> str:
    argv = ["wezterm", "cli", "--no-auto-start", *words]
    done = subprocess.run(argv, env=environment(place), capture_output=True, check=True, timeout=PATIENCE_S)
    return done.stdout.decode()


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("nothing came of it in time")


class Client:
    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(path))
        self.reader = FrameReader()
        self.waiting: list[mux.Frame] = []
        self.serial = FIRST_SERIAL
        self.codec = 44
        self.pushed: list[mux.Pdu] = []

    def ask(self, pdu: mux.Pdu) -> mux.Pdu:
        self.serial += 1
        self.socket.sendall(encode_frame(self.serial, *encode(pdu, self.codec)))
        while True:
            while self.waiting:
                frame = self.waiting.pop(0)
                answer = decode(frame.ident, frame.payload(), self.codec)
                if frame.serial == self.serial:
                    return answer
                self.pushed.append(answer)
            data = self.socket.recv(1 << 16)
            assert data, "the server closed the connection: it could not read a request"
            self.waiting += self.reader.feed(data)


@pytest.fixture
def server(place: Path) -> Iterator[Path]:
    path = place / "run" / "sock"
    config = f'unix_domains={{{{name="t",socket_path="{path}"}}}}'
    process = subprocess.Popen(
        ["wezterm-mux-server", "-n", "--config", config, "--", "cat"],
        env=environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=place,
        start_new_session=True,
    )
    try:
        until(path.exists)
        yield path
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture
def client(server: Path) -> Iterator[Client]:
    one = Client(server)
    version = one.ask(mux.GetCodecVersion())
    assert isinstance(version, mux.GetCodecVersionResponse)
    one.codec = version.codec_vers
    yield one
    one.socket.close()


def spawn(client: Client, *argv: str, cwd: str = "/tmp") -> mux.SpawnResponse:
    variables = {"PATH": os.environ["PATH"], "NAME": "wért"}
    envs = tuple(
        (key.encode(), mux.EnvEntry(is_from_base_env=False, preferred_key=key.encode(), value=value.encode()))
        for key, value in variables.items()
    )
    command = mux.CommandBuilder(tuple(word.encode() for word in argv), envs, cwd.encode())
    answer = client.ask(mux.SpawnV2(mux.DefaultDomain(), None, command, None, mux.TerminalSize(24, 80, 640, 384), "wa"))
    assert isinstance(answer, mux.SpawnResponse)
    return answer


def shown(client: Client, pane_id: int) -> list[str]:
    answer = client.ask(mux.GetLines(pane_id, (range(24),)))
    assert isinstance(answer, mux.GetLinesResponse)
    return [row.text for row in answer.lines]


def test_a_server_runs_what_is_asked_where_it_is_asked(client: Client) -> None:
    """Arguments, environment and folder of a CommandBuilder arrive."""
    pane = spawn(client, "sh", "-c", 'echo "$NAME"; pwd; exec cat')

    until(lambda: shown(client, pane.pane_id)[:2] == ["wért", "/tmp"])


def test_a_server_types_what_is_asked(client: Client) -> None:
    """Raw bytes, pastes and keys arrive as such."""
    pane = spawn(client, "sh", "-c", "stty raw -echo; echo ready; exec cat -v").pane_id
    until(lambda: "ready" in shown(client, pane)[0])

    for request in (
        mux.WriteToPane(pane, b"raw;"),
        mux.SendPaste(pane, "pasted;"),
        mux.SendKeyDown(pane, mux.KeyEvent("UpArrow", mux.SHIFT | mux.CTRL), 1),
        mux.SendKeyDown(pane, mux.KeyEvent("F5"), 2),
        mux.SendKeyDown(pane, mux.KeyEvent("c", mux.CTRL), 3),
        mux.SendKeyDown(pane, mux.KeyEvent("Escape"), 4),
    ):
        assert isinstance(client.ask(request), mux.UnitResponse)

    until(lambda: "".join(shown(client, pane)).endswith("raw;pasted;^[[1;6A^[[15~^C^["))


def test_a_server_understands_every_request(client: Client) -> None:
    """Each PDU that a client may send gets an answer of its kind, none ends the connection."""
    first = spawn(client, "cat")
    pane, tab, window = first.pane_id, first.tab_id, first.window_id
    right = client.ask(
        mux.SplitPane(pane, mux.SplitRequest(0, size=mux.SplitCells(20)), None, "/", mux.CurrentPaneDomain())
    )
    assert isinstance(right, mux.SpawnResponse)
    assert right.size.cols == 20
    expected: list[tuple[mux.Pdu, type[Any]]] = [
        (mux.Ping(), mux.Pong),
        (mux.Resize(tab, pane, mux.TerminalSize(20, 70)), mux.UnitResponse),
        (mux.GetPaneRenderableDimensions(pane), mux.GetPaneRenderableDimensionsResponse),
        (mux.GetPaneRenderChanges(pane), mux.LivenessResponse),
        (mux.SearchScrollbackRequest(pane, mux.Regex("a+"), range(9), 3), mux.SearchScrollbackResponse),
        (mux.SearchScrollbackRequest(pane, mux.CaseInsensitive("A"), range(9), None), mux.SearchScrollbackResponse),
        (mux.ActivatePaneDirection(pane, 2), mux.UnitResponse),
        (mux.GetPaneDirection(pane, 4), mux.GetPaneDirectionResponse),
        (mux.AdjustPaneSize(pane, 3, 1), mux.UnitResponse),
        (mux.SetPaneZoomed(tab, pane, zoomed=True), mux.UnitResponse),
        (mux.SetFocusedPane(pane), mux.UnitResponse),
        (mux.TabTitleChanged(tab, "tït"), mux.UnitResponse),
        (mux.WindowTitleChanged(window, "wïn"), mux.UnitResponse),
        (mux.SetWindowWorkspace(window, "one"), mux.UnitResponse),
        (mux.RenameWorkspace("one", "two"), mux.UnitResponse),
        (mux.MovePaneToNewTab(right.pane_id, None, "three"), mux.MovePaneToNewTabResponse),
        (mux.EraseScrollbackRequest(pane, 1), mux.UnitResponse),
        (mux.SetClientId(mux.ClientId("host", "user", 1, 2, 3)), mux.UnitResponse),
        (mux.GetClientList(), mux.GetClientListResponse),
        (mux.SpawnV2(mux.DomainName("none"), None, None, None, mux.TerminalSize(24, 80), ""), mux.ErrorResponse),
        (mux.SplitPane(9999, mux.SplitRequest(), None, None, mux.DomainId(7)), mux.ErrorResponse),
        (mux.KillPane(9999), mux.ErrorResponse),
        (mux.KillPane(right.pane_id), mux.UnitResponse),
    ]

    assert [(type(pdu), type(client.ask(pdu))) for pdu, _ in expected] == [
        (type(pdu), answer) for pdu, answer in expected
    ]

    listed = client.ask(mux.ListPanes())
    assert isinstance(listed, mux.ListPanesResponse)
    (found,) = [one for one in mux.panes_of(listed) if one.pane_id == pane]
    assert (found.tab_title, found.window_title, found.workspace) == ("tït", "wïn", "two")


def test_rows_are_what_get_text_prints(client: Client, place: Path) -> None:
    """Wide, combining and styled text, as the CLI of the same WezTerm prints it."""
    words = ["日本語 x", "e\u0301 👍🏽 👩\u200d💻 🇩🇪🇫🇷 ✅ ok", "⚠\ufe0f warn", "नमस्ते ภาษาไทย 한국어"]
    lines = [*words, "x" * 79 + "日", "─" * 80, "end"]
    (place / "text").write_text("\x1b[1;38;2;9;8;7mtrue\x1b[0m \x1b[44m  blue  \x1b[0m\n" + "\n".join(lines) + "\n")
    pane = spawn(client, "sh", "-c", f"cat {place}/text; exec cat").pane_id
    until(lambda: "end" in shown(client, pane))

    assert shown(client, pane) == cli(place, "get-text", "--pane-id", str(pane), "--end-line", "23").split("\n")[:-1]


def test_lists_are_what_the_cli_prints(client: Client, place: Path) -> None:
    """render_list prints it, parse_list reads it."""
    spawn(client, "cat")

    def same() -> bool:
        response = client.ask(mux.ListPanes())
        assert isinstance(response, mux.ListPanesResponse)
        text = cli(place, "list", "--format", "json")
        panes = [pane._replace(physical_top=None) for pane in mux.panes_of(response)]
        return text == render_list(response) and parse_list(text.encode()) == panes

    until(same)


ROWS = (
    Row(5, "plain"),
    Row(6, "日本語 mixed 👩\u200d👩\u200d👧 ok"),
    Row(7, "│ box │ ─────"),
    Row(8, ""),
    Row(9, "w" * 80, wrapped=True),
    Row(10, "rapped e\u0301 नमस्ते 🇩🇪🇫🇷 👍🏽"),
    Row(11, "styled text 日本 tail"),
)
STYLES: list[list[mux.Run] | None] = [*[None] * 6, [(7, mux.style(1, fg=3)), (2, mux.style(semantic=2))]]


def answer_to(pdu: mux.Pdu) -> mux.Pdu:
    if isinstance(pdu, mux.GetPaneRenderableDimensions):
        return mux.GetPaneRenderableDimensionsResponse(pdu.pane_id, Cursor(0, 5), Dimensions(80, 24, 7, 5, 5))
    if isinstance(pdu, mux.GetLines):
        return mux.GetLinesResponse(pdu.pane_id, mux.prepare_rows(ROWS, styles=STYLES, seqno=300))
    if isinstance(pdu, mux.ListPanes):
        return LISTED
    return mux.UnitResponse()


def entry(pane_id: int, left_col: int) -> mux.PaneEntry:
    size = mux.TerminalSize(24, 40, 1, 2, 3)
    cursor = Cursor(3, 9, visible=False, shape=2)
    return mux.PaneEntry(1, 2, pane_id, "títle", size, "file:///a%20b", True, False, "ws", cursor, 5, 0, left_col, None)


TREE = mux.PaneSplit(entry(3, 0), entry(4, 41), 0, mux.TerminalSize(24, 40), mux.TerminalSize(24, 39))
LISTED = mux.list_panes([(TREE, "täb"), (None, "")], {1: "window"})


@pytest.fixture
def own_server(place: Path) -> Iterator[list[mux.Pdu]]:
    """A server of our own at the socket; what it is asked is collected."""
    heard: list[mux.Pdu] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place / "run" / "sock"))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            reader = FrameReader()
            with connection, suppress(ConnectionError):
                while data := connection.recv(1 << 16):
                    for frame in reader.feed(data):
                        heard.append(decode(frame.ident, frame.payload(), 44))
                        reply = encode(answer_to(heard[-1]), 44)
                        connection.sendall(encode_frame(frame.serial, *reply, compress=True))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield heard
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(PATIENCE_S)


def test_the_cli_prints_the_rows_it_is_given(own_server: list[mux.Pdu], place: Path) -> None:
    """Plain, wide, styled, wrapped and compressed, `wezterm cli get-text` reads our rows as they were meant."""
    text = cli(place, "get-text", "--pane-id", "3")

    assert text.split("\n")[:-1] == [row.text for row in ROWS]
    assert own_server == [mux.GetPaneRenderableDimensions(3), mux.GetLines(3, (range(5, 30),))]


def test_the_cli_lists_the_panes_it_is_given(own_server: list[mux.Pdu], place: Path) -> None:
    """Trees, titles and cursors of a server of our own, in its own words."""
    assert cli(place, "list", "--format", "json") == render_list(LISTED)


@pytest.mark.parametrize(
    ("words", "pdu"),
    [
        (["send-text", "--pane-id", "3", "hä\n"], mux.SendPaste(3, "hä\n")),
        (["send-text", "--no-paste", "--pane-id", "3", "hä"], mux.WriteToPane(3, "hä".encode())),
        (["kill-pane", "--pane-id", "3"], mux.KillPane(3)),
        (["set-tab-title", "--tab-id", "2", "x"], mux.TabTitleChanged(2, "x")),
        (["zoom-pane", "--pane-id", "3"], mux.SetPaneZoomed(2, 3, zoomed=True)),
        (["adjust-pane-size", "--pane-id", "3", "--amount", "4", "Left"], mux.AdjustPaneSize(3, 2, 4)),
        (["rename-workspace", "--pane-id", "3", "z"], mux.RenameWorkspace("ws", "z")),
        (["activate-pane", "--pane-id", "3"], mux.SetFocusedPane(3)),
    ],
)
def test_the_cli_is_understood(own_server: list[mux.Pdu], place: Path, words: list[str], pdu: mux.Pdu) -> None:
    """What real clients ask of a server is read as what it is."""
    cli(place, *words)

    assert repr(own_server[-1]) == repr(pdu)
