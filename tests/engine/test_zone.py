"""The zone of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from wa.engine.zone import local_zone


@pytest.mark.parametrize("named", ["Europe/Berlin", ":Europe/Berlin"])
def test_the_environment_names_it(tmp_path: Path, named: str) -> None:
    """As libc reads TZ."""
    assert local_zone({"TZ": named}, localtime=tmp_path / "none", timezone=tmp_path / "none") == "Europe/Berlin"


@pytest.mark.parametrize("named", ["", "Nowhere/Else", "<+03>-3", "../../etc/passwd", ":/etc/localtime", "\x00"])
def test_what_is_no_name_is_passed_over(tmp_path: Path, named: str) -> None:
    """The system's own setting is looked at then; with none of them nothing is known."""
    zoneinfo = tmp_path / "usr/share/zoneinfo/America/Chicago"
    zoneinfo.parent.mkdir(parents=True)
    zoneinfo.write_text("")
    link = tmp_path / "localtime"
    link.symlink_to(zoneinfo)
    none = tmp_path / "none"

    assert local_zone({"TZ": named}, localtime=link, timezone=none) == "America/Chicago"
    assert local_zone({"TZ": named}, localtime=none, timezone=none) == ""
    none.write_text("Europe/Paris\n")
    assert local_zone({"TZ": named}, localtime=tmp_path / "gone", timezone=none) == "Europe/Paris"
