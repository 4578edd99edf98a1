"""The emitter: what it packs, whom it tells, what it spools, and how long it takes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.event_listener import listening
from wa import emit
from wa.protocol import sidecar_wire as wire

EMIT = Path(emit.__file__)
TEXT = st.text(st.characters(), max_size=300)  # lone surrogates too
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXT | st.binary()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=40) | st.dictionaries(TEXT, inner, max_size=40), max_leaves=60
)


def run(*args: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(EMIT), *map(str, args)], input=stdin, capture_output=True, timeout=20
    )


def places(tmp_path: Path) -> tuple[str, str, str, str]:
    return "--socket", str(tmp_path / "s"), "--spool", str(tmp_path / "state" / "spool")


def spooled(tmp_path: Path) -> list[dict[str, Any]]:
    return wire.FrameReader().feed((tmp_path / "state" / "spool").read_bytes())


@given(VALUES)
def test_what_it_packs_msgpack_unpacks_to_the_same(value: object) -> None:
    """Every value that msgpack can hold, of every size class, lone surrogates included."""
    assert wire.unpack_value(emit.pack_value(value)) == value


@pytest.mark.parametrize("size", [0, 15, 16, 31, 32, 255, 256, 65535, 65536])
def test_each_size_class_is_packed_as_msgpack_packs_it(size: int) -> None:
    """Byte for byte, on both sides of every boundary of texts, lists and maps."""
    for value in ("x" * size, [1] * size, {str(n): n for n in range(size)}, b"y" * size):
        assert emit.pack_value(value) == msgpack.packb(value)


@pytest.mark.parametrize("bits", range(65))
def test_each_number_is_packed_as_msgpack_packs_it(bits: int) -> None:
    """On both sides of every power of two."""
    for value in (2**bits - 1, -(2 ** min(bits, 63)), 1 - 2 ** min(bits, 63)):
        assert emit.pack_value(value) == msgpack.packb(value)


def test_a_frame_is_read_by_the_sidecars_own_reader() -> None:
    """The same bytes as the project's packer makes."""
    message = {"v": 1, "kind": "event", "source": "lua", "name": "bell", "pane_id": 3, "domain": "it's \u2063"}

    assert emit.pack(message) == wire.pack(message)
    assert wire.FrameReader().feed(emit.pack(message)) == [message]


@pytest.mark.parametrize("value", [{1: 2}, object(), 2**64, -(2**63) - 1])
def test_what_cannot_be_packed_is_refused(value: object) -> None:
    """An error of a kind that the callers expect."""
    with pytest.raises((TypeError, OverflowError)):
        emit.pack_value(value)


def test_what_is_nested_without_end_is_refused() -> None:
    """Not by the end of the stack."""
    value: list[object] = []
    value.append(value)

    with pytest.raises(ValueError, match="deep"):
        emit.pack_value(value)


@given(VALUES)
def test_it_reads_json_as_json_does(value: object) -> None:
    """The scanner without its wrapper reads the same."""
    try:
        text = json.dumps(value)
    except TypeError:
        return  # bytes are none
    assert emit.read_json(f" {text}\n") == json.loads(text)


@pytest.mark.parametrize("text", ["", " ", "{", '{"a": }', "nul", "1 2", "[1] x", '{"a": NaN}', "[" * 100_000])
def test_what_is_no_json_is_an_error(text: str) -> None:
    """One of the kinds that callers expect, and never a crash."""
    with pytest.raises((ValueError, RecursionError)):
        emit.read_json(text)


