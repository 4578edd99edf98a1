import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wa.detect.values import GRACE, Reset, resolve_reset

CHICAGO = "America/Chicago"
MORNING = datetime(2026, 11, 21, 6, 0, tzinfo=ZoneInfo(CHICAGO))
"""A Saturday; 12:00 UTC."""


def seen_ms(at):
    return round(at.timestamp() * 1000)


def read(text, *, seen=MORNING, host=CHICAGO):
    return resolve_reset(text, seen_at_ms=seen_ms(seen), host_zone=host)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "printed", "at", "zone", "zone_from"),
    [
        ("6:38 AM", "6:38 AM", "2026-11-21 12:38", CHICAGO, "host"),
        ("Jan 18th, 2026 12:37 AM", "Jan 18th, 2026 12:37 AM", "2026-01-18 06:37", CHICAGO, "host"),
        ("5pm (America/Chicago)", "5pm (America/Chicago)", "2026-11-21 23:00", CHICAGO, "printed"),
        ("2pm (America/New_York)", "2pm (America/New_York)", "2026-11-21 19:00", "America/New_York", "printed"),
        ("6:34am (America/Chicago)", "6:34am (America/Chicago)", "2026-11-21 12:34", CHICAGO, "printed"),
        (
            "Nov 23, 4:03am (America/Chicago)",
            "Nov 23, 4:03am (America/Chicago)",
            "2026-11-23 10:03",
            CHICAGO,
            "printed",
        ),
        ("Mon 12:00am", "Mon 12:00am", "2026-11-23 06:00", CHICAGO, "host"),
        ("1pm (Etc/GMT+5)", "1pm (Etc/GMT+5)", "2026-11-21 18:00", "Etc/GMT+5", "printed"),
        ("3pm (UTC)", "3pm (UTC)", "2026-11-21 15:00", "UTC", "printed"),
        ("3pm (Japan)", "3pm (Japan)", "2026-11-22 06:00", "Japan", "printed"),
        ("2:29 PM CST", "2:29 PM CST", "2026-11-21 20:29", CHICAGO, "abbreviation"),
        ("5:45 PM GMT+1", "5:45 PM GMT+1", "2026-11-21 16:45", "Etc/GMT-1", "printed"),
        ("5:45 PM GMT+5:30", "5:45 PM GMT+5:30", "2026-11-21 12:15", None, "printed"),
        ("5:45 PM GMT−3", "5:45 PM GMT−3", "2026-11-21 20:45", "Etc/GMT+3", "printed"),
        ("5pm PT", "5pm PT", "2026-11-22 01:00", "America/Los_Angeles", "abbreviation"),
        ("tomorrow at 9am", "tomorrow at 9am", "2026-11-22 15:00", CHICAGO, "host"),
        ("tomorrow 9:00", "tomorrow 9:00", "2026-11-22 15:00", CHICAGO, "host"),
        ("today at 5:00 AM", "today at 5:00 AM", "2026-11-21 11:00", CHICAGO, "host"),
        ("2026-11-23T04:03:00Z", "2026-11-23T04:03:00Z", "2026-11-23 04:03", "UTC", "printed"),
        ("2026-11-23T04:03:00.000Z", "2026-11-23T04:03:00.000Z", "2026-11-23 04:03", "UTC", "printed"),
        ("2026-11-23T04:03+05:30", "2026-11-23T04:03+05:30", "2026-11-22 22:33", None, "printed"),
        ("2026-11-23 04:03", "2026-11-23 04:03", "2026-11-23 10:03", CHICAGO, "host"),
        ("2026-11-23 04:03:00 +0000 UTC", "2026-11-23 04:03:00 +0000 UTC", "2026-11-23 04:03", "UTC", "printed"),
        ("Mon, 23 Nov 2026 04:03:00 GMT", "Mon, 23 Nov 2026 04:03:00 GMT", "2026-11-23 04:03", "Etc/GMT", "printed"),
        ("13:05", "13:05", "2026-11-21 19:05", CHICAGO, "host"),
        ("13:05 UTC", "13:05 UTC", "2026-11-21 13:05", "UTC", "printed"),
        ("12am", "12am", "2026-11-22 06:00", CHICAGO, "host"),
        ("12:30 am", "12:30 am", "2026-11-22 06:30", CHICAGO, "host"),
        ("12pm", "12pm", "2026-11-21 18:00", CHICAGO, "host"),
        ("noon", "noon", "2026-11-21 18:00", CHICAGO, "host"),
        ("midnight", "midnight", "2026-11-22 06:00", CHICAGO, "host"),
        ("Thursday at 3 PM", "Thursday at 3 PM", "2026-11-26 21:00", CHICAGO, "host"),
        ("Sat 5pm", "Sat 5pm", "2026-11-21 23:00", CHICAGO, "host"),
        ("Sat 5:00am", "Sat 5:00am", "2026-11-28 11:00", CHICAGO, "host"),
        ("11/23/2026 4:03 AM", "11/23/2026 4:03 AM", "2026-11-23 10:03", CHICAGO, "host"),
        ("11/23/2026, 4:03:30 AM", "11/23/2026, 4:03:30 AM", "2026-11-23 10:03:30", CHICAGO, "host"),
        ("23.11.2026 04:03", "23.11.2026 04:03", "2026-11-23 10:03", CHICAGO, "host"),
        ("23 Nov 04:03", "23 Nov 04:03", "2026-11-23 10:03", CHICAGO, "host"),
        ("November 23 at 4:03 a.m.", "November 23 at 4:03 a.m.", "2026-11-23 10:03", CHICAGO, "host"),
        ("6:38\u202fAM", "6:38 AM", "2026-11-21 12:38", CHICAGO, "host"),
    ],
)
def test_every_printed_form_means_one_instant(text, printed, at, zone, zone_from):
    """Seen at 6:00 on a Saturday in Chicago; seconds are those that were printed, mostly none."""
    assert read(text) == Reset(printed, "absolute", utc(at), zone, zone_from, False)


