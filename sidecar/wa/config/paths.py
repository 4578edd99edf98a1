"""Where wa keeps things. Nothing else in the home is touched."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107
"""What sun_path holds beside its NUL (<sys/un.h>)."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The four XDG folders of wa, or all of them below `WA_HOME`. Nothing is created here; `ensure` does, 0700."""

    config: Path
    data: Path
    state: Path
    runtime: Path

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Paths:
        env = os.environ if env is None else env
        if home := env.get("WA_HOME"):
            root = Path(home).expanduser().absolute()
            return cls(root / "config", root / "data", root / "state", root / "run")
        user = Path(env.get("HOME") or Path.home())

        def xdg(name: str, default: str) -> Path:
            value = env.get(name, "")
            # The XDG specification says to ignore relative paths.
            return (Path(value) if value.startswith("/") else user / default) / "wa"

        runtime = env.get("XDG_RUNTIME_DIR", "")
        return cls(
            config=xdg("XDG_CONFIG_HOME", ".config"),
            data=xdg("XDG_DATA_HOME", ".local/share"),
            state=xdg("XDG_STATE_HOME", ".local/state"),
            runtime=Path(runtime) / "wa" if runtime.startswith("/") else xdg("XDG_STATE_HOME", ".local/state") / "run",
        )

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def database(self) -> Path:
        return self.data / "wa.db"

    @property
    def log_file(self) -> Path:
        return self.state / "wa.log"

    @property
    def lock_file(self) -> Path:
        return self.runtime / "sidecar.lock"

    @property
    def socket(self) -> Path:
        """The sidecar's socket; below /tmp/wa-UID-hash/ where the natural path is too long for a Unix socket."""
        return short_socket_path(self.runtime / "sidecar.sock")

    def ensure(self) -> None:
        """Make the folders, 0700; also tightens ones that exist."""
        for folder in (self.config, self.data, self.state, self.runtime, self.socket.parent):
            ensure_private(folder)


def short_socket_path(path: Path) -> Path:
    """*path* itself, or a short stand-in below /tmp/wa-UID-hash/ that is the same for the same *path*."""
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(f"/tmp/wa-{os.getuid()}-{digest}") / path.name  # noqa: S108 - 0700 and owned by us, see ensure_private


def ensure_private(folder: Path) -> None:
    """Make *folder* with mode 0700. Refuses one, or a link to one, that belongs to somebody else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for found in (folder.lstat(), folder.stat()):
        if found.st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to uid {found.st_uid}, not to you")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Put *text* in the place of what *path* holds, at one stroke, 0600. Raises OSError."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
