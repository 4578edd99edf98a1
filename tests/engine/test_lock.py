import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import wa
from wa.engine.lock import Lock
from wa.model.errors import SidecarRunning

ENV = {**os.environ, "PYTHONPATH": str(Path(wa.__file__).parents[1])}


def test_the_second_hears_who_holds_it(tmp_path):
    """Pid and start of the holder stand in the words and in the details."""
    held = Lock.take(tmp_path / "lock", pid=4711, started_ms=1795250549123)

    with pytest.raises(SidecarRunning, match=r"pid 4711, since 2026-11-21T08:42:29.123Z") as caught:
        Lock.take(tmp_path / "lock", pid=1, started_ms=0)

    assert caught.value.details["pid"] == 4711
    assert "wa stop" in caught.value.next_step
    held.release()


def test_released_it_can_be_taken_again(tmp_path):
    """Releasing twice does no harm, and the new holder's name replaces the old one's."""
    first = Lock.take(tmp_path / "lock", pid=123456789, started_ms=0)
    first.release()
    first.release()
    second = Lock.take(tmp_path / "lock", pid=2, started_ms=0)

    with pytest.raises(SidecarRunning, match="pid 2,"):
        Lock.take(tmp_path / "lock", pid=3, started_ms=0)
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600
    second.release()


def test_a_killed_holder_leaves_no_lock(tmp_path):
    """kill -9 needs no clean-up by hand."""
    code = (
        "import sys,time,pathlib; from wa.engine.lock import Lock; "
        "held = Lock.take(pathlib.Path(sys.argv[1]), pid=9, started_ms=0); print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE, env=ENV)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(SidecarRunning):
            Lock.take(tmp_path / "lock", pid=1, started_ms=0)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()

    Lock.take(tmp_path / "lock", pid=1, started_ms=0).release()


def test_a_holder_that_has_not_said_who_it_is(tmp_path):
    """Between locking and writing there is nothing to read: still refused, without a name."""
    import fcntl

    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(SidecarRunning, match="another sidecar"):
        Lock.take(tmp_path / "lock", pid=1, started_ms=0)
    os.close(descriptor)


def test_a_link_is_not_followed(tmp_path):
    """Nobody can point the lock at a file of yours to have it emptied."""
    (tmp_path / "precious").write_text("data")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")

    with pytest.raises(OSError, match="lock"):
        Lock.take(tmp_path / "lock", pid=1, started_ms=0)
    assert (tmp_path / "precious").read_text() == "data"
