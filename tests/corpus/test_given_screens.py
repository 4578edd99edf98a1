"""Every screen of the real CLIs is read as a careful reader reads it."""

from __future__ import annotations

from typing import Any

import pytest

from support.screens import SCREENS, detector_for, key, prediction, read_rows, rows_of, scorer


def read(row: dict[str, Any]) -> dict[str, Any]:
    path = SCREENS / row["file"]
    return prediction(row["file"], read_rows(detector_for(row["file"]), rows_of(path)))


@pytest.mark.parametrize("row", key(), ids=lambda row: row["file"].removesuffix(".txt"))
def test_a_screen_yields_what_it_shows_and_nothing_forbidden(row: dict[str, Any]) -> None:
    """must, must_not, state and fields, by the rules of the judge that came with the screens."""
    got = read(row)
    result = scorer().score([row], {row["file"]: got})
    assert not result["missed"]
    assert not result["fired"]
    assert not result["states"]
    assert not result["wrong"]


def test_the_given_screens_are_all_there() -> None:
    """A screen that is lost would not be missed otherwise."""
    assert len(key()) == 283
    assert all((SCREENS / row["file"]).is_file() for row in key())


def test_the_judge_can_fail() -> None:
    """A judge that passes everything proves nothing."""
    row = next(row for row in key() if any(entry["event"] == "usage.limit" for entry in row["must"]))
    empty = scorer().score([row], {row["file"]: {"file": row["file"], "state": "unknown", "events": []}})
    assert empty["missed"]
    loud = {"file": row["file"], "state": row["state"], "events": [{"event": row["must_not"][0], "fields": {}}]}
    assert scorer().score([row], {row["file"]: loud})["fired"]


COLOURED = sorted(path.relative_to(SCREENS).as_posix() for path in SCREENS.glob("*/*.ansi"))


@pytest.mark.parametrize("name", COLOURED)
def test_colours_change_nothing(name: str) -> None:
    """A file with escape sequences is read as the text that it draws."""
    from wa.api.rules import plain_rows

    path = SCREENS / name
    with_colour = plain_rows(path.read_text("utf-8"))
    plain = rows_of(path.with_suffix(".txt"))
    assert [row.rstrip() for row in with_colour] == [row.rstrip() for row in plain]
    detector = detector_for(name)
    assert read_rows(detector, with_colour).detections == read_rows(detector, plain).detections