def test_events_of_a_file_reach_the_socket_whole_and_in_order(tmp_path: Path) -> None:
    """Exit 0, the file is gone, nothing is spooled, not a word is printed; what a line says of its source is not believed."""
    file = tmp_path / "f"
    lines = [{"name": "bell", "pane_id": n, "source": "hook", "kind": "request", "v": 9} for n in range(300)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with listening(tmp_path / "s") as listener:
        done = run(*places(tmp_path), "--file", file)

        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert [m["pane_id"] for m in listener.messages] == list(range(300))
        assert {(m["v"], m["kind"], m["source"]) for m in listener.messages} == {(1, "event", "lua")}
    assert not file.exists()
    assert not (tmp_path / "state").exists()


def test_lines_that_are_no_event_do_not_take_the_others_along(tmp_path: Path) -> None:
    """Half a line, a list, bytes that are no UTF-8, a value beyond a frame: passed over; the rest is told."""
    file = tmp_path / "f"
    file.write_bytes(
        b'{"name":"a"}\n{"na\n[1]\n\xff\xfe\n{"name":"big","value":"' + b"x" * 300_000 + b'"}\n\n{"name":"b"}'
    )
    with listening(tmp_path / "s") as listener:
        assert run(*places(tmp_path), "--file", file).returncode == 0
        assert [m["name"] for m in listener.messages] == ["a", "b"]


def test_without_a_sidecar_frames_are_spooled(tmp_path: Path) -> None:
    """Exit 3; a private file in a private folder, appended to, never half a frame."""
    for n in range(3):
        (tmp_path / "f").write_text(f'{{"name": "bell", "n": {n}}}\n')
        assert run(*places(tmp_path), "--file", tmp_path / "f").returncode == 3

    assert [m["n"] for m in spooled(tmp_path)] == [0, 1, 2]
    assert stat.S_IMODE((tmp_path / "state" / "spool").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_a_sidecar_that_takes_nothing_holds_nobody_up(tmp_path: Path) -> None:
    """After 40 ms the frames are spooled."""
    (tmp_path / "f").write_text('{"name": "bell"}\n')
    with listening(tmp_path / "s", deaf=True):
        began = time.monotonic()
        status = emit.from_file(str(tmp_path / "f"), str(tmp_path / "s"), str(tmp_path / "state" / "spool"))
        took = time.monotonic() - began

    assert status == 3
    assert 0.03 < took < 1.0
    assert [m["name"] for m in spooled(tmp_path)] == ["bell"]


def test_a_full_spool_grows_no_more(tmp_path: Path) -> None:
    """4 MiB and no byte beyond; what does not fit is dropped whole."""
    spool = tmp_path / "spool"
    frame = emit.pack({"v": 1, "kind": "event", "value": "x" * 200_000})
    for _ in range(25):
        assert emit.deliver(frame, str(tmp_path / "s"), str(spool)) == 3

    assert 4 * 2**20 - len(frame) < spool.stat().st_size <= 4 * 2**20
    assert len(wire.FrameReader().feed(spool.read_bytes())) == spool.stat().st_size // len(frame)


def test_many_writers_and_a_taker_lose_nothing(tmp_path: Path) -> None:
    """Frames appended while the file is renamed, locked and read come once each, whole."""
    spool, found = tmp_path / "spool", []
    stop = threading.Event()

    def write(who: int) -> None:
        for n in range(150):
            assert emit.deliver(emit.pack({"v": 1, "kind": "event", "n": [who, n]}), "/nowhere/s", str(spool)) == 3

    def take() -> None:
        import fcntl

        away = tmp_path / "away"
        while not stop.is_set() or spool.exists():
            try:
                spool.rename(away)
            except FileNotFoundError:
                time.sleep(0.001)
                continue
            with away.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                found.extend(m["n"] for m in wire.FrameReader().feed(file.read()))

    taker = threading.Thread(target=take)
    writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in [taker, *writers]:
        thread.start()
    for thread in writers:
        thread.join(60)
    stop.set()
    taker.join(60)

    assert sorted(found) == [[who, n] for who in range(4) for n in range(150)]


def test_a_link_in_place_of_the_spool_is_not_followed(tmp_path: Path) -> None:
    """Nobody makes wa write elsewhere; nor does a fifo hold it up."""
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "fifo")
    frame = emit.pack({"v": 1, "kind": "event"})

    assert emit.deliver(frame, str(tmp_path / "s"), str(tmp_path / "link")) == 2
    assert emit.deliver(frame, str(tmp_path / "s"), str(tmp_path / "fifo")) == 2
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    "args", [[], ["--file", "x"], ["--socket", "a", "--spool", "b"], ["--socket", "a", "--spool", "b", "--file", "/no"]]
)
def test_what_it_does_not_understand_it_refuses(args: list[str]) -> None:
    """Exit 2, without a word."""
    done = run(*args)

    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"")


