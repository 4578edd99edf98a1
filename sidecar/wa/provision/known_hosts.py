"""Names in ~/.ssh/known_hosts. Hashed ones are none, nor are patterns, revoked keys or authorities."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import NamedTuple

from wa.provision.ssh_config import ReadTrouble, is_absent, read_plain, short


class KnownHost(NamedTuple):
    host: str
    port: int | None
    is_address: bool
    """An IP address: a weak name."""


def known_hosts(home: Path) -> tuple[list[KnownHost], list[str]]:
    """Each once, in the order of the file; and notes."""
    path = home / ".ssh" / "known_hosts"
    if is_absent(path):
        return [], []
    text = read_plain(path)
    if isinstance(text, ReadTrouble):
        return [], [f"{short(path, home)} {text}: its hosts are not listed."]
    found: dict[tuple[str, int | None], KnownHost] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3 or words[0].startswith(("#", "@", "|")):
            continue
        names = [_known(name) for name in words[0].split(",")]
        whole = [one for one in names if one is not None]
        # `name,address` is one machine: the address adds nothing.
        for one in [one for one in whole if not one.is_address] or whole:
            found.setdefault((one.host.lower(), one.port), one)
    return list(found.values()), []


def _known(name: str) -> KnownHost | None:
    if not name or re.search(r"[*?!|]", name):
        return None
    port = None
    if bracketed := re.fullmatch(r"\[([^\]]+)\]:(\d{1,5})", name):
        name, port = bracketed[1], int(bracketed[2])
    return KnownHost(name, None if port == 22 else port, _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