@pytest.mark.parametrize(
    ("text", "printed", "after_s"),
    [
        ("in 3 hours 12 minutes", "in 3 hours 12 minutes", 11_520),
        ("2 days 3 hours", "2 days 3 hours", 183_600),
        ("14h 40m 10s", "14h 40m 10s", 52_810),
        ("45s", "45s", 45),
        ("Your quota will reset after 13h20m5s.", "13h20m5s", 48_005),
        ("or try again in 5 days 22 hours 11 minutes.", "in 5 days 22 hours 11 minutes", 511_860),
        ("Limit reached, resets in 13h 21m", "in 13h 21m", 48_060),
        ("58% used (Limit resets in 13h 21m)", "in 13h 21m", 48_060),
        ("try again in less than a minute", "in less than a minute", 60),
        ("Please retry in 34.5s.", "in 34.5s", 34.5),
    ],
)
def test_a_length_of_time_counts_from_the_moment_of_reading(text, printed, after_s):
    """It needs no zone; "less than a minute" is over for certain after one."""
    expected = Reset(printed, "relative", MORNING.astimezone(UTC) + timedelta(seconds=after_s), None, "none", False)

    assert read(text) == expected
    assert read(text, host="") == expected


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("You've hit your usage limit. Upgrade to Pro (https://x.example/y), or try again at 6:38 AM.", "6:38 AM"),
        ("  ⎿  You've hit your 5-hour limit · resets 6:57am (America/Chicago)", "6:57am (America/Chicago)"),
        ("resets 7:17am (America/Chicago) · /upgrade to keep using", "7:17am (America/Chicago)"),
        ("resets 7:17am (America/Chicago) shortcuts", "7:17am (America/Chicago)"),
        ("⚠ 5h limit: 24% left · resets at 06:37 · /status", "06:37"),
        ("Usage limit reached · continuing automatically at 6:34am · esc to cancel", "6:34am"),
        ("limit resets 6:34am Continuing automatically at 6:34am · Esc to cancel", "6:34am"),
        ("2. Wait here, then continue automatically at Nov 23, 4:02am", "Nov 23, 4:02am"),
        ("Access resets at 5:28 PM CST.          ", "5:28 PM CST"),
        ("Your limit will reset at 1pm (Etc/GMT+5)", "1pm (Etc/GMT+5)"),
        ("5-hour limit reached ∙ resets 3pm", "3pm"),
        ("automatically at 6:57am · Esc to cancel", "6:57am"),
        ("at 6:38 AM", "6:38 AM"),
        ("Resets: 6:38 AM", "6:38 AM"),
        ("try again on Nov 23 at 4am", "Nov 23 at 4am"),
        ("Resets 6:40am\n   (America/Chicago)", "6:40am (America/Chicago)"),
    ],
)
def test_the_sentence_round_a_time_is_left_out(text, printed):
    """A rule may hand over the time alone or the whole row."""
    assert read(text).printed == printed
    assert read(text).at == read(printed).at is not None


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "later", "Try again later.", "soon", "5 apples", "45 minutes ago", "5pm ago", "13pm", "25:00", "12:60",
        "13:05-14:00", "5pm-6pm", "5pm – 6pm", "6", "3/5", "Nov", "2026", "Mon Tue", "Nov 23 2026 tomorrow",
        "resets", "1.5.2", "5 to 10 minutes", "6:38 amx", "(America/Chicago)", "tonight", "\x00\ud800",
    ],
)  # fmt: skip
def test_what_is_no_time_is_no_reset(text):
    """Rather none than a wrong one: half-understood words may mean tomorrow as well as today."""
    found = read(text)

    assert (found.kind, found.at, found.zone, found.zone_from, found.ambiguous) == ("none", None, None, "none", False)


