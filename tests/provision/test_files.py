"""Other people's files: what is read, what is written, and what is left alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.model.errors import ConfigError
from wa.provision import files
from wa.provision.text_trouble import TextTrouble


def test_what_is_no_plain_file_is_not_read_and_not_written(tmp_path: Path) -> None:
    """A folder, a fifo, a link into nothing, a loop of links, a file where a folder should be: told, and never waited for."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_bytes(b"")

    for name, read, kept in [
        ("folder", "is no file", "is no file"),
        ("fifo", "is no file", "is no file"),
        ("dangling", "is a link to nowhere, which is not there", "is a link to nowhere, which is not there"),
        ("loop", "cannot be read", "cannot be reached"),
        ("file/below", "cannot be read", "is no folder"),
    ]:
        with pytest.raises(ConfigError, match=read):
            files.read(tmp_path / name)
        assert kept in str(files.is_kept_from_us(tmp_path / name)), name

    assert files.read(tmp_path / "nothing/at/all") is None
    assert files.is_kept_from_us(tmp_path / "nothing/at/all") is None


def test_read_only_is_meant(tmp_path: Path) -> None:
    """By the file's mode or its folder's, also for who may write everywhere; a store of packages too."""
    closed = tmp_path / "closed"
    closed.mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "file").chmod(0o444)
    (tmp_path / "link").symlink_to("file")
    closed.chmod(0o555)
    try:
        assert files.is_kept_from_us(tmp_path / "file") == "is read-only"
        assert files.is_kept_from_us(tmp_path / "link") == "is read-only"
        assert "which is read-only" in str(files.is_kept_from_us(closed / "new"))
        assert "/nix/store" in str(files.is_kept_from_us(Path("/nix/store/abc-home/.zshrc")))
    finally:
        closed.chmod(0o755)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_theirs(tmp_path: Path) -> None:
    """Also for root, who could."""
    (tmp_path / "file").write_bytes(b"")
    os.chown(tmp_path / "file", 12345, -1)

    assert files.is_kept_from_us(tmp_path / "file") == "belongs to uid 12345, not to you"
    with pytest.raises(ConfigError, match="belongs to uid 12345"):
        files.read(tmp_path / "file")


def test_reading_leaves_no_trace(tmp_path: Path) -> None:
    """Not even the atime."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    os.utime(path, ns=(1, 10**18))

    assert files.read(path) == b"x"
    if hasattr(os, "O_NOATIME"):
        assert path.stat().st_atime_ns == 1


def test_a_file_keeps_what_it_is(tmp_path: Path) -> None:
    """Mode, attributes, the link that leads to it; and a name of 255 bytes has room for no longer one."""
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles" / ("n" * 255)
    target.write_bytes(b"old")
    target.chmod(0o4751)
    try:
        os.setxattr(target, "user.wa", b"kept")
        has_attributes = True
    except (OSError, AttributeError):
        has_attributes = False
    link = tmp_path / "link"
    link.symlink_to(target)

    files.write(link, b"new", mode=0o600)

    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o4751
    assert not has_attributes or os.getxattr(target, "user.wa") == b"kept"
    assert [one.name for one in target.parent.iterdir()] == [target.name]


def test_all_names_of_a_file_go_on_to_name_it(tmp_path: Path) -> None:
    """One that has several is written in place."""
    (tmp_path / "one").write_bytes(b"old and long")
    os.link(tmp_path / "one", tmp_path / "two")

    files.write(tmp_path / "one", b"new")

    assert (tmp_path / "two").read_bytes() == b"new"
    assert (tmp_path / "two").stat().st_nlink == 2


def test_one_that_changes_at_this_moment_is_left(tmp_path: Path) -> None:
    """The last look is just before the new file takes its place."""
    path = tmp_path / "file"
    path.write_bytes(b"read")
    seen = path.stat()
    path.write_bytes(b"an editor was faster")

    with pytest.raises(OSError, match="changing it"):
        files.write(path, b"new", seen=seen)
    assert path.read_bytes() == b"an editor was faster"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_modes_do_not_hang_on_the_umask(tmp_path: Path, umask: int) -> None:
    """Neither open to all nor closed to their owner."""
    old = os.umask(umask)
    try:
        files.make_folders(files.missing_folders(tmp_path / "a/b"))
        files.write(tmp_path / "a/b/c", b"x", mode=0o600)
        files.write(tmp_path / "a/b/d", b"x")
    finally:
        os.umask(old)

    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/c", "a/b/d")]
    assert modes == [0o700, 0o700, 0o600, 0o644]


@given(st.binary(max_size=40))
def test_bytes_survive_as_text(data: bytes) -> None:
    """What is no UTF-8 comes back as it was; what holds zero bytes is no text."""
    if b"\0" in data:
        with pytest.raises(TextTrouble):
            files.text_of(data)
    else:
        assert files.data_of(files.text_of(data)) == data


@given(st.binary(max_size=12), st.binary(max_size=12), st.integers(0, 12))
def test_half_written_is_known(before: bytes, after: bytes, cut: int) -> None:
    """The beginning of the new one, then what was left of the old one."""
    written = after[:cut]

    assert files.is_half_written(written + before[len(written) :], before, after)
    assert not files.is_half_written(after + before + b"!", before, after)
