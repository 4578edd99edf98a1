"""What `make bench` runs and how it reads the results."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from benchmarks.harness import PYTHONPATH, Figure, line

from benchmarks import __main__ as bench


@pytest.mark.parametrize("ok", [True, False, None])
def test_the_verdict_is_read_from_the_end_of_a_line(ok: bool | None) -> None:
    """Whatever stands in the other columns; a note below a line is no verdict."""
    text = line(Figure("search ok", 3, "ms", "bare ok 1 ms", 3.0, "<= ok", ok, "it is MISSED"))

    found = [match[1] for match in map(bench.VERDICT.match, text.splitlines()) if match]

    assert found == [{True: "ok", False: "MISSED", None: "-"}[ok]]


def test_figures_are_found_in_both_forms_of_json() -> None:
    """A list of figures, or an object that holds it; anything else is no measurement."""
    figure = Figure("a", 1, "ms")._asdict()

    assert bench.json_figures(json.dumps([figure])) == [figure]
    assert bench.json_figures(json.dumps({"figures": [figure]})) == [figure]
    assert bench.json_figures("Traceback (most recent call last):") is None
    assert bench.json_figures("3") is None


@pytest.mark.parametrize("name", bench.NAMES)
def test_each_name_is_a_benchmark(name: str) -> None:
    """Every name that `make bench` runs is a file with a `main`."""
    assert callable(importlib.import_module(f"benchmarks.{name}").main)


def test_one_that_breaks_is_named_and_is_no_missed_goal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception is not a slow machine: exit status 2 and the name, while the others still run."""
    monkeypatch.setattr(bench, "NAMES", ("no_such_file",))

    assert bench.main([]) == bench.BROKEN
    assert "not measured: no_such_file" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", bench.TERMINAL)
def test_a_quick_run_ends_with_figures_and_leaves_nothing(name: str) -> None:
    """Each benchmark of a terminal runs to its end on the embedded mux; the values are not judged."""
    argv = [sys.executable, "-m", "benchmarks", name, "--quick", "--json", "--mux", "embedded"]

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        env = {**os.environ, "PYTHONPATH": PYTHONPATH, "TMPDIR": folder}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=600, check=False)
        left = list(Path(folder).iterdir())

    assert done.returncode in (0, bench.MISSED), done.stderr
    figures = json.loads(done.stdout)["figures"][name]
    assert figures
    assert all(set(figure) == set(Figure._fields) for figure in figures)
    assert left == []