def test_a_text_is_read_up_to_a_bound():
    """A screenful, not a scrollback."""
    assert read("x " * 1900 + "resets 5pm").kind == "absolute"
    assert read("x " * 2100 + "resets 5pm").kind == "none"


def test_an_unread_text_is_kept_without_its_lead():
    """People still want to read what stood there."""
    assert read("Try again later.") == Reset("later", "none", None, None, "none", False)


@pytest.mark.parametrize(
    "text", ["Claude AI usage limit reached|1763712000", "|1763712000", "1763712000", "|1763712000000"]
)
def test_an_epoch_needs_no_zone(text):
    """Seconds, or milliseconds where there are thirteen digits."""
    assert read(text, host="nowhere") == Reset(
        text.split("|")[-1], "absolute", utc("2025-11-21 08:00"), None, "none", False
    )


@pytest.mark.parametrize(
    "host", ["", "nowhere", "America", "../etc/passwd", "/etc/passwd", "a\0b", "\ud800", "x" * 5000]
)
def test_without_a_zone_there_is_no_instant(host):
    """The kind is known, the instant is not, whatever the host calls its zone."""
    assert read("6:38 AM", host=host) == Reset("6:38 AM", "absolute", None, None, "none", False)
    assert read("5pm (America/Chicago)", host=host).at == utc("2026-11-21 23:00")


@pytest.mark.parametrize(
    "text", ["5pm (Mars/Base)", "5pm (Central Standard Time)", "5pm XYZ", "5pm (../../etc/passwd)", "5pm (x"]
)
def test_a_printed_zone_that_is_unknown_is_not_replaced_by_the_hosts(text):
    """It was said to be another one, for all we know."""
    found = read(text)

    assert (found.kind, found.at, found.zone, found.zone_from) == ("absolute", None, None, "none")


def test_a_zone_broken_or_cut_by_the_end_of_a_row_is_still_known():
    """One space inside is the break; a cut name counts where it begins the host's."""
    assert read("5pm (America/ New_York)").zone == "America/New_York"
    assert read("5pm (America/New York)").zone == "America/New_York"
    assert read("5pm (America/Chi")[2:5] == (utc("2026-11-21 23:00"), CHICAGO, "host")
    assert read("5pm (America/Den").at is None
    assert read("5pm (Etc/GMT+1").at is None  # GMT+10, +11, +12?


