"""Tailscale's status. The JSON here is written after the documented shape (`tailscale status --json`, 1.50 to 1.90); no
tailnet was there to record it from."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.model.host import FoundHost
from wa.provision.tailscale import Peer, Tailnet, matching, parse_status, tailnet

STATUS: dict[str, Any] = {
    "Version": "1.80.0",
    "BackendState": "Running",
    "TailscaleIPs": ["100.64.0.1"],
    "Self": {
        "HostName": "Jeffs-Mac-mini",
        "DNSName": "jeffs-mac-mini.tail1234.ts.net.",
        "OS": "macOS",
        "TailscaleIPs": ["fd7a:115c::1", "100.64.0.1"],
        "Online": True,
    },
    "Health": [],
    "MagicDNSSuffix": "tail1234.ts.net",
    "Peer": {
        "nodekey:a": {
            "HostName": "trj-1",
            "DNSName": "trj-1.tail1234.ts.net.",
            "OS": "linux",
            "TailscaleIPs": ["100.64.0.3", "fd7a:115c::3"],
            "Online": True,
        },
        "nodekey:b": {
            "HostName": "CSD",
            "DNSName": "csd.tail1234.ts.net.",
            "OS": "linux",
            "TailscaleIPs": ["100.64.0.4"],
            "Online": False,
        },
        "nodekey:c": {"HostName": "csd", "DNSName": "csd-2.tail1234.ts.net.", "TailscaleIPs": ["100.64.0.5"]},
        "nodekey:d": {"HostName": "no-address", "TailscaleIPs": None},
    },
}


def fake(folder: Path, script: str) -> dict[str, str]:
    program = folder / "tailscale"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def host(name: str, address: str | None = None, *also: str) -> FoundHost:
    return FoundHost(name, name, ("wezterm.lua",), address=address, also=also)


def test_its_machines_are_read(tmp_path: Path) -> None:
    """Those with an address, this one first; IPv4 before IPv6."""
    (tmp_path / "status.json").write_text(json.dumps(STATUS))
    env = fake(tmp_path, f'[ "$*" = "status --json" ] && cat {tmp_path}/status.json')

    found = asyncio.run(tailnet(env))

    assert found.trouble is None
    assert [peer.name for peer in found.peers] == ["Jeffs-Mac-mini", "trj-1", "CSD", "csd"]
    assert found.peers[0] == Peer(
        "Jeffs-Mac-mini", "jeffs-mac-mini.tail1234.ts.net", ("100.64.0.1", "fd7a:115c::1"), True, "macOS", is_self=True
    )


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('echo \'{"BackendState": "NeedsLogin"}\'', "nobody is logged in"),
        ('echo \'{"BackendState": "Stopped", "Peer": null}\'', "is stopped"),
        ('echo \'{"BackendState": "Odd"}\'', "Odd"),
        ("echo 'failed to connect to local tailscaled' >&2; exit 1", "failed to connect"),
        ("echo '[]'", "does not tell its status"),
        ("exit 3", "ended with 3"),
    ],
)
def test_one_that_does_not_run_says_why(tmp_path: Path, script: str, words: str) -> None:
    """And what to do; the caller goes on without it."""
    found = asyncio.run(tailnet(fake(tmp_path, script)))

    assert found.peers == ()
    assert words in (found.trouble or "")
    assert found.next_step


def test_one_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a bounded time."""
    monkeypatch.setattr("wa.provision.tailscale.ASK_WITHIN_S", 0.3)

    assert "did not answer" in (asyncio.run(tailnet(fake(tmp_path, "exec sleep 60"))).trouble or "")


def test_none_at_all_is_said(tmp_path: Path) -> None:
    """There are addresses in the configuration."""
    assert asyncio.run(tailnet({"PATH": str(tmp_path)})).trouble == "is not installed here"


@pytest.mark.parametrize(
    ("one", "names"),
    [
        (host("x", "100.64.0.3"), ["trj-1"]),
        (host("me@[fd7a:115c::3]"), ["trj-1"]),
        (host("ssh://me@100.64.0.4:2222"), ["CSD"]),
        (host("x", "TRJ-1.tail1234.ts.net"), ["trj-1"]),
        (host("trj1"), ["trj-1"]),
        (host("TRJ_1"), ["trj-1"]),
        (host("trj_1.corp.example"), ["trj-1"]),
        (host("csd-2.tail1234.ts.net"), ["csd"]),
        (host("csd"), ["CSD", "csd"]),
        (host("x", None, "SSHMUX:trj-1"), ["trj-1"]),
        (host("100.64.0.99"), []),
        (host("100"), []),
        (host("elsewhere"), []),
        (host("..."), []),
    ],
)
def test_a_host_is_matched_by_address_then_by_name(one: FoundHost, names: list[str]) -> None:
    """Case, the domain's suffix and punctuation aside; several are left to the user."""
    assert [peer.name for peer in matching(one, parse_status(STATUS).peers)] == names


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["Self", "Peer", "HostName", "DNSName", "TailscaleIPs"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_no_status_is_too_odd(said: object) -> None:
    """It is read, or it is an error that the caller knows."""
    status = {"BackendState": "Running", **said} if isinstance(said, dict) else said
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        assert isinstance(parse_status(status), Tailnet)
