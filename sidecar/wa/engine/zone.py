"""The time zone of this machine, by its IANA name: agents print times without a zone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from wa.config.settings import is_zone

LOCALTIME = Path("/etc/localtime")
TIMEZONE = Path("/etc/timezone")


def local_zone(env: Mapping[str, str] | None = None, *, localtime: Path = LOCALTIME, timezone: Path = TIMEZONE) -> str:
    """An empty name where none can be found: then a time without a zone is not resolved."""
    env = os.environ if env is None else env
    names = [env.get("TZ", "").lstrip(":")]
    try:
        _, _, name = str(localtime.resolve()).partition("/zoneinfo/")
        names.append(name.removeprefix("posix/").removeprefix("right/"))
    except OSError:
        pass
    with suppress(OSError):
        names.append(timezone.read_text("ascii", "replace").strip())
    return next((name for name in names if name and is_zone(name)), "")
