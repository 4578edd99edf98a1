"""What `tailscale status --json` says, and which of its machines one of ours is. It is asked, and told nothing.

Keys as of Tailscale 1.50 to 1.90 (ipn/ipnstate/ipnstate.go): BackendState, Self, Peer{HostName, DNSName, TailscaleIPs,
Online, OS}.
"""

from __future__ import annotations

import ipaddress
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wa.model.host import FoundHost
from wa.wezterm.processes import run

ASK_WITHIN_S = 5.0
MAC_PROGRAM = "/Applications/Tailscale.app/Contents/MacOS/Tailscale"
_STATES = {
    "NeedsLogin": ("nobody is logged in", "Run `tailscale login`."),
    "NeedsMachineAuth": ("this machine waits to be approved", "Approve it in Tailscale's admin console."),
    "Stopped": ("it is stopped", "Run `tailscale up`."),
    "Starting": ("it is still starting", "Try again in a moment."),
    "NoState": ("it is still starting", "Try again in a moment."),
}


@dataclass(frozen=True, slots=True)
class Peer:
    """A machine of the tailnet."""

    name: str
    """HostName, as people gave it."""
    dns: str
    """Without the dot at its end; empty where there is none."""
    addresses: tuple[str, ...]
    """IPv4 first."""
    online: bool
    system: str
    is_self: bool = False

    @property
    def address(self) -> str:
        return self.addresses[0]

    def is_called(self, word: str) -> bool:
        folded = word.casefold().rstrip(".")
        return folded in (
            self.name.casefold(),
            self.dns.casefold(),
            self.dns.partition(".")[0].casefold(),
            *self.addresses,
        )


@dataclass(frozen=True, slots=True)
class Tailnet:
    peers: tuple[Peer, ...] = ()
    """This machine first. Empty where there is a trouble."""
    trouble: str | None = None
    """Why it cannot be used: the end of a sentence that begins with Tailscale."""
    next_step: str | None = None


async def tailnet(env: Mapping[str, str]) -> Tailnet:
    """Never raises: without Tailscale there are the addresses of the configuration."""
    program = shutil.which("tailscale", path=env.get("PATH")) or shutil.which(MAC_PROGRAM)
    if program is None:
        return Tailnet(trouble="is not installed here", next_step="Install it, or leave out --use-tailscale.")
    try:
        asked = await run([program, "status", "--json"], timeout_s=ASK_WITHIN_S, env=env)
    except TimeoutError:
        return Tailnet(trouble=f"did not answer within {ASK_WITHIN_S:g} s", next_step="Look at `tailscale status`.")
    except OSError as error:
        return Tailnet(trouble=f"cannot be run: {error.strerror}", next_step=f"Look at {program}.")
    try:
        return parse_status(json.loads(asked.stdout))
    except (ValueError, TypeError, AttributeError):
        words = asked.stderr.decode("utf-8", "replace").strip().splitlines()
        why = words[-1][:200] if words else f"it ended with {asked.status} and no JSON"
        return Tailnet(trouble=f"does not tell its status: {why}", next_step="Look at `tailscale status`.")


def parse_status(said: Any) -> Tailnet:
    """Raises AttributeError or TypeError for what is no status."""
    state = said.get("BackendState")
    if state != "Running":
        why, step = _STATES.get(str(state), (f"its state is {state!r:.40}", "Look at `tailscale status`."))
        return Tailnet(trouble=f"does not run: {why}", next_step=step)
    found = [_peer(said.get("Self"), is_self=True)]
    found += [_peer(one) for one in (said.get("Peer") or {}).values()]
    return Tailnet(tuple(one for one in found if one is not None))


def _peer(said: Any, *, is_self: bool = False) -> Peer | None:
    if not isinstance(said, dict):
        return None
    addresses = [str(one) for one in said.get("TailscaleIPs") or [] if _address(str(one)) is not None]
    if not addresses:
        return None
    addresses.sort(key=lambda one: ":" in one)
    return Peer(
        name=str(said.get("HostName") or ""),
        dns=str(said.get("DNSName") or "").rstrip("."),
        addresses=tuple(addresses),
        online=bool(said.get("Online")),
        system=str(said.get("OS") or ""),
        is_self=is_self,
    )


def matching(host: FoundHost, peers: Iterable[Peer]) -> list[Peer]:
    """Those that *host* may be: by any address, then by whole name, then by its first label, case and punctuation aside.

    One is an answer; none, or several, is for the user.
    """
    every = list(peers)
    words = [word for word in (host.address, _bare(host.name), host.title, *map(_bare, host.also)) if word]
    addresses = {found for word in words if (found := _address(word)) is not None}
    if by_address := [peer for peer in every if addresses & {_address(one) for one in peer.addresses}]:
        return by_address
    names = {word.casefold().rstrip(".") for word in words if _address(word) is None}
    if by_dns := [peer for peer in every if peer.dns and peer.dns.casefold() in names]:
        return by_dns
    labels = {_label(name) for name in names} - {""}
    return [peer for peer in every if labels & {_label(peer.name), _label(peer.dns)}]


def _bare(destination: str) -> str:
    """`ssh://me@[::1]:22` → `::1`."""
    host = re.sub(r"\A(?:ssh://|SSHMUX:|SSH:)", "", destination).rpartition("@")[2]
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::\d+)?", host)
    if bracketed:
        return bracketed[1]
    return host.partition(":")[0] if host.count(":") == 1 else host


def _label(name: str) -> str:
    return re.sub(r"[\W_]", "", name.partition(".")[0].casefold())


def _address(word: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(word.strip("[]"))
    except ValueError:
        return None
