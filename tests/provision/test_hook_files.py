"""Settings files on disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from wa.agents.loader import Agents
from wa.model.errors import ConfigError, Refused
from wa.provision.hook_files import Place, Records, perform, to_install, to_uninstall
from wa.provision.hook_lines import Caller

HOOKS = Agents(None).hooks
WA = Caller("/usr/bin/wa")
VERSIONS = {"claude_code": "2.1.328", "codex": "0.169.0", "gemini": "0.61.0"}


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "data/hooks")


def install(place: Place, records: Records) -> None:
    perform(to_install(place, WA, VERSIONS[place.hooks.agent]), records, install=True)


def uninstall(place: Place, records: Records) -> None:
    perform(to_uninstall(place, records), records, install=False)


@pytest.mark.parametrize(
    ("agent", "text"),
    [
        ("claude_code", b'{"hooks": {}}'),
        ("claude_code", b"{ }\n\n"),
        ("claude_code", b""),
        ("claude_code", b'\xef\xbb\xbf{\r\n "a": 1}'),
        ("gemini", b'{"hooks": {"Stop": [ ]}, /* x */ "enabled": 1 // y\n}'),
        ("codex", b"notify = []"),
        ("codex", b"\n\n# mine\n[tui]"),
        ("codex", b""),
    ],
)
def test_every_byte_comes_back(tmp_path: Path, records: Records, agent: str, text: bytes) -> None:
    """However odd the file was laid out."""
    path = tmp_path / "settings"
    path.write_bytes(text)
    path.chmod(0o640)
    place = Place(HOOKS[agent], path, is_notify=agent == "codex")

    install(place, records)
    assert path.read_bytes() != text
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    uninstall(place, records)

    assert path.read_bytes() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list((tmp_path / "data/hooks").iterdir()) == []


def test_what_was_not_there_is_gone_again(tmp_path: Path, records: Records) -> None:
    """File and folders; a folder in which something else lies by now stays."""
    place = Place(HOOKS["claude_code"], tmp_path / "a/b/settings.json", is_notify=False)

    install(place, records)
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
    (tmp_path / "a/other").touch()
    uninstall(place, records)

    assert sorted(path.name for path in tmp_path.rglob("*") if "data" not in path.parts) == ["a", "other"]


def test_what_the_user_changed_meanwhile_stays(tmp_path: Path, records: Records) -> None:
    """Only ours is taken out, and a file of ours that somebody filled is kept."""
    place = Place(HOOKS["claude_code"], tmp_path / "settings.json", is_notify=False)
    place.path.write_text('{\n  "model": "opus"\n}\n')

    install(place, records)
    place.path.write_text(place.path.read_text().replace('"opus"', '"sonnet"'))
    uninstall(place, records)

    assert place.path.read_text() == '{\n  "model": "sonnet"\n}\n'


def test_installing_again_keeps_the_way_back(tmp_path: Path, records: Records) -> None:
    """After a change by the user and a second install, the user's change is what uninstalling leads to."""
    place = Place(HOOKS["claude_code"], tmp_path / "settings.json", is_notify=False)
    place.path.write_text('{\n  "model": "opus"\n}\n')

    install(place, records)
    place.path.write_text(place.path.read_text().replace('"opus"', '"sonnet"'))
    perform(to_install(place, Caller("/elsewhere/wa"), "2.1.328"), records, install=True)
    uninstall(place, records)

    assert place.path.read_text() == '{\n  "model": "sonnet"\n}\n'


def test_a_link_is_followed(tmp_path: Path, records: Records) -> None:
    """Dotfiles often are links into a repository; the link stays one."""
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    place = Place(HOOKS["gemini"], tmp_path / "settings.json", is_notify=False)
    place.path.symlink_to("dotfiles.json")

    install(place, records)
    assert place.path.is_symlink()
    assert "hook gemini" in real.read_text()
    uninstall(place, records)

    assert place.path.is_symlink()
    assert real.read_text() == "{}"


def test_a_file_that_changed_in_between_is_not_overwritten(tmp_path: Path, records: Records) -> None:
    """While the person reads the diff, the agent may write its settings."""
    place = Place(HOOKS["gemini"], tmp_path / "settings.json", is_notify=False)
    place.path.write_text("{}")
    change = to_install(place, WA, "0.61.0")
    place.path.write_text('{"theme": 1}')

    with pytest.raises(Refused):
        perform(change, records, install=True)

    assert place.path.read_text() == '{"theme": 1}'


@pytest.mark.parametrize("data", [b'{\n"a": }', b'{\n"\xff": 1}', b'{\n"a": 1,\n}'])
def test_what_is_not_understood_is_refused_with_file_and_line(tmp_path: Path, data: bytes) -> None:
    """The person learns where to look, and nothing is written."""
    path = tmp_path / "settings.json"
    path.write_bytes(data)

    with pytest.raises(ConfigError, match=rf"{path}:[23]: "):
        to_install(Place(HOOKS["claude_code"], path, is_notify=False), WA, "2.1.328")

    assert path.read_bytes() == data


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, records: Records) -> None:
    """In words, with the path."""
    if os.getuid() == 0:
        path = Path("/proc/self/settings.json")
    else:
        path = tmp_path / "closed/settings.json"
        path.parent.mkdir(mode=0o500)

    with pytest.raises(ConfigError, match=r"settings\.json cannot be"):
        install(Place(HOOKS["claude_code"], path, is_notify=False), records)


def test_read_only_settings_are_left(tmp_path: Path, records: Records) -> None:
    """Whoever made them so meant it."""
    path = tmp_path / "settings.json"
    path.write_bytes(b"{}\n")
    path.chmod(0o444)

    with pytest.raises(ConfigError, match="is read-only"):
        install(Place(HOOKS["claude_code"], path, is_notify=False), records)
    assert path.read_bytes() == b"{}\n"