@pytest.mark.parametrize(
    ("seen", "text", "at"),
    [
        ("06:36", "6:34am", "2026-11-21 06:34"),
        ("06:43:59", "6:34am", "2026-11-21 06:34"),
        ("06:44", "6:34am", "2026-11-22 06:34"),
        ("06:34", "6:34am", "2026-11-21 06:34"),
        ("00:03", "11:58 PM", "2026-11-20 23:58"),
        ("00:03", "Fri 11:58 PM", "2026-11-20 23:58"),
        ("00:03", "Nov 20, 11:58 PM", "2026-11-20 23:58"),
        ("00:09", "Nov 20, 11:58 PM", "2027-11-20 23:58"),
    ],
)
def test_a_time_just_passed_is_over_not_tomorrow(seen, text, at):
    """Less than ten minutes ago: the screen was looked at late. Also across midnight."""
    zone = ZoneInfo("Asia/Kolkata")  # no clock changes, half an hour off
    now = datetime.fromisoformat(f"2026-11-21 {seen}").replace(tzinfo=zone)

    assert read(text, seen=now, host="Asia/Kolkata").at == datetime.fromisoformat(at).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("seen", "text", "at"),
    [
        ("2026-12-31 23:30", "12:15 AM", "2027-01-01 00:15"),
        ("2026-12-31 23:30", "Jan 2, 4:03am", "2027-01-02 04:03"),
        ("2027-01-01 00:05", "Dec 31, 11:58pm", "2026-12-31 23:58"),
        ("2026-12-28 09:00", "Fri 9am", "2027-01-01 09:00"),
        ("2026-12-31 09:00", "tomorrow at 9am", "2027-01-01 09:00"),
        ("2028-02-28 23:50", "12:10am", "2028-02-29 00:10"),
        ("2026-11-21 06:00", "Feb 29, 4am", "2028-02-29 04:00"),
        ("2096-03-01 06:00", "Feb 29, 4am", "2104-02-29 04:00"),
        ("2027-02-28 23:50", "12:10am", "2027-03-01 00:10"),
    ],
)
def test_new_year_and_leap_days(seen, text, at):
    """A date without a year is the next one; 29 February may lie eight years off."""
    zone = ZoneInfo("Europe/Berlin")
    now = datetime.fromisoformat(seen).replace(tzinfo=zone)

    assert read(text, seen=now, host="Europe/Berlin").at == datetime.fromisoformat(at).replace(tzinfo=zone)


@pytest.mark.parametrize("text", ["Feb 30, 4am", "Feb 29, 2027 4am", "13/32/2026 4am", "2026-13-01 04:00"])
def test_a_day_that_never_comes_has_no_instant(text):
    """And breaks nothing."""
    assert read(text).at is None


@pytest.mark.parametrize(
    ("zone", "text", "seen", "later", "ambiguous"),
    [
        (CHICAGO, "2:30am", "2026-03-08 06:00", "2026-03-08 08:30", True),  # 2:00 to 3:00 does not exist
        (CHICAGO, "3:30am", "2026-03-08 06:00", "2026-03-08 08:30", False),
        (CHICAGO, "1:30am", "2026-11-01 04:00", "2026-11-01 07:30", True),  # 1:00 to 2:00 exists twice
        (CHICAGO, "1:30am", "2026-11-01 06:45", "2026-11-01 07:30", False),  # the first is over
        (CHICAGO, "2:30am", "2026-11-01 04:00", "2026-11-01 08:30", False),
        ("Australia/Sydney", "2:30am", "2026-10-03 12:00", "2026-10-03 16:30", True),  # southern spring: no 2:30
        ("Australia/Sydney", "2:30am", "2026-04-04 12:00", "2026-04-04 16:30", True),  # southern autumn: twice
        ("Australia/Lord_Howe", "1:45am", "2026-04-04 12:00", "2026-04-04 15:15", True),  # half an hour
        ("Asia/Kolkata", "2:30am", "2026-03-08 06:00", "2026-03-08 21:00", False),
    ],
)
def test_at_a_clock_change_the_later_reading_counts(zone, text, seen, later, ambiguous):
    """Waiting too long is safe; a reading that is over already is none. Instants are UTC."""
    found = read(text, seen=utc(seen), host=zone)

    assert (found.at, found.ambiguous, found.zone) == (utc(later), ambiguous, zone)


