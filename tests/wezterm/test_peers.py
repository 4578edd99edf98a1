import socket
import sys
from pathlib import Path

import pytest

from wa.wezterm import peers
from wa.wezterm.peers import Outcome, Peer, SocketError, connect_socket, identify, socket_file_identity
from wezterm.listener import listening
from wezterm.waiting import run


async def who(path: Path) -> Peer:
    with await connect_socket(str(path)) as sock:
        return identify(sock, str(path))


def outcome(path: str, timeout_s: float = 0.2) -> Outcome:
    with pytest.raises(SocketError) as raised:
        run(connect_socket(path, timeout_s=timeout_s))
    assert path in str(raised.value)
    return raised.value.outcome


def test_the_listener_is_known_by_pid_and_start(tmp_path: Path) -> None:
    """The kernel names the process at the other end, and two knocks find the same one."""
    path = tmp_path / "sock"
    with listening(path) as pid:
        first, second = run(who(path)), run(who(path))

    assert first.pid == pid
    assert first == second
    assert first.started.startswith(f"{pid}-")


def test_two_runs_of_a_server_differ(tmp_path: Path) -> None:
    """A server that is restarted at the same path is another one."""
    path = tmp_path / "sock"
    with listening(path):
        first = run(who(path))
    path.unlink()
    with listening(path):
        second = run(who(path))

    assert first.started != second.started


def test_a_reused_pid_is_not_the_same_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After many processes a pid comes round again; the start of the process tells them apart."""
    path = tmp_path / "sock"
    with listening(path):
        first = run(who(path))
        monkeypatch.setattr(peers, "_process_start", lambda _: "another-start")
        second = run(who(path))

    assert first.pid == second.pid
    assert first.started != second.started


def test_where_the_kernel_does_not_tell_the_file_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With /proc hidden or another pid namespace, inode and time of the socket stand for the server."""
    path = tmp_path / "sock"
    monkeypatch.setattr(peers, "_peer_pid", lambda _: 0)
    with listening(path):
        first = run(who(path))
    path.rename(tmp_path / "kept")  # or the file system would give its inode to the next one
    with listening(path):
        second = run(who(path))

    assert first.pid is None
    assert first.started == socket_file_identity(str(tmp_path / "kept"))
    assert first.started != second.started


def test_a_process_without_a_record_has_no_start() -> None:
    """A pid that does not exist has no start, and that is no error."""
    assert peers._process_start(2**22 + 1) == ""


@pytest.mark.skipif(sys.platform == "darwin", reason="reads /proc")
def test_a_name_with_brackets_and_spaces_does_not_shift_the_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may call itself `a) R 1 2 (b`; its start is still the field after the last bracket."""
    after = " ".join(["S", *("0" for _ in range(18)), "424242", *("0" for _ in range(30))])
    monkeypatch.setattr(Path, "read_bytes", lambda self: f"7 (a) R 1 2 (b) {after}\n".encode())

    assert peers._process_start(7).startswith("424242-")


def test_each_kind_of_dead_end_has_its_name(tmp_path: Path) -> None:
    """Left-over, missing, plain file, folder, too long: told apart, never a hang, never a bare OSError."""
    stale = tmp_path / "stale"
    with listening(stale):
        pass
    plain = tmp_path / "plain"
    plain.touch()

    assert outcome(str(stale)) is Outcome.STALE
    assert outcome(str(tmp_path / "none")) is Outcome.MISSING
    assert outcome(str(plain / "below")) is Outcome.MISSING
    assert outcome(str(plain)) is Outcome.NOT_A_SOCKET
    assert outcome(str(tmp_path)) is Outcome.NOT_A_SOCKET
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(deep)
        with listening(Path("sock")):
            assert outcome(str(deep / "sock")) is Outcome.TOO_LONG


def test_a_full_queue_is_busy_and_does_not_block(tmp_path: Path) -> None:
    """A server that never accepts fills its backlog; the next knock gives up in its time."""
    path = tmp_path / "sock"
    with listening(path, backlog=0):
        waiting = []
        for _ in range(3):
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            waiting.append(sock)
            if sock.connect_ex(str(path)) != 0:
                break
        assert outcome(str(path)) is Outcome.BUSY
        for sock in waiting:
            sock.close()


def test_a_socket_without_permission_is_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's socket is told as such."""

    def refuse(self: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)

    assert outcome(str(tmp_path / "sock")) is Outcome.DENIED
