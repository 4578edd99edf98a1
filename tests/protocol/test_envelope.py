import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.model.errors import NotFound
from wa.protocol import envelope


def test_success_has_one_shape():
    """`{"ok": true, "data": …, "meta": {"schema", "at", "elapsed_ms"}}` and nothing else."""
    assert envelope.succeeded("panes", {"panes": []}, at_ms=1795250549123, elapsed_ms=1.23456) == {
        "ok": True,
        "data": {"panes": []},
        "meta": {"schema": "wa.panes/1", "at": "2026-11-21T08:42:29.123Z", "elapsed_ms": 1.235},
    }


def test_failure_has_one_shape():
    """`{"ok": false, "error": {"code", "message", "next_step", "details"}}` and nothing else."""
    assert envelope.failed(NotFound("no pane p9", details={"panes": ["p1"]})) == {
        "ok": False,
        "error": {
            "code": "not_found",
            "message": "no pane p9",
            "next_step": NotFound.next_step,
            "details": {"panes": ["p1"]},
        },
    }


@given(st.integers(-62135596800000, 253402300799999))
def test_instants_survive_their_text(at_ms):
    """Every millisecond of the years 1 to 9999 comes back, and the text has one length."""
    text = envelope.iso(at_ms)

    assert envelope.from_iso(text) == at_ms
    assert len(text) == 24
    assert text.endswith("Z")


@pytest.mark.parametrize(("at_ms", "year"), [(10**18, "9999"), (-(10**18), "0001")])
def test_instants_out_of_the_calendar_are_clamped(at_ms, year):
    """A broken clock gives a date, not a crash."""
    assert envelope.iso(at_ms).startswith(year)


def test_local_time_without_a_zone_is_refused():
    """What could mean two instants is not guessed."""
    with pytest.raises(ValueError, match="no time zone"):
        envelope.from_iso("2026-11-21T08:42:29")
    assert envelope.from_iso("2026-11-21T09:42:29+01:00") == int(
        datetime(2026, 11, 21, 8, 42, 29, tzinfo=UTC).timestamp() * 1000
    )


@given(st.text(alphabet=st.characters()) | st.just("\udcff"))
def test_json_is_one_line_that_any_utf8_stream_takes(text):
    """Surrogates included; what is read back is what was written."""
    line = envelope.to_json({"t": text})

    assert json.loads(line.encode()) == {"t": text}
    assert "\n" not in line


def test_json_keeps_readable_text_readable():
    """Wide characters stand as themselves."""
    assert envelope.to_json(["日本 é"]) == '["日本 é"]'