def test_an_abbreviation_tells_which_of_two_equal_times_is_meant():
    """1:30 AM CDT comes an hour before 1:30 AM CST."""
    seen = utc("2026-11-01 04:00")

    assert read("1:30 AM CDT", seen=seen)[2:] == (utc("2026-11-01 06:30"), CHICAGO, "abbreviation", False)
    assert read("1:30 AM CST", seen=seen)[2:] == (utc("2026-11-01 07:30"), CHICAGO, "abbreviation", False)


def test_an_abbreviation_is_read_as_the_hosts_where_the_host_bears_it():
    """CST is Chicago's, Shanghai's and Havana's; the machine the agent runs on decides."""
    assert read("2:29 PM CST")[2:] == (utc("2026-11-21 20:29"), CHICAGO, "abbreviation", False)
    assert read("10:29 PM CST", host="Asia/Shanghai")[2:] == (
        utc("2026-11-21 14:29"),
        "Asia/Shanghai",
        "abbreviation",
        False,
    )
    assert read("2:29 PM CST", host="America/Costa_Rica").zone == "America/Costa_Rica"


def test_an_abbreviation_foreign_to_the_host_is_ambiguous_where_several_zones_bear_it():
    """The latest of what it may mean; where one zone alone bears it nothing is open."""
    found = read("2:29 PM CST", host="UTC")

    assert found[2:] == (utc("2026-11-22 06:29"), "Asia/Shanghai", "abbreviation", True)
    assert read("9:00 PM JST", host="UTC")[2:] == (utc("2026-11-21 12:00"), "Asia/Tokyo", "abbreviation", False)
    assert read("2:29 PM MST", host="", seen=utc("2026-07-01 12:00"))[2:] == (
        utc("2026-07-01 21:29"),
        "America/Phoenix",
        "abbreviation",
        False,
    )  # Denver bears it in winter only
    assert read("2:29 PM EST", host="")[2:] == (utc("2026-11-21 19:29"), "America/New_York", "abbreviation", False)


def test_an_abbreviation_out_of_season_leaves_two_readings():
    """Who prints EST in July may mean the clock on the wall: the later one counts."""
    july = utc("2026-07-01 12:00")

    assert read("5pm EST", seen=july, host="America/New_York")[2:] == (
        utc("2026-07-01 22:00"), "America/New_York", "abbreviation", True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("03/04/2026 4:03 AM", "2026-04-03 09:03"),
        ("Thursday at midnight", "2026-11-27 06:00"),
        ("Nov 29", "2026-11-30 05:59"),
        ("tomorrow", "2026-11-23 05:59"),
    ],
)
def test_words_that_leave_it_open_mean_the_latest(text, at):
    """Day or month first; midnight before or after; a day without a time."""
    assert (read(text).at, read(text).ambiguous) == (utc(at), True)


ZONES = st.sampled_from(
    [CHICAGO, "UTC", "Europe/London", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Apia",
     "America/St_Johns", "Pacific/Kiritimati", "America/Havana", "Africa/Casablanca"]
)  # fmt: skip
MINUTES = st.integers(0, 50 * 365 * 1440).map(lambda minutes: utc("2000-01-01 00:00") + timedelta(minutes=minutes))
FORMS = {
    "clock12": ("%-I:%M %p", timedelta(hours=20)),
    "claude": ("%-I:%M%p", timedelta(hours=20)),
    "clock24": ("%H:%M", timedelta(hours=20)),
    "weekday": ("%a %-I:%M%p", timedelta(days=5)),
    "dated": ("%b %-d, %-I:%M%p", timedelta(days=300)),
    "day first": ("%-d %b %H:%M", timedelta(days=300)),
    "codex": ("%b %-dth, %Y %-I:%M %p", timedelta(days=3000)),
    "iso": ("%Y-%m-%dT%H:%M", timedelta(days=3000)),
}


