import asyncio
import os

from engine.test_intake import counts, event, stage
from wa.engine.intake import MAX_EVENT_BYTES
from wa.engine.spool import drain
from wa.protocol import sidecar_wire as wire


def frames(*keys):
    return b"".join(wire.pack(event(key)) for key in keys)


def drained(tmp_path, on):
    return asyncio.run(drain(tmp_path, on.intake))


def keys(on):
    return [message["key"] for message, _ in on.taken]


def test_feeds_what_was_written_down_and_takes_it_away(tmp_path):
    """In order, once; the folder is empty behind it."""
    on = stage()
    (tmp_path / "spool").write_bytes(frames(*"abc"))

    assert drained(tmp_path, on) == 3
    assert drained(tmp_path, on) == 0
    assert keys(on) == ["a", "b", "c"]
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_sidecar_took_away_comes_first(tmp_path):
    """A sidecar that was killed between taking and feeding loses nothing; a frame fed twice counts once."""
    on = stage()
    (tmp_path / "spool.taken").write_bytes(frames("a", "b"))
    (tmp_path / "spool").write_bytes(frames("b", "c"))

    drained(tmp_path, on)

    assert keys(on) == ["a", "b", "c"]
    assert list(tmp_path.iterdir()) == []


def test_a_broken_frame_is_passed_over_and_counted(tmp_path):
    """Bytes that are no msgpack, a request in the place of an event, a frame that was cut off: the rest is fed."""
    on = stage()
    broken = (3).to_bytes(4, "big") + b"\xc1\xc1\xc1" + wire.request(1, "stop", {})
    (tmp_path / "spool").write_bytes(frames("a") + broken + frames("b") + frames("c")[:-5])

    drained(tmp_path, on)

    assert keys(on) == ["a", "b"]
    assert counts(on.intake) == {"frames in the spool of events were broken": 3}


def test_a_length_that_cannot_be_ends_the_reading(tmp_path):
    """Where frames have no bounds any more, nothing is guessed."""
    on = stage()
    (tmp_path / "spool").write_bytes(frames("a") + (MAX_EVENT_BYTES + 1).to_bytes(4, "big") + frames("b"))

    drained(tmp_path, on)

    assert keys(on) == ["a"]
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed_and_a_pipe_does_not_block(tmp_path):
    """What is no plain file is thrown away unread."""
    on = stage()
    (tmp_path / "other").write_bytes(frames("a"))
    (tmp_path / "spool").symlink_to(tmp_path / "other")
    drained(tmp_path, on)
    os.mkfifo(tmp_path / "spool")
    drained(tmp_path, on)

    assert keys(on) == []
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_thousands_of_frames_come_through(tmp_path):
    """No limit of what comes live holds back what has waited."""
    on = stage()
    (tmp_path / "spool").write_bytes(frames(*(f"k{number}" for number in range(4_000))))

    assert drained(tmp_path, on) == 4_000
    assert len(on.taken) == 4_000
