import os
import stat

import pytest

from wa.config.paths import MAX_SOCKET_PATH_BYTES, Paths, ensure_private


def test_wa_home_holds_everything(tmp_path):
    """With WA_HOME nothing of wa lies outside of it."""
    paths = Paths.from_env({"WA_HOME": str(tmp_path / "h"), "XDG_DATA_HOME": "/elsewhere", "HOME": "/root"})

    for path in (paths.config_file, paths.database, paths.log_file, paths.lock_file, paths.socket):
        assert path.is_relative_to(tmp_path / "h")


def test_relative_xdg_folders_are_ignored():
    """The XDG specification says so; the defaults hold."""
    paths = Paths.from_env({"HOME": "/h", "XDG_DATA_HOME": "data", "XDG_RUNTIME_DIR": "run"})

    assert str(paths.database) == "/h/.local/share/wa/wa.db"
    assert str(paths.runtime) == "/h/.local/state/wa/run"


def test_xdg_folders_are_used():
    """Each kind of file goes to its own folder."""
    paths = Paths.from_env({"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r"})

    assert (str(paths.config_file), str(paths.log_file), str(paths.socket)) == (
        "/c/wa/config.toml",
        "/s/wa/wa.log",
        "/r/wa/sidecar.sock",
    )


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path):
    """The stand-in fits, is the same each time, and differs between homes."""
    long = Paths.from_env({"WA_HOME": str(tmp_path / ("x" * 120))})
    other = Paths.from_env({"WA_HOME": str(tmp_path / ("y" * 120))})

    assert len(os.fsencode(long.socket)) <= MAX_SOCKET_PATH_BYTES
    assert str(long.socket).startswith(f"/tmp/wa-{os.getuid()}-")
    assert long.socket == Paths.from_env({"WA_HOME": str(tmp_path / ("x" * 120))}).socket != other.socket


def test_folders_are_private(tmp_path):
    """Made with 0700, and tightened where they were open."""
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open").chmod(0o755)

    for folder in (tmp_path / "open", tmp_path / "new" / "deep"):
        ensure_private(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_of_ones_own_is_followed(tmp_path):
    """People put such folders on other disks; the folder behind the link is tightened."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real").chmod(0o755)
    (tmp_path / "link").symlink_to(tmp_path / "real")

    ensure_private(tmp_path / "link")

    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    """In a shared folder somebody else could have put it there first."""
    (tmp_path / "theirs").mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: 12345)

    with pytest.raises(PermissionError, match="not to you"):
        ensure_private(tmp_path / "theirs")
