import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wa.wezterm import processes
from wa.wezterm.processes import run as run_program
from wezterm.waiting import run, until


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return told != "" and not told.startswith("Z")  # one that nobody has collected yet has ended


def test_collects_what_was_printed_and_the_status() -> None:
    """stdin arrives whole, both outputs are kept apart, the status is the program's."""
    code = (
        "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d[::-1]); sys.stderr.write('e'); sys.exit(3)"
    )
    text = bytes(range(256)) * 1000

    done = run(run_program(python(code), stdin=text, timeout_s=10))

    assert (done.status, done.stdout, done.stderr) == (3, text[::-1], b"e")


def test_a_program_that_does_not_read_is_no_trouble() -> None:
    """More on stdin than a pipe holds, and nobody there to take it."""
    done = run(run_program(python("pass"), stdin=b"x" * 10_000_000, timeout_s=10))

    assert done.status == 0


def test_what_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    """After the time-out neither the program nor what it started is left."""
    note = tmp_path / "pids"
    script = f"sleep 600 & echo $! $$ > {note}.part; mv {note}.part {note}; sleep 600"

    async def scene() -> None:
        with pytest.raises(TimeoutError):
            await run_program(["sh", "-c", script], timeout_s=1.0)
        pids = [int(word) for word in note.read_text().split()]
        await until(lambda: not any(alive(pid) for pid in pids))

    run(scene())


def test_a_cancelled_call_leaves_nothing_behind(tmp_path: Path) -> None:
    """Whoever stops waiting stops the program too."""
    note = tmp_path / "pid"

    async def scene() -> None:
        async with asyncio.TaskGroup() as group:
            script = f"echo $$ > {note}.part; mv {note}.part {note}; sleep 600"
            call = group.create_task(run_program(["sh", "-c", script], timeout_s=600))
            await until(note.exists)
            call.cancel()
        await until(lambda: not alive(int(note.read_text())))

    run(scene())


@pytest.mark.parametrize("after_turns", range(12))
def test_a_call_may_be_cancelled_at_any_moment(after_turns: int) -> None:
    """Even while the program is being started: the call ends soon, and so does the program."""

    async def scene() -> None:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(run_program(["sh", "-c", "sleep 600; true"], timeout_s=600))
            for _ in range(after_turns):
                await asyncio.sleep(0)
            call.cancel()
            call.cancel()

    run(scene(), within_s=5.0)


def test_output_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that prints for ever costs a bounded amount of memory and is ended."""
    monkeypatch.setattr(processes, "MAX_OUTPUT_BYTES", 1_000_000)

    done = run(run_program(["yes"], timeout_s=10))

    assert done.status < 0
    assert len(done.stdout) <= 1_000_000


def test_a_child_that_keeps_stderr_open_is_not_waited_for() -> None:
    """ssh leaves a master connection behind that holds stderr; the command has ended all the same."""
    start = time.monotonic()

    done = run(run_program(["sh", "-c", "sleep 3 >/dev/null & echo done"], timeout_s=10))

    assert done.stdout == b"done\n"
    assert time.monotonic() - start < 2.0


def test_what_cannot_start_is_an_oserror() -> None:
    """A missing program is told as the system tells it."""
    with pytest.raises(FileNotFoundError):
        run(run_program(["/nowhere/wezterm"], timeout_s=5))
