"""What a real server sent, replayed through a socket and heard again."""

import json
from pathlib import Path

import pytest

from wa.model.observation import Alert, Connected, Disconnected, PaneGone, ScreenPush, TopologyChanged
from wa.model.screen import Row
from wa.protocol import mux
from wa.wezterm.connect import Options, open_mux
from wa.wezterm.targets import SocketTarget
from wezterm.fake_mux import FakeMux
from wezterm.waiting import Heard, run

DATA = Path(__file__).parents[1] / "data" / "mux"
RECORDINGS = sorted([*DATA.glob("*.json"), *DATA.glob("codec42/*.json"), *DATA.glob("agents/*.json")])


def pushes_of(recording: Path) -> list[bytes]:
    frames = json.loads(recording.read_text())["frames"]
    return [bytes.fromhex(frame[-1]) for frame in frames if frame[-4] == 0]


async def replay(path: Path, stream: bytes, codec: int) -> tuple[Heard, str | None]:
    fake = FakeMux(codec)
    async with fake.listening(path) as address:
        terminal = await open_mux(SocketTarget("local", address), Options(control_dir=path.parent))
        fake.push_raw(stream)
        for connection in fake.connections:
            connection.writer.close()
        heard = Heard([seen async for seen in terminal.observations() if seen.at_ms])
        await terminal.close()
        return heard, terminal.notice


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_recorded_push_is_heard(recording: Path, tmp_path: Path) -> None:
    """All of them, in order, nothing quarantined: screens with their rows, alerts, ends."""
    codec = 42 if recording.parent.name == "codec42" else 44
    pushes = pushes_of(recording)

    heard, notice = run(replay(tmp_path / "sock", b"".join(pushes), codec))

    assert notice is None
    assert isinstance(heard[0], Connected)
    assert isinstance(heard[-1], Disconnected)
    expected = []
    for frame in mux.FrameReader().feed(b"".join(pushes)):
        if frame.ident not in (20, 38):
            expected.append(mux.decode(frame.ident, frame.payload(), codec))
    screens = [pdu for pdu in expected if isinstance(pdu, mux.GetPaneRenderChangesResponse)]
    # With codec 42 a quiet pane is read once more, which is no push.
    seen = [push for push in heard.of(ScreenPush) if push.seqno >= 0]
    assert [(push.seqno, push.dims, push.rows) for push in seen] == [
        (pdu.seqno, pdu.dims, pdu.bonus_lines) for pdu in screens
    ]
    assert len(heard.of(Alert)) == sum(isinstance(pdu, mux.NotifyAlert) for pdu in expected)
    assert len(heard.of(PaneGone)) == sum(isinstance(pdu, mux.PaneRemoved) for pdu in expected)
    others = {mux.GetPaneRenderChangesResponse, mux.NotifyAlert, mux.PaneRemoved}
    assert len(heard.of(TopologyChanged)) == sum(type(pdu) not in others for pdu in expected)


def test_the_rows_heard_are_what_the_terminal_shows(tmp_path: Path) -> None:
    """The last word about each row of the screen is what `get-text` printed at the end."""
    recording = json.loads((DATA / "styles.json").read_text())

    heard, _ = run(replay(tmp_path / "sock", b"".join(pushes_of(DATA / "styles.json")), 44))

    rows: dict[int, Row] = {}
    for push in heard.of(ScreenPush):
        rows.update({row.index: row for row in push.rows})
    shown = recording["get_text"].split("\n")
    assert [rows[index].text.rstrip() for index in sorted(rows)] == [line.rstrip() for line in shown[: len(rows)]]
