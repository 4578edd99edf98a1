import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wa.detect.values import parse_duration_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3m 44s", 224),
        ("<1s", 0),
        ("< 1m", 0),
        ("less than a minute", 0),
        ("1h 37m 18s", 5838),
        ("57.1s", 57.1),
        ("6 seconds", 6),
        ("14h 40m 10s", 52810),
        ("13h20m5s", 48005),
        ("2 days", 172800),
        ("1m05s", 65),
        ("500ms", 0.5),
        ("1,500ms", 1.5),
        ("0s", 0),
        ("1 week, 2 days and 3 hours", 788400),
        ("5 days 22 hours 11 minutes", 511860),
        ("an hour", 3600),
        ("in 3 hours 12 minutes.", 11520),
        ("after 13h20m5s", 48005),
        ("about 5 min", 300),
        ("~5m", 300),
        ("1m\u202f05s", 65),
        (" 12s\n", 12),
    ],
)
def test_lengths_of_time_as_agents_print_them(text, seconds):
    """In seconds; "less than" is what passed for certain."""
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "m", "1:05", "5 apples", "9.6M", "44s 3m", "5m 5m", "3 months", "1h 37", "4s · ↓ 321 tokens", "-5s", "5 minutes ago", "٣m",
     "1e5s", "s5", "in", "an", "5pm", "\x00", "\ud800s"],
)  # fmt: skip
def test_what_is_no_length_of_time_is_none(text):
    """Nothing is left over, and units descend: else two columns were read as one value."""
    assert parse_duration_s(text) is None


@given(
    st.integers(0, 400), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.sampled_from(["", " ", ", "])
)
def test_whatever_the_parts_they_add_up(days, hours, minutes, seconds, between):
    """With short and with long units."""
    expected = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    short = between.join([f"{days}d", f"{hours}h", f"{minutes:02}m", f"{seconds:02}s"])
    spelt = between.join([f"{days} days", f"{hours} hours", f"{minutes} minutes", f"{seconds} seconds"])

    assert parse_duration_s(short) == expected
    assert parse_duration_s(spelt) == expected


@given(st.one_of(st.text(), st.text("0123456789.,<~ adhmsw", max_size=60)))
@example("9" * 12 + "w")
@example("9" * 400 + "s")
def test_no_text_makes_it_raise_or_run_backwards(text):
    """None, or a finite number of seconds."""
    seconds = parse_duration_s(text)

    assert seconds is None or 0 <= seconds < 1e19


@pytest.mark.parametrize("piece", ["1", "1d", "1 d ", "a ", "in ", "<", "1,", "1."])
def test_a_hostile_text_costs_no_time(piece):
    """A million characters of what the pattern is hungry for."""
    began = time.process_time()
    parse_duration_s(piece * (1_000_000 // len(piece)))

    assert time.process_time() - began < 0.1
