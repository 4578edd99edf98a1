from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from wa.detect.values.zones import ABBREVIATIONS, SEASONLESS, abbreviated, load, printed_name, printed_offset

SETTLED = [datetime(2024, month, 15, 12, tzinfo=UTC) for month in range(1, 13)]
"""A year whose clock changes no later data will alter."""


def test_every_abbreviation_in_use_stands_in_the_table_with_each_of_its_offsets():
    """Checked against the whole of the machine's time zone data: an offset left out would be a reading left out."""
    missing = set()
    for name in available_timezones():
        zone = ZoneInfo(name)
        for at in SETTLED:
            word = (at.astimezone(zone).tzname() or "").upper()
            if "/" in name and word.isalpha() and word not in ("UTC", "GMT"):
                offset = at.astimezone(zone).utcoffset()
                if offset not in [candidate.offset for candidate in abbreviated(word, "", at)]:
                    missing.add((word, offset, name))

    assert missing == set()


def test_every_zone_in_the_tables_exists():
    """And bears the abbreviation it stands for in some season."""
    for word, names in ABBREVIATIONS.items():
        assert [found.name for found in abbreviated(word, "", SETTLED[0])] == list(names)
    assert all(load(name) for name in SEASONLESS.values())


@pytest.mark.parametrize(
    ("text", "name", "hours"),
    [("UTC", "UTC", 0), ("z", "UTC", 0), ("GMT", "Etc/GMT", 0), ("GMT+1", "Etc/GMT-1", 1), ("UTC-05:00", "Etc/GMT+5", -5),
     ("+0530", None, 5.5), ("GMT-3:30", None, -3.5), ("GMT+14", "Etc/GMT-14", 14), ("UTC+0", "UTC", 0)],
)  # fmt: skip
def test_a_printed_offset_has_a_name_where_it_has_whole_hours(text, name, hours):
    """Etc names count westwards."""
    found = printed_offset(text)

    assert found is not None
    assert (found.name, found.rules.utcoffset(None)) == (name, timedelta(hours=hours))
    assert name is None or ZoneInfo(name).utcoffset(SETTLED[0]) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "UTC+", "GMT+15", "+99:99", "CST", "GMT+1:75", "UTC + 1 h"])
def test_what_is_no_offset_is_none(text):
    """Beyond fourteen hours there is no zone."""
    assert printed_offset(text) is None


@pytest.mark.parametrize(
    "text", ["", "CST", "EST", "America", "a/b/c/d", "../x", "/etc", "Etc/", "America/Chicago/", "x" * 100, "é/é"]
)
def test_what_is_no_zone_name_is_none(text):
    """Three letters are an abbreviation, even where a zone bears that name."""
    assert printed_name(text) is None
