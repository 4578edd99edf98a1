from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.protocol.session_files import values as v

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@pytest.mark.parametrize("text", ["{", "", "nope", "[" * 200_000, "1" * 5000, b"\xff\xfe{}", b"\0"])
def test_what_is_no_json_raises_only_valueerror(text: bytes | str) -> None:
    """Endless nesting, endless numbers and bytes that are no text included."""
    with pytest.raises(ValueError):  # noqa: PT011 - that it is this one is the claim
        v.parse(text)


@given(JSON)
def test_any_value_is_read_or_absent(value: object) -> None:
    """No type in the wrong place raises."""
    assert v.items(value) == (value if isinstance(value, list) else [])
    for read in (v.table, v.text, v.number, v.count, v.session_id, v.instant_ms):
        read(value)


@pytest.mark.parametrize(
    ("written", "at_ms"),
    [
        ("2026-11-21T12:08:31.591Z", 1795262911591),
        ("2026-11-21T13:08:31.591+01:00", 1795262911591),
        ("2026-11-21T12:08:31", 1795262911000),
        (1795262911, 1795262911000),
        (1795262911591, 1795262911591),
        (1795262911.5, 1795262911500),
        ("yesterday", None),
        (True, None),
        (-5, None),
        (1e300, None),
        (float("nan"), None),
    ],
)
def test_an_instant_is_read_as_agents_write_it(written: object, at_ms: int | None) -> None:
    """ISO 8601, seconds and milliseconds since the epoch; anything else is none."""
    assert v.instant_ms(written) == at_ms


def test_a_session_id_is_a_uuid() -> None:
    """Nothing that could be a path or a command passes for an id."""
    assert v.session_id("01A1FE02-0ec0-7892-83ab-1e87b8d16840") == "01a1fe02-0ec0-7892-83ab-1e87b8d16840"
    for other in ("../../etc/passwd", "01a1fe02-0ec0-7892-83ab-1e87b8d16840\n", "", None, 5):
        assert v.session_id(other) is None


def test_text_is_short_and_can_be_encoded() -> None:
    """Unpaired surrogates, which JSON can hold, are replaced."""
    found = v.text("\ud800" + "x" * 1000)
    assert found is not None
    assert len(found.encode()) == 402
