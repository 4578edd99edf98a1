"""wa's own folders: private, and the user's."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shlex import join

from wa.api.doctor_findings import finding
from wa.config.distributed import TOKENS
from wa.config.paths import Paths
from wa.protocol.results import FixableFinding
from wa.provision.journal import house_of

MAX_FILES = 1_000


def home_findings(paths: Paths) -> list[FixableFinding]:
    """Reads modes only. A folder that is not there yet is no trouble."""
    own = (paths.config, paths.data, paths.state, paths.runtime, paths.socket.parent)
    folders = dict.fromkeys((*own, house_of(paths), paths.config / TOKENS))
    return [one for folder in folders for one in _private(folder, 0o700)] + [
        one for file in _files(paths) for one in _private(file, 0o600)
    ]


def _files(paths: Paths) -> Iterator[Path]:
    database = paths.database
    yield from (database, *(database.with_name(f"{database.name}-{suffix}") for suffix in ("wal", "shm")))
    yield paths.socket
    # What others must not read even where somebody opened the folders: backups of plans, tokens of the roles.
    for folder in (house_of(paths), paths.config / TOKENS):
        with suppress(OSError):
            yield from sorted(one for one in folder.rglob("*") if one.is_file() and not one.is_symlink())[:MAX_FILES]


def _private(path: Path, mode: int) -> Iterator[FixableFinding]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        yield finding(
            "error", f"cannot look at {path}: {error.strerror or error}", "See who owns the folders above it."
        )
        return
    if found.st_uid != os.getuid():
        step = f"It must be yours: move it away, or have root run `chown {os.getuid()} {path}`."
        yield finding("error", f"{path} belongs to uid {found.st_uid}, not to you", step)
    elif (others := stat.S_IMODE(found.st_mode)) & 0o077:
        argv = ["chmod", f"{mode:o}", str(path)]
        what = f"others may {'enter' if mode & 0o100 else 'read'} {path} (mode {others:o})"
        yield finding("error", what, f"Run `{join(argv)}`.", fix=argv, safe=True)
