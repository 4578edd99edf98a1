from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.session_files import FILES, agent_of, brief, read
from wa.protocol.session_files import AGENTS, Compacted, Rewritten, SessionReader, Unknown, file_session_id

STREAMS = [path for path in FILES if path.suffix == ".jsonl"]
NAME = "rollout-2026-11-21T12-08-30-01a1fe02-0ec0-7892-83ab-1e87b8d16840.jsonl"


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_every_line_of_a_recording_is_understood(path: Path) -> None:
    """No line that the real CLIs wrote is Unknown."""
    assert [record for record in read(path) if isinstance(record, Unknown)] == []


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_byte_by_byte_tells_the_same(path: Path) -> None:
    """Whatever the pieces in which a file grows, its records are the same."""
    reader = SessionReader(agent_of(path), path.name)
    data = path.read_bytes()
    assert [record for i in range(len(data)) for record in reader.feed(data[i : i + 1])] == read(path)


@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 20_000), max_size=8))
def test_any_cut_tells_the_same(path: Path, cuts: list[int]) -> None:
    """Cutting the stream anywhere gives the same records."""
    reader, data = SessionReader(agent_of(path), path.name), path.read_bytes()
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    pieces = (data[a:b] for a, b in itertools.pairwise(places))
    assert [record for piece in pieces for record in reader.feed(piece)] == read(path)


@given(st.sampled_from(STREAMS), st.integers(1, 20_000))
def test_a_start_in_the_middle_drops_the_torn_line(path: Path, place: int) -> None:
    """What precedes the first line's end is not taken for a line."""
    data = path.read_bytes()
    reader = SessionReader(agent_of(path), path.name, from_start=False)
    assert [record for record in reader.feed(data[place % len(data) :]) if isinstance(record, Unknown)] == []


@given(st.sampled_from(sorted(AGENTS)), st.binary(max_size=300))
def test_nothing_raises(agent: str, data: bytes) -> None:
    """Any bytes are read to the end."""
    SessionReader(agent, NAME).feed(data + b"\n")


@given(st.sampled_from(FILES), st.randoms(use_true_random=False))
def test_damaged_files_do_not_raise(path: Path, chance: random.Random) -> None:
    """Bytes changed, lines lost and values of other types are read to the end."""
    data = bytearray(path.read_bytes())
    for _ in range(20):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(3):
            case 0:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[place : place + chance.randrange(200)]
            case _:
                data[place:place] = chance.choice([b"\0" * 9, b"null", b"\n", b"9" * 400, b"\xff", b"{}", b'"'])
    reader = SessionReader(agent_of(path), path.name)
    if reader.whole_file:
        reader.replaced(bytes(data))
    else:
        reader.feed(bytes(data))


def test_fifty_megabytes_in_a_line_are_passed_over() -> None:
    """One such line costs that line alone."""
    reader = SessionReader("codex", NAME)
    for _ in range(50):
        assert reader.feed(b"x" * 1_000_000) == []
    assert brief(reader.feed(b'\n{"type":"compacted"}\n')) == ["unknown: line too long", "compacted None None None"]


def test_a_compaction_too_long_to_read_is_still_told() -> None:
    """Codex writes the whole replaced history in that line, pictures included."""
    line = (
        b'{"timestamp":"2026-11-21T12:00:00Z","ordinal":23,"type":"compacted","payload":{"message":"' + b"x" * 3_000_000
    )
    assert SessionReader("codex", NAME).feed(line + b'"}}\n') == [Compacted(1795262400000, None, None, None)]


def test_a_restart_withdraws_what_was_said() -> None:
    """After it the same bytes tell the same again."""
    path = STREAMS[0]
    reader = SessionReader(agent_of(path), path.name)
    first = reader.feed(path.read_bytes())
    assert reader.restart() == [Rewritten()]
    assert reader.feed(path.read_bytes()) == first


def test_a_name_tells_its_session() -> None:
    """Codex and Claude Code put the whole id there, Gemini only its beginning."""
    assert file_session_id(NAME) == "01a1fe02-0ec0-7892-83ab-1e87b8d16840"
    assert file_session_id("f2e409b0-c6a2-48fc-9890-879c81224b26.jsonl") == "f2e409b0-c6a2-48fc-9890-879c81224b26"
    assert file_session_id("session-2026-11-21T12-10-72664702.jsonl") is None
