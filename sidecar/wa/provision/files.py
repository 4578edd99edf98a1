"""Files of other people's making: read without leaving a trace, and changed in one step or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from wa.model.errors import ConfigError
from wa.provision.plan import FileChange
from wa.provision.text_trouble import TextTrouble

MAX_FILE_BYTES = 4 * 1024 * 1024
FILE_MODE = 0o644
FOLDER_MODE = 0o700
STORES = ("/nix/store", "/gnu/store")
"""Where package managers keep what nobody edits (Nix and Guix, 2026)."""
_LOOK = "Look at that path."
_NOATIME = getattr(os, "O_NOATIME", 0)


def read(place: PurePath) -> bytes | None:
    """None: there is none. Raises ConfigError for what is no plain file of this user's. The file's atime stays."""
    path = Path(place)
    try:
        known = path.stat()
        _plain(path, known)
        return _bytes_of(path)
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigError(f"{path} is a link to {path.readlink()}, which is not there", next_step=_LOOK) from None
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}", next_step=_LOOK) from error


def _plain(path: Path, known: os.stat_result) -> None:
    if not stat.S_ISREG(known.st_mode):
        raise ConfigError(f"{path} is no file", next_step=_LOOK)
    if known.st_uid != os.geteuid():
        raise ConfigError(f"{path} belongs to uid {known.st_uid}, not to you", next_step=_LOOK)
    if known.st_size > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is larger than any settings: {known.st_size} bytes", next_step=_LOOK)


def _bytes_of(path: Path) -> bytes:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags | _NOATIME)
    except PermissionError:
        descriptor = os.open(path, flags)
    with os.fdopen(descriptor, "rb") as file:
        _plain(path, os.fstat(descriptor))
        return file.read()


def is_kept_from_us(place: PurePath) -> str | None:
    """Why nothing may be written there, as the end of a sentence that begins with the path; None: it may."""
    path = Path(place)
    try:
        target = path.resolve(strict=False)
        if path.is_symlink() and not path.exists():
            return f"is a link to {path.readlink()}, which is not there"
        for store in STORES:
            if target.is_relative_to(store):
                return f"lies in {store}, which its package manager writes"
        if target.exists():
            known = target.stat()
            if not stat.S_ISREG(known.st_mode):
                return "is no file"
            if known.st_uid != os.geteuid():
                return f"belongs to uid {known.st_uid}, not to you"
            if not known.st_mode & stat.S_IWUSR:
                return "is read-only"
        folder = target.parent
        while not folder.exists():
            folder = folder.parent
        known = folder.stat()
        if not stat.S_ISDIR(known.st_mode):
            return f"cannot be there: {folder} is no folder"
        if known.st_uid == os.geteuid() and not known.st_mode & stat.S_IWUSR:
            return f"lies in {folder}, which is read-only"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"lies in {folder}, which you may not write to"
    except (OSError, RuntimeError) as error:
        # RuntimeError: how pathlib tells a loop of links.
        return f"cannot be reached: {getattr(error, 'strerror', None) or error}"
    return None


def file_change(path: PurePath, after: bytes | None, what: str, **fields: Any) -> FileChange:
    """*fields*: the rest of FileChange. Raises ConfigError as `read`."""
    return FileChange(PurePosixPath(path), read(path), after, what, **fields)


def text_of(data: bytes | None) -> str:
    """What is no UTF-8 survives the way through `data_of`. Raises TextTrouble for what is no text (UTF-16, for one)."""
    data = data or b""
    if b"\0" in data:
        raise TextTrouble(data.count(b"\n", 0, data.index(b"\0")) + 1, "holds zero bytes: no text that wa could edit")
    return data.decode("utf-8", "surrogateescape")


def data_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


# -- writing --------------------------------------------------------------------------------------------------------------


def is_written_in_place(target: Path) -> bool:
    """It has other names that must go on to name it, or it is a mount: no other file can take its place."""
    try:
        return target.stat().st_nlink > 1 or os.path.ismount(target)
    except FileNotFoundError:
        return False


def temporary_of(target: Path, token: str) -> Path:
    """Short, so that it is no longer than what a folder takes, and known to whoever cleans up after a death."""
    return target.parent / f".wa-{token}"


def drop_temporary(target: Path, token: str) -> None:
    """What a death may have left."""
    with suppress(OSError):
        temporary_of(target, token).unlink()


def write(
    path: Path,
    data: bytes,
    *,
    mode: int | None = None,
    token: str | None = None,
    seen: os.stat_result | None = None,
    times_ns: tuple[int, int] | None = None,
) -> None:
    """In one step, through links. One that is there keeps mode, owner, attributes, and its other names.

    *mode* is of one that is made. *seen*: it must still be that very file in that very state. *times_ns*: atime and
    mtime that it gets. Its folder exists. Raises OSError; then it is as it was.
    """
    target = path.resolve()
    try:
        known: os.stat_result | None = target.stat()
    except FileNotFoundError:
        known = None
    if known is not None and is_written_in_place(target):
        _check(target, seen)
        _write_in_place(target, data, times_ns)
        return
    temporary = temporary_of(target, token or secrets.token_hex(8))
    drop_temporary(target, temporary.name.removeprefix(".wa-"))
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, data)
            is_like = _made_like(descriptor, target, known, FILE_MODE if mode is None else mode)
            if times_ns is not None:
                os.utime(descriptor, ns=times_ns)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _check(target, seen)
        if is_like:
            _put_in_place(temporary, target, is_new=known is None)
            sync_folder(target.parent)
            return
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    # A group that this user may not give away: only the file itself can keep it.
    temporary.unlink()
    _write_in_place(target, data, times_ns)


def _put_in_place(temporary: Path, target: Path, *, is_new: bool) -> None:
    """Never over a file that was made meanwhile."""
    if is_new:
        try:
            target.hardlink_to(temporary)
        except FileExistsError:
            raise OSError(errno.EBUSY, "somebody has made it at this moment") from None
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
            # Not every file system has links.
        else:
            temporary.unlink()
            return
    temporary.replace(target)


def _made_like(descriptor: int, target: Path, known: os.stat_result | None, mode: int) -> bool:
    if known is None:
        os.fchmod(descriptor, mode)
        return True
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (known.st_uid, known.st_gid):
        try:
            os.fchown(descriptor, known.st_uid, known.st_gid)
        except PermissionError:
            return False
    for name, value in attributes_of(target).items():
        with suppress(OSError):
            os.setxattr(descriptor, name, value)
    os.fchmod(descriptor, stat.S_IMODE(known.st_mode))
    return True


def attributes_of(target: Path) -> dict[str, bytes]:
    """Extended attributes and access lists, where the system tells them (Linux)."""
    if not hasattr(os, "listxattr"):
        return {}
    found = {}
    with suppress(OSError):
        for name in os.listxattr(target):
            with suppress(OSError):
                found[name] = os.getxattr(target, name)
    return found


def _check(target: Path, seen: os.stat_result | None) -> None:
    if seen is None:
        return
    now = target.stat()
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (seen.st_ino, seen.st_size, seen.st_mtime_ns):
        raise OSError(errno.EBUSY, "somebody is changing it at this moment")


def _write_in_place(target: Path, data: bytes, times_ns: tuple[int, int] | None) -> None:
    before = _bytes_of(target)
    descriptor = os.open(target, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            _overwrite(descriptor, data)
        except BaseException:
            with suppress(OSError):
                _overwrite(descriptor, before)
            raise
        if times_ns is not None:
            os.utime(descriptor, ns=times_ns)
    finally:
        os.close(descriptor)


def _overwrite(descriptor: int, data: bytes) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    write_all(descriptor, data)
    # As long as it is not cut, its old content has its room.
    os.fsync(descriptor)
    os.ftruncate(descriptor, len(data))
    with suppress(OSError):
        os.fsync(descriptor)


def is_half_written(now: bytes, before: bytes, after: bytes) -> bool:
    """What a death in the middle of writing *after* over *before* in place leaves: the beginning of one, the rest of the other."""
    same = len(os.path.commonprefix([now, after]))  # noqa: RUF071 - of bytes, and it is meant
    return now[same:] == before[same:]


def write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Not every file system can; then its names are as safe as it makes them."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def missing_folders(folder: Path) -> tuple[Path, ...]:
    """Those that must be made for *folder*, innermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    return tuple(missing)


def make_folders(missing: tuple[Path, ...]) -> None:
    """As `missing_folders` gives them, whatever the umask is."""
    for one in reversed(missing):
        one.mkdir(FOLDER_MODE)
        one.chmod(FOLDER_MODE)