@given(st.sampled_from(sorted(FORMS)), MINUTES, st.floats(0, 1), ZONES, st.booleans())
def test_an_instant_printed_in_any_form_is_read_back(form, at, part, zone, is_printed):
    """To the minute, whenever it is looked at before. At a clock change it may be the other reading: later, and said to be open."""
    pattern, furthest = FORMS[form]
    text = at.astimezone(ZoneInfo(zone)).strftime(pattern) + (f" ({zone})" if is_printed else "")
    found = read(text, seen=at - furthest * part, host="" if is_printed else zone)

    assert found.at is not None
    assert (found.zone, found.zone_from) == (zone, "printed" if is_printed else "host")
    assert found.at == at or (found.ambiguous and at < found.at <= at + timedelta(days=1))


PIECES = st.sampled_from(
    ["resets", "at", "try again", "in", "5pm", "6:34am", "13:05", "12:60", "Nov", "23", "23rd", ",", "2026", "Mon", "tomorrow", "today",
     "midnight", "(", ")", "(America/Chicago)", "(America/", "CST", "EST", "UTC", "GMT+5:30", "2026-11-23T", "Z", "+05:30", "11/23",
     "3/4/2026", "3h", "5 minutes", "2 days", "<", "less than", "|1763712000", "·", ".", "/upgrade", "-", "a", "Feb 29", "9999", "0001"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=200), st.lists(PIECES, max_size=12).map(" ".join), st.lists(PIECES, max_size=8).map("".join)
)
EARLIEST, LATEST = -62135596800000, 253402300799999


@given(TEXTS, st.integers(EARLIEST - 10**6, LATEST + 10**6), st.one_of(ZONES, st.text(max_size=20)))
@example("6:34am", 10**40, CHICAGO)
@example("6:34am", EARLIEST, "Asia/Tokyo")
@example("tomorrow 5pm (America/Chicago)", LATEST, "")
@example("999999999999 weeks", 0, "")
@example("Dec 31, 9999 11:59 PM", 0, CHICAGO)
@example("Jan 1, 0001 0:00 am (Asia/Tokyo)", 0, CHICAGO)
def test_no_text_makes_it_raise(text, seen_at_ms, host_zone):
    """Any words, any moment, any zone name; what it says is consistent."""
    found = resolve_reset(text, seen_at_ms=seen_at_ms, host_zone=host_zone)

    assert found.at is None or found.at.tzinfo is UTC
    assert found.kind != "none" or found.at is None
    assert (found.zone_from == "none") or found.at is not None
    assert not (found.ambiguous and found.at is None)


@given(st.lists(PIECES, max_size=10).map(" ".join), MINUTES, ZONES)
def test_nothing_printed_without_its_year_lies_further_back_than_the_grace(text, seen, zone):
    """So that nobody waits for, or acts upon, a time long gone."""
    found = read(text, seen=seen, host=zone)
    names_its_day = any(word in text for word in ("20", "9999", "0001", "1763712000", "today"))

    assert found.at is None or names_its_day or found.at > seen - GRACE


@pytest.mark.parametrize(
    "piece",
    ["1", "1:", "a ", "resets ", "resets in ", "(", "()", "5pm (", "1 day ", "1h", "1,", "Nov ", "at ", ", ", "|1", "1/", "<", "CST ",
     "-", "A/", "\u202f"],
)  # fmt: skip
def test_a_hostile_text_costs_no_time(piece):
    """A million characters of what a pattern is hungry for: milliseconds of processor time."""
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    read(text)
    read("resets " + text)

    assert time.process_time() - began < 0.25
