from pathlib import Path

import pytest

from wa.model.errors import ProtocolUnsupported, TerminalUnreachable
from wa.protocol import mux
from wa.wezterm.connect import Options, open_mux
from wa.wezterm.targets import SocketTarget
from wezterm.fake_mux import FakeMux, FakePane, frame_of
from wezterm.waiting import run


def shake(path: Path, fake: FakeMux, handshake_s: float = 5.0) -> tuple[str, int | None]:
    async def scene() -> tuple[str, int | None]:
        async with fake.listening(path) as address:
            options = Options(control_dir=path.parent, handshake_s=handshake_s)
            terminal = await open_mux(SocketTarget("local", address), options)
            await terminal.close()
            return terminal.version, terminal.codec

    return run(scene())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sock"


@pytest.mark.parametrize("codec", mux.SUPPORTED_CODECS)
def test_supported_codecs_are_spoken(path: Path, codec: int) -> None:
    """42 to 45 shake hands, and requests are encoded as that codec wants them."""
    assert shake(path, FakeMux(codec)) == ("20250223-fake", codec)


@pytest.mark.parametrize("codec", [0, 41, 46, 99, 2**40])
def test_other_codecs_are_not(path: Path, codec: int) -> None:
    """The error names codec and version, so that a person can report them."""
    with pytest.raises(ProtocolUnsupported) as raised:
        shake(path, FakeMux(codec))

    details = raised.value.details
    assert (details["codec"], details["version"], list(details["known"])) == (codec, "20250223-fake", [42, 43, 44, 45])


@pytest.mark.parametrize("kind", [mux.ListPanes, mux.GetPaneRenderableDimensions, mux.GetLines])
def test_a_known_codec_with_another_layout_fails_the_self_test(path: Path, kind: type) -> None:
    """Builds exist that changed a layout and kept the number: a byte left over anywhere, and it is not trusted."""
    fake = FakeMux()

    def grown(ask: mux.Pdu) -> bytes:
        answer = fake.truth(ask)
        assert isinstance(answer, tuple)
        ident, payload = mux.encode(answer, 44)
        return mux.encode_frame(fake.serials[-1], ident, payload + b"\x00")

    fake.lies[kind] = grown
    with pytest.raises(ProtocolUnsupported, match="20250223-fake"):
        shake(path, fake)


def test_a_codec_answer_that_does_not_decode_is_unsupported(path: Path) -> None:
    """The very first answer may already be unknown."""
    fake = FakeMux()
    fake.lies[mux.GetCodecVersion] = lambda _: mux.encode_frame(fake.serials[-1], 27, b"\x2c\xff")
    with pytest.raises(ProtocolUnsupported):
        shake(path, fake)


def test_a_server_without_panes_is_trusted_on_its_list(path: Path) -> None:
    """An empty mux has no rows to read, and that is no fault."""
    fake = FakeMux()
    fake.panes = {}

    assert shake(path, fake)[1] == 44


def test_a_pane_that_closes_during_the_self_test_is_passed_over(path: Path) -> None:
    """Listed, then gone: the next pane proves the layout."""
    fake = FakeMux()
    fake.panes = {n: FakePane(n) for n in (1, 2)}
    refused: list[int] = []

    def gone(ask: mux.GetPaneRenderableDimensions) -> mux.Pdu:
        if not refused:
            refused.append(ask.pane_id)
            return mux.ErrorResponse(f"Error: no such pane {ask.pane_id}")
        return fake.truth(ask)  # type: ignore[return-value]

    fake.lies[mux.GetPaneRenderableDimensions] = gone

    assert shake(path, fake)[1] == 44
    assert any(isinstance(ask, mux.GetLines) and ask.pane_id not in refused for ask in fake.asked)


def test_panes_with_a_tty_are_tried_first(path: Path) -> None:
    """Mirrors of remote panes can be blank or slow, so a local pane proves the layout where there is one."""
    fake = FakeMux()
    fake.panes = {n: FakePane(n, tty_name=None if n < 4 else "/dev/pts/1") for n in range(1, 6)}
    shake(path, fake)

    assert [ask.pane_id for ask in fake.asked if isinstance(ask, mux.GetLines)] == [4]


def test_pushes_during_the_handshake_are_kept(path: Path) -> None:
    """A busy mux pushes before it answers; nothing of it is lost and nothing is mistaken for an answer."""
    fake = FakeMux()
    fake.greeting = frame_of(fake.panes[0].push(1), compress=True) * 20

    assert shake(path, fake)[1] == 44


def test_a_server_that_accepts_and_never_speaks_is_unreachable(path: Path) -> None:
    """A hung server costs the time-out and is told as silent."""
    fake = FakeMux()
    fake.lies[mux.GetCodecVersion] = lambda _: None
    with pytest.raises(TerminalUnreachable, match="GetCodecVersion"):
        shake(path, fake, handshake_s=0.3)


def test_a_server_that_hangs_up_is_unreachable(path: Path) -> None:
    """Closed in the middle of the handshake: nothing is known."""
    fake = FakeMux()
    fake.lies[mux.ListPanes] = lambda _: fake.hang_up()
    with pytest.raises(TerminalUnreachable):
        shake(path, fake)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"hi\n"])
def test_another_kind_of_server_is_told_as_such(path: Path, greeting: bytes) -> None:
    """A socket that speaks something else is no mux: noticed at its first words, which are shown, not at a time-out."""
    fake = FakeMux()
    fake.greeting = greeting
    fake.lies[mux.GetCodecVersion] = lambda _: None
    with pytest.raises(ProtocolUnsupported, match=greeting.decode().strip()[:8]):
        shake(path, fake, handshake_s=600.0)
