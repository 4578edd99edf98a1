import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.detect.values import CONVERTERS, Context, parse_time_of_day, parse_window, resolve_reset

CONTEXT = Context(seen_at_ms=1_795_262_400_000, host_zone="America/Chicago")


def test_rule_files_may_name_these_types():
    """The names are part of the format of rule files."""
    assert set(CONVERTERS) == {
        "text", "int", "count", "percent", "duration", "uuid", "reset", "url", "version", "path", "seconds", "window", "time_of_day",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "  two\u00a0 words\n", "two words"),
        ("int", "26", 26),
        ("count", "66.8K", 66_800),
        ("percent", "93%", 93.0),
        ("duration", "3m 44s", 224.0),
        ("duration", "34", None),
        ("seconds", "34.07", 34.07),
        ("seconds", "2m", 120.0),
        ("seconds", "soon", None),
        ("uuid", "resume 019bc0f4-2f6a-7d31-9c55-8b1e6f0a7c2d", "019bc0f4-2f6a-7d31-9c55-8b1e6f0a7c2d"),
        ("url", "at https://x.example/y.", "https://x.example/y"),
        ("version", "v0.169.0", "0.169.0"),
        ("path", " ~/x ", "~/x"),
        ("window", "5-hour", "5h"),
        ("time_of_day", "3:49 AM", "03:49"),
    ],
)
def test_each_type_reads_its_own(name, text, value):
    """The same as the function of that name."""
    assert CONVERTERS[name](text, CONTEXT) == value


def test_a_reset_is_read_in_its_context():
    """Moment and host zone come from there."""
    assert CONVERTERS["reset"]("6:38 AM", CONTEXT) == resolve_reset(
        "6:38 AM", seen_at_ms=CONTEXT.seen_at_ms, host_zone=CONTEXT.host_zone
    )
    assert CONVERTERS["reset"]("6:38 AM", CONTEXT).at is not None


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("5h", "5h"), ("5-hour", "5h"), ("5 hour limit", "5h"), ("five-hour", "5h"), ("1-hour", "1h"),
        ("weekly", "weekly"), ("week", "weekly"), ("7-day", "weekly"), ("Current week (all models)", "weekly"), ("Weekly limit", "weekly"),
        ("session", "session"), ("session limit", "session"), ("Current session", "session"),
        ("daily", "daily"), ("monthly", "monthly"), ("month", "monthly"),
        ("Opus", "Opus"), ("secondary  usage", "secondary usage"), ("annual", "annual"), ("", None), (" ", None),
    ],
)  # fmt: skip
def test_windows_have_one_name_each(text, window):
    """One agent's 5-hour is the other's 5h; what is no known window stays as printed."""
    assert parse_window(text) == window


@pytest.mark.parametrize(
    ("text", "clock"),
    [("3:49 AM", "03:49"), ("03:49", "03:49"), ("12am", "00:00"), ("12:05 pm", "12:05"), ("noon", "12:00"), ("midnight", "00:00"),
     ("", None), ("25:00", None), ("Mon 5pm", None), ("5pm (UTC)", None), ("5pm now", None), ("Nov 23", None)],
)  # fmt: skip
def test_a_time_of_day_is_of_24_hours(text, clock):
    """No day, no zone: with these it is a moment, not a time of day."""
    assert parse_time_of_day(text) == clock


@given(st.sampled_from(sorted(CONVERTERS)), st.text(), st.integers(), st.text(max_size=30))
def test_no_converter_raises(name, text, seen_at_ms, host_zone):
    """Whatever an agent prints, whatever the host calls its zone."""
    CONVERTERS[name](text, Context(seen_at_ms, host_zone))
