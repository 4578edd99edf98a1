from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from wa.model.errors import WezTermError
from wa.wezterm.codec import ask_socket, codec_of
from wezterm.fake_mux import FakeMux


@pytest.mark.parametrize(
    ("version", "codec"),
    [
        ("20240203-110809-5046fc22", 42),
        ("20240520-1-x", None),
        ("20240701-1-x", 43),
        ("20250223-062404-4ff581a8", None),
        ("20250401-1-x", 44),
        ("20270101-1-x", None),
        ("20200620-160318-e00b076c", None),
        ("nightly", None),
        (None, None),
    ],
)
def test_a_version_tells_only_what_is_sure(version: str | None, codec: int | None) -> None:
    """Between two codecs, and beyond what is known, one has to ask."""
    assert codec_of(version) == codec


def test_a_server_is_asked(tmp_path: Path) -> None:
    """Also one whose codec wa does not speak."""

    async def scene(codec: int) -> int:
        async with FakeMux(codec=codec).listening(tmp_path / "sock"):
            return await ask_socket(tmp_path / "sock")

    assert asyncio.run(scene(44)) == 44
    assert asyncio.run(scene(99)) == 99


def test_a_socket_that_nobody_serves_is_told(tmp_path: Path) -> None:
    """As an error, at once."""
    with pytest.raises((WezTermError, OSError)):
        asyncio.run(ask_socket(tmp_path / "nothing"))
