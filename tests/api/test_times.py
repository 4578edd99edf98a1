"""Instants as people write them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.api.times import age, local, parse
from wa.model.errors import UsageError
from wa.protocol.envelope import iso

BERLIN = ZoneInfo("Europe/Berlin")


def at(*parts: int) -> int:
    """Milliseconds of a wall-clock time in Berlin."""
    return int(datetime(*parts, tzinfo=BERLIN).timestamp() * 1000)  # type: ignore[arg-type, misc]


NOW = at(2026, 11, 21, 9, 30)


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("10m", NOW - 600_000),
        ("2h", NOW - 7_200_000),
        ("1h30m", NOW - 5_400_000),
        ("1.5h", NOW - 5_400_000),
        ("90s", NOW - 90_000),
        ("3d", NOW - 3 * 86_400_000),
        ("1w", NOW - 7 * 86_400_000),
        ("today", at(2026, 11, 21)),
        ("yesterday", at(2026, 11, 20)),
        ("Yesterday ", at(2026, 11, 20)),
        ("09:15", at(2026, 11, 21, 9, 15)),
        ("14:30", at(2026, 11, 20, 14, 30)),
        ("9:15:07", at(2026, 11, 21, 9, 15, 7)),
        ("2026-11-19", at(2026, 11, 19)),
        ("2026-11-19T08:00", at(2026, 11, 19, 8)),
        ("2026-11-19 08:00", at(2026, 11, 19, 8)),
        ("2026-11-19T08:00:00Z", at(2026, 11, 19, 9)),
        ("2026-11-19T08:00:00.250+02:00", at(2026, 11, 19, 7) + 250),
    ],
)
def test_forms_of_an_instant(text: str, expected: int) -> None:
    """Each form that the help names means what a person in this time zone means by it."""
    assert expected == parse(text, at_ms=NOW)


def test_yesterday_begins_at_its_own_midnight() -> None:
    """On the day after the clocks went back, yesterday is 25 hours long."""
    assert at(2026, 10, 25, 0) == parse("yesterday", at_ms=at(2026, 10, 26, 0, 30))
    assert at(2026, 10, 26) - at(2026, 10, 25) == 25 * 3_600_000


@pytest.mark.parametrize(
    "text", ["", "soon", "10", "10x", "25:00", "-5m", "2026-13-01", "99999999999999999d", "1e9h", "10m ago"]
)
def test_what_names_no_time_is_an_error_that_lists_the_forms(text: str) -> None:
    """The error repeats the option and the text, and says what would do."""
    with pytest.raises(UsageError, match="--until") as caught:
        parse(text, at_ms=NOW, option="--until")

    assert "yesterday" in caught.value.next_step


@given(st.integers(0, 4_000_000_000_000))
def test_an_instant_of_a_result_is_read_back(at_ms: int) -> None:
    """What `--json` prints can be given to `--since`."""
    assert at_ms == parse(iso(at_ms), at_ms=NOW)


@given(st.text(max_size=20))
def test_any_text_is_an_instant_or_a_usage_error(text: str) -> None:
    """No text makes it fail in another way."""
    with contextlib.suppress(UsageError):
        assert isinstance(parse(text, at_ms=NOW), int)


def test_tables_show_local_time_and_age() -> None:
    """Today's instants need no day; older ones have it."""
    assert local(iso(at(2026, 11, 21, 9)), now=NOW) == "09:00:00"
    assert local(iso(at(2026, 11, 20, 9)), now=NOW) == "2026-11-20 09:00:00"
    assert local(None) == ""
    assert [
        age(None),
        *(age(iso(NOW - ago_s * 1000), now=NOW) for ago_s in (-5, 59, 150, 47 * 3600, 48 * 3600)),
    ] == ["never", "0 s", "59 s", "2 min", "47 h", "2 d"]
