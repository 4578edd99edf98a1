import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.detect.values import parse_count, parse_int, parse_percent


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2,426", 2426),
        ("9.6M", 9_600_000),
        ("66.8K", 66_800),
        ("1.2k", 1200),
        ("1.2k tokens", 1200),
        ("4.2m", 4_200_000),
        ("1.05B", 1_050_000_000),
        ("2 M", 2_000_000),
        ("321 tokens", 321),
        ("10,240 cached", 10_240),
        ("10\u202f240", 10_240),
        ("1\u00a0234\u00a0567 tokens", 1_234_567),
        ("1’234", 1234),
        ("12,34,567", 1_234_567),
        ("9,6M", 9_600_000),
        ("1,234K", 1_234_000),
        ("~12", 12),
        ("0", 0),
        ("10 Model calls", 10),
        ("2,426.", 2426),
        (" 26\n", 26),
    ],
)
def test_counts_as_agents_print_them(text, count):
    """Exact, whatever the scale and whoever's way of grouping thousands."""
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text",
    ["", "tokens", "1.5", "1.234", "2,42", "2,4261", "1,234.5", "26 100", "1,234’567", "-5", "5x", "v1", "0.169.0", "1k2", "5%", "٣",
     "1" * 30, "10/20", "\ud800", "1 tokens (2 cached)", "k"],
)  # fmt: skip
def test_what_is_no_single_count_is_none(text):
    """A fraction without a scale, two numbers, other words' digits."""
    assert parse_count(text) is None


@given(
    st.integers(0, 10**15),
    st.sampled_from([",", "\u202f", "\u00a0", "\u2009", "'", "’"]),
    st.sampled_from(["", " tokens", "."]),
)
def test_grouped_thousands_are_read_back(count, separator, after):
    """Any size, any separator that is no plain space."""
    assert parse_count(f"{count:,}".replace(",", separator) + after) == count


@pytest.mark.parametrize(("text", "number"), [("26", 26), ("-5", -5), ("+5", 5), ("1,234", 1234), (" 7 ", 7)])
def test_whole_numbers(text, number):
    """Signed or grouped."""
    assert parse_int(text) == number


@pytest.mark.parametrize("text", ["", "1k", "1.5", "five", "3 tokens", "--5", "9" * 5000])
def test_what_is_no_whole_number_is_none(text):
    """A count with a scale or a noun is another type."""
    assert parse_int(text) is None


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("93%", 93.0),
        ("93", 93.0),
        ("82.9%", 82.9),
        ("82,9 %", 82.9),
        ("58% used", 58.0),
        ("1% until auto-compact", 1.0),
        ("9%)", 9.0),
        ("<1%", 0.5),
        ("only <1% left", 0.5),
        ("<5%", 2.5),
        (">99%", 99.5),
        ("~40%", 40.0),
        ("0%", 0.0),
    ],
)
def test_percentages_as_agents_print_them(text, percent):
    """A bound gives the middle of what it leaves open: "<1%" is neither 0, which is spent, nor 1."""
    assert parse_percent(text) == percent


@pytest.mark.parametrize(
    "text", ["", "%", "10% to 0%", "-5%", "93 used", "93%x", "1%3A1455", ">120%", "٣%", "12345%", "x" * 100]
)
def test_what_is_no_single_percentage_is_none(text):
    """Two of them, a sign, an escape in an address."""
    assert parse_percent(text) is None


@given(st.one_of(st.text(), st.text("0123456789.,'%<>kM \u202f", max_size=70)))
def test_no_text_makes_them_raise(text):
    """None or a number."""
    for parse in (parse_count, parse_int, parse_percent):
        assert isinstance(parse(text), int | float | None)