def test_it_makes_the_folder_of_the_plugins_files(tmp_path: Path) -> None:
    """0700; the plugin's language cannot, and the runtime folder is empty after each login."""
    assert run(*places(tmp_path), "--folder", tmp_path / "run" / "wa").returncode == 0
    assert stat.S_IMODE((tmp_path / "run" / "wa").stat().st_mode) == 0o700


def test_a_hook_is_told_with_its_ancestors(tmp_path: Path) -> None:
    """Source, agent, name and payload as given; the nearest ancestor is who started it."""
    with listening(tmp_path / "s") as listener:
        payload = {"session_id": "abc", "tool_input": {"command": "ls"}, "n": 1.5}
        done = run(*places(tmp_path), "--hook", "claude_code", "Stop", stdin=json.dumps(payload).encode())

        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        (message,) = listener.messages
    assert (message["source"], message["agent"], message["name"]) == ("hook", "claude_code", "Stop")
    assert message["payload"] == payload
    assert message["pids"][0] == os.getpid()
    assert abs(message["at_ms"] - time.time() * 1000) < 60_000
    assert 0 < len(message["key"]) <= 128


@pytest.mark.parametrize("stdin", [b"", b"no json", b"\xff", b"[1]", b'{"a": ' + b"9" * 400 + b"}", b"[" * 99_999])
def test_a_hook_never_fails(tmp_path: Path, stdin: bytes) -> None:
    """Whatever an agent writes, and without a sidecar: exit 0, no word, and the event itself is kept."""
    done = run(*places(tmp_path), "--hook", "codex", "turn", stdin=stdin)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert [m["name"] for m in spooled(tmp_path)] == ["turn"]


def test_a_hook_told_wrongly_still_is_no_verdict() -> None:
    """Agents take exit status 2 for "do not do that"."""
    done = run("--hook")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_hook_with_a_megabyte_keeps_what_is_flat(tmp_path: Path) -> None:
    """The payload is cut to what fits into a frame."""
    payload = {"session_id": "abc", "prompt": "é" * 1_000_000, "deep": {"x": ["y" * 500_000]}, "ok": True}
    run(*places(tmp_path), "--hook", "gemini", "BeforeAgent", stdin=json.dumps(payload).encode())

    (message,) = spooled(tmp_path)
    assert message["payload"] == {"session_id": "abc", "prompt": "é" * 2000, "ok": True}


def test_a_hook_does_not_wait_for_an_agent_that_keeps_its_pipe_open(tmp_path: Path) -> None:
    """Half a second, then the event is told without a payload."""
    read, write = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(EMIT), *places(tmp_path), "--hook", "codex", "Stop"],
            stdin=read,
            timeout=20,
        )
    finally:
        os.close(read)
        os.close(write)

    assert done.returncode == 0
    assert [(m["name"], m["payload"]) for m in spooled(tmp_path)] == [("Stop", {})]


def test_the_terminal_is_named_as_the_kernel_names_it() -> None:
    """In a pty of its own, without any of its descriptors being that pty."""
    master, slave = os.openpty()
    name = os.ttyname(slave)
    ask = f"import sys; sys.path.insert(0, {str(EMIT.parent)!r}); import emit; print(emit.ancestry()[0])"

    def attach() -> None:
        import fcntl
        import termios

        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    try:
        done = subprocess.run(
            [sys.executable, "-c", ask], capture_output=True, text=True, preexec_fn=attach, stdin=subprocess.DEVNULL
        )
    finally:
        os.close(master)
        os.close(slave)

    assert done.stdout.strip() == name


def test_it_loads_nothing_slow() -> None:
    """Neither json, re, enum, socket nor anything of wa: its start is most of what it costs."""
    ask = f"""
import sys
sys.argv = ["emit.py", "--socket", "/nowhere/s", "--spool", "/proc/none/x", "--file", "/proc/self/cmdline"]
sys.path.insert(0, {str(EMIT.parent)!r})
import emit
emit.from_hook("a", "b", emit.read_json("[1, {{}}]"), "/nowhere/s", "/proc/none/x")
print(*sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", ask], capture_output=True, text=True, timeout=20)

    assert {"json", "re", "enum", "socket", "struct", "pathlib", "typing", "wa"} & set(done.stdout.split()) == set()
