"""Ports of this machine, with real sockets."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from wa.provision.ports import free_port, holder_of, next_port, parse_lsof


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    one = socket.create_server(("127.0.0.1", 0))
    yield one
    one.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_who_has_a_port_is_named(listener: socket.socket) -> None:
    """By pid and command line."""
    found = holder_of(listener.getsockname()[1])

    assert found is not None
    assert found.pid == os.getpid()
    assert "python" in found.command
    assert str(os.getpid()) in str(found)


def test_a_free_port_has_nobody(listener: socket.socket) -> None:
    """Also one that was held a moment ago."""
    port = listener.getsockname()[1]
    listener.close()

    assert holder_of(port) is None
    assert free_port(port) == port


def test_the_next_free_one_is_found(listener: socket.socket) -> None:
    """Above the one that is taken, and none that is spoken for."""
    port = listener.getsockname()[1]

    assert (free_port(port) or 0) > port
    assert next_port(7890, {7890, 7891, 7893}) == 7892
    assert next_port(65535, {65535}) is None


def test_lsof_is_understood() -> None:
    """Its output for programs, of `-Fpc` (lsof 4.91, macOS 15)."""
    assert str(parse_lsof("p412\ncnginx\nf6\n", 7890)) == "nginx (pid 412)"
    assert parse_lsof("", 7890) is None
