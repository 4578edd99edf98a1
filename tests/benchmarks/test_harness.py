"""What every benchmark stands on: the printed form, the statistics, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benchmarks.harness import (
    PYTHONPATH,
    Figure,
    MeasuringError,
    Options,
    cpu_s,
    line,
    percentile,
    report,
    rss_mb,
    stage,
    wait_for,
)
from hypothesis import given
from hypothesis import strategies as st

OPTIONS = Options(json=False, quick=True, mux=("embedded",), keep=False)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_line_has_seven_columns_parted_by_two_blanks() -> None:
    """`name  value unit  against  ratio  goal  ok|MISSED`, so that programs can split it without quoting."""
    figure = Figure("latency.p95 (real, 1 pane)", 4.2, "ms", "bare client 3.9 ms", 1.0769, "<= 2.5x", False)

    columns = [column for column in line(figure).split("  ") if column.strip()]

    assert [column.strip() for column in columns] == [
        "latency.p95 (real, 1 pane)",
        "4.2 ms",
        "bare client 3.9 ms",
        "1.08x",
        "<= 2.5x",
        "MISSED",
    ]


def test_json_says_the_same_as_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Each figure is an object with the fields of Figure, and a missed goal fails the run in both forms."""
    figures = [Figure("a", 1, "ms", ok=True), Figure("b", 2, "ms", "x", 3.0, "<= 2x", False, "why")]

    assert report(figures, as_json=True) == 1
    assert [Figure(**fields) for fields in json.loads(capsys.readouterr().out)] == figures
    assert report(figures[:1], as_json=False) == 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_was_measured_and_covers_its_share(values: list[float], percent: int) -> None:
    """At least *percent* of the values do not exceed it, and no smaller value of the list does the same."""
    found = percentile(values, percent)

    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    smaller = [value for value in values if value < found]
    assert len(smaller) * 100 < percent * len(values)


def test_processor_time_counts_children_only_when_asked() -> None:
    """A child's work belongs to the tree, live or waited for, and never to the parent alone."""
    work = "import time\nfor n in range(2_000_000): pass\nprint(time.process_time(), flush=True)\n"
    parent = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {work!r}])\n"
        f"subprocess.run([sys.executable, '-c', {work + 'time.sleep(600)'!r}])\n"
    )
    argv = [sys.executable, "-c", parent]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        spent = sum(float(process.stdout.readline()) for _ in range(2))
        own, tree = cpu_s(process.pid, children=False), cpu_s(process.pid, children=True)
        memory = rss_mb(process.pid)
        os.killpg(process.pid, signal.SIGKILL)

    # /proc counts in ticks of 10 ms, rounded down for each process.
    assert tree - own > spent - 0.05
    assert memory > 1


def test_a_wait_that_fails_names_its_condition() -> None:
    """What never happened stands in the error, not a time-out alone."""
    with pytest.raises(MeasuringError, match="pigs flew"):
        wait_for("pigs flew", lambda: None, within_s=0.05)


def test_leaving_a_stage_ends_even_a_grandchild_that_ignores_the_polite_signal() -> None:
    """Whole process groups go, and with them the folder."""
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    with stage(OPTIONS) as here:
        process = here.start(
            ["/bin/sh", "-c", f'"{sys.executable}" -c "{stubborn}" & echo $!; wait'],
            env=os.environ,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        lines = {process.stdout.readline().decode().strip() for _ in range(2)}
        grandchild = next(int(text) for text in lines if text != "up")
        folder = here.fresh("x")
        assert alive(grandchild)

    # The kernel ends it when it next runs it.
    give_up = time.monotonic() + 10
    while alive(grandchild):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    assert not folder.exists()
    assert not here.root.exists()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_mid_run_leaves_nothing_behind(signum: signal.Signals) -> None:
    """Ctrl-C, a kill and a lost terminal all pass through the same clean-up."""
    script = (
        "import os, time\n"
        "from benchmarks.harness import Options, stage\n"
        "with stage(Options(False, True, ('embedded',), False)) as here:\n"
        "    process = here.start(['/bin/sleep', '600'], env=os.environ)\n"
        "    print(process.pid, here.root, flush=True)\n"
        "    time.sleep(600)\n"
    )
    env = {**os.environ, "PYTHONPATH": PYTHONPATH}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        pid, _, root = running.stdout.readline().strip().partition(" ")
        assert alive(int(pid))
        running.send_signal(signum)
        assert running.wait(20) != 0

    assert not alive(int(pid))
    assert not Path(root).exists()


def test_a_stage_gives_private_folders() -> None:
    """Databases and sockets of a run are nobody else's."""
    with stage(OPTIONS) as here:
        one, other = here.fresh("wa"), here.fresh("wa")

        assert one != other
        assert one.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(one / "run" / "wa" / "sidecar.sock")) < 100
