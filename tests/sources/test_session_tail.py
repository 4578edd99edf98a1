from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.session_files import FILES, agent_of, brief, read, recorded
from wa.protocol.session_files import Record, Rewritten, SessionMeta, Unknown
from wa.sources.session_tail import CHUNK_BYTES, DOCUMENT_BYTES, Tail, first_meta

TURN = b'{"timestamp":"2026-11-21T12:00:00Z","type":"event_msg","payload":{"type":"task_started","turn_id":"t"}}\n'
NAME = "rollout-2026-11-21T12-08-30-01a1fe02-0ec0-7892-83ab-1e87b8d16840.jsonl"
STREAMS = [path for path in FILES if path.suffix == ".jsonl"]


def everything(tail: Tail) -> list[Record]:
    found = tail.step()
    assert found is not None
    while tail.more:
        found += tail.step() or []
    return found


@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 20_000), max_size=6))
def test_a_file_that_grows_tells_the_same_as_a_whole_one(path: Path, cuts: list[int]) -> None:
    """Wherever a look falls, half lines included, the records are the same."""
    data = path.read_bytes()
    places = sorted({*(cut % len(data) for cut in cuts), len(data)})
    told: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        growing = Path(folder, path.name)
        growing.touch()
        tail, written = Tail(agent_of(path), growing), 0
        for place in places:
            with growing.open("ab") as file:
                file.write(data[written:place])
            written = place
            told += everything(tail)
    assert told == read(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_a_recording_is_read_whole(path: Path) -> None:
    """Appended files and documents alike, and nothing comes twice."""
    tail = Tail(agent_of(path), path)
    assert everything(tail) == read(path)
    assert tail.step() == []


def test_a_cut_file_is_read_again(tmp_path: Path) -> None:
    """Shorter than what was read: what was said is withdrawn."""
    path = tmp_path / NAME
    path.write_bytes(TURN * 3)
    tail = Tail("codex", path)
    assert brief(everything(tail)) == ["turn"] * 3
    path.write_bytes(TURN)
    assert brief(everything(tail)) == ["rewritten", "turn"]


def test_a_file_cut_and_grown_again_between_two_looks_is_noticed(tmp_path: Path) -> None:
    """Same inode, longer than before, other bytes in front of the offset."""
    path = tmp_path / NAME
    path.write_bytes(TURN * 2)
    tail = Tail("codex", path)
    everything(tail)
    path.write_bytes(b'{"type":"compacted"}\n' * 20)
    assert brief(everything(tail)) == ["rewritten", *["compacted None None None"] * 20]


def test_a_replaced_file_is_read_from_its_start(tmp_path: Path) -> None:
    """Another inode under the same name, and both hold the same beginning."""
    path, other = tmp_path / NAME, tmp_path / "other"
    path.write_bytes(TURN)
    tail = Tail("codex", path)
    everything(tail)
    other.write_bytes(TURN * 2)
    other.rename(path)
    assert brief(everything(tail)) == ["rewritten", "turn", "turn"]


def test_a_half_line_waits_over_looks(tmp_path: Path) -> None:
    """Nothing is said of it until its end is written."""
    path = tmp_path / NAME
    path.write_bytes(TURN[:50])
    tail = Tail("codex", path)
    assert everything(tail) == []
    with path.open("ab") as file:
        file.write(TURN[50:])
    assert brief(everything(tail)) == ["turn"]


def test_a_missing_file_is_told_from_a_silent_one(tmp_path: Path) -> None:
    """None where nothing can be read, and reading goes on where the file comes back."""
    path = tmp_path / NAME
    tail = Tail("codex", path)
    assert tail.step() is None
    path.write_bytes(TURN)
    assert brief(everything(tail)) == ["turn"]
    path.unlink()
    assert tail.step() is None
    path.write_bytes(TURN * 2)
    assert brief(everything(tail))[0] == "rewritten"


def test_what_is_no_file_is_never_opened_for_long(tmp_path: Path) -> None:
    """A named pipe, a folder and a link in a circle are no session files."""
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "circle.jsonl").symlink_to(tmp_path / "circle.jsonl")
    for path in (tmp_path / "pipe.jsonl", tmp_path, tmp_path / "circle.jsonl"):
        assert Tail("codex", path).step() is None
        assert first_meta("codex", path) is None


def test_a_huge_file_is_read_from_near_its_end(tmp_path: Path) -> None:
    """A gigabyte is not read: its session is known from its first line, then the newest megabyte is told, without totals."""
    path = tmp_path / NAME
    head, turn = recorded("codex-0.169.0", "slow").read_bytes().splitlines(keepends=True)[0], TURN
    with path.open("wb") as file:
        file.write(head)
        file.truncate(1 << 30)
        file.seek(1 << 30)
        file.write(b"\n" + turn + b'{"type":"turn_context","payload":{"model":"gpt-6-luna"}}\n')
    tail = Tail("codex", path)
    meta, turned, changed = everything(tail)
    assert isinstance(meta, SessionMeta)
    assert meta.cwd == "/home/dev/demo"
    assert brief([turned]) == ["turn"]
    assert changed == meta._replace(model="gpt-6-luna")


def test_a_long_file_is_read_in_pieces(tmp_path: Path) -> None:
    """No step reads more than a megabyte, and the caller is told that more is there."""
    path = tmp_path / NAME
    path.write_bytes(TURN * (3 * CHUNK_BYTES // len(TURN)))
    tail, steps, told = Tail("codex", path), 0, 0
    while steps == 0 or tail.more:
        told += len(tail.step() or [])
        steps += 1
    assert (told, steps) == (3 * CHUNK_BYTES // len(TURN), 3)


def test_zero_bytes_cost_one_line_at_most(tmp_path: Path) -> None:
    """A crash leaves blocks of them in front of what is written next."""
    path = tmp_path / NAME
    path.write_bytes(TURN + b"\0" * 5000 + TURN + b'{"a\0b"\n' + TURN)
    assert brief(everything(Tail("codex", path))) == ["turn", "turn", "unknown: not JSON", "turn"]


def test_a_document_is_read_at_every_change(tmp_path: Path) -> None:
    """Cut to nothing, half written, whole: only the whole one speaks, once, even where its time stays the same."""
    path = tmp_path / "session-2026-11-21T12-11-1de54a18.json"
    data = recorded("gemini-0.24.0", "slow").read_bytes()
    tail = Tail("gemini", path)
    for written, told in ((b"", 0), (data[:200], 0), (data, 4), (data, 0)):
        path.write_bytes(written)
        os.utime(path, (1000, 1000))
        assert len(everything(tail)) == told


def test_a_document_too_long_is_said_to_be_unknown(tmp_path: Path) -> None:
    """It is not read."""
    path = tmp_path / "session-x.json"
    path.write_text(json.dumps({"a": "x" * DOCUMENT_BYTES}))
    tail = Tail("gemini", path)
    assert everything(tail) == [Unknown("document too long")]
    assert everything(tail) == []


def test_nothing_is_written(tmp_path: Path) -> None:
    """A file that only its owner may read stays as it is."""
    path = tmp_path / NAME
    path.write_bytes(TURN)
    path.chmod(0o400)
    before = path.stat()
    everything(Tail("codex", path))
    after = path.stat()
    assert (before.st_mode, before.st_mtime_ns, before.st_size) == (after.st_mode, after.st_mtime_ns, after.st_size)
    assert Rewritten() not in everything(Tail("codex", path))
