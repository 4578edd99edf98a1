"""Programs of the user's."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from wa.engine.programs import MAX_OUTPUT_BYTES, execute
from wa.model.command import Execute, Executed


def run(*argv, within_s=20.0, given=None, **env):
    return asyncio.run(execute(Execute(argv, given or {}, within_s), env))


def sh(script, *more, **options):
    return run("/bin/sh", "-c", script, "sh", *more, **options)


def test_json_goes_in_and_comes_out():
    """On standard input, and from standard output where it is JSON."""
    assert sh("cat", given={"a": ["ü", None]}) == Executed(0, {"a": ["ü", None]})
    assert sh("echo plain words") == Executed(0, "plain words")
    assert sh("echo '[1'; exit 3") == Executed(3, "[1")


def test_words_stay_words():
    """No shell looks at them."""
    assert run("/bin/echo", "$(id)", "a b; c", "*") == Executed(0, "$(id) a b; c *")


def test_the_run_is_named_in_the_environment():
    """So that a program that is started once more can know."""
    assert sh("echo $WA_RUN", WA_RUN="7:3") == Executed(0, "7:3")


def test_a_user_without_a_home_has_programs_too(tmp_path, monkeypatch):
    """In a container or a service; they begin in the root folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    assert sh("pwd") == Executed(0, "/")


def test_one_that_does_not_end_is_ended_with_its_children(tmp_path):
    """Nothing of it runs on."""
    pid_file = tmp_path / "pid"
    began = time.monotonic()
    done = sh(f"(trap '' TERM; exec sleep 1000) & echo $! >{pid_file}; wait", within_s=0.5)

    assert done.status is None
    assert time.monotonic() - began < 8
    with pytest.raises(ProcessLookupError):
        _wait_gone(int(pid_file.read_text()))


def _wait_gone(pid):
    stat = Path(f"/proc/{pid}/stat")
    give_up = time.monotonic() + 5
    while time.monotonic() < give_up:
        os.kill(pid, 0)
        if stat.read_text().rpartition(")")[2].split()[0] == "Z":
            raise ProcessLookupError
        time.sleep(0.02)


@pytest.mark.parametrize("argv", [(), ("/no/such/program",), ("/etc/passwd",), ("a\0b",)])
def test_one_that_cannot_be_started_says_so(argv):
    """It is an answer, not an error."""
    done = run(*argv)

    assert done.status is None
    assert isinstance(done.output, str)


def test_output_has_a_bound_and_input_need_not_be_read():
    """A program that prints without end, and one that reads nothing."""
    assert len(sh("head -c 300000 /dev/zero | tr '\\0' x").output) == MAX_OUTPUT_BYTES
    assert sh("exit 0", given={"a": "x" * 1_000_000}) == Executed(0, "")


def test_odd_json_is_text():
    """What SQLite and a replay could not keep."""
    assert sh("echo NaN") == Executed(0, "NaN")
    deep = "[" * 40 + "]" * 40
    assert sh(f"echo '{deep}'") == Executed(0, deep)
    deeper = "[" * 20_000
    assert sh("i=0; while [ $i -lt 20 ]; do printf '%01000d' 0 | tr 0 '['; i=$((i+1)); done") == Executed(0, deeper)
