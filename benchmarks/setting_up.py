"""`wa setup`: where all holds already, and over hosts side by side; yardsticks are the first run, and one host after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import (
    PYTHONPATH,
    REPOSITORY,
    Figure,
    MeasuringError,
    Options,
    Stage,
    median,
    options,
    report,
    say,
    stage,
)

sys.path.insert(0, str(REPOSITORY / "tests"))

from support.ssh_hosts import SSHD, ssh_hosts

AGAIN_MS = 1500.0
SIDE_BY_SIDE = 0.5
HOSTS, QUICK_HOSTS = 8, 3
RUNS, QUICK_RUNS = 5, 2


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    with stage(chosen) as here:
        return report([*local(here, chosen), *remote(here, chosen)], as_json=chosen.json)


def local(here: Stage, chosen: Options) -> list[Figure]:
    """In a home with a configuration and three shells."""
    first, again = [], []
    for _ in range(QUICK_RUNS if chosen.quick else RUNS):
        home = here.fresh("home")
        (home / ".config" / "wezterm").mkdir(parents=True)
        text = "local config = require('wezterm').config_builder()\nconfig.font_size = 11\nreturn config\n"
        (home / ".config" / "wezterm" / "wezterm.lua").write_text(text)
        for name in (".bashrc", ".zshrc"):
            (home / name).write_text("# mine\n")
        words = ("local", "--yes", "--json")
        first.append(took_ms(home, words, os.environ["PATH"])[0])
        value, result = took_ms(home, words, os.environ["PATH"])
        if any(one["state"] != "holds" for one in result["changes"]):
            raise MeasuringError("the second run of `wa setup local` changed something")
        again.append(value)
    value, base = median(again), median(first)
    goal = f"<= {AGAIN_MS:g} ms"
    yardstick = f"the first one {base:.0f} ms"
    return [Figure("setup.local: all holds already", value, "ms", yardstick, value / base, goal, value <= AGAIN_MS)]


def remote(here: Stage, chosen: Options) -> list[Figure]:
    """Looked at, nothing changed. A host is an sshd on loopback with a home of its own."""
    if SSHD is None:
        say("setup.remote is not measured: sshd is not installed")
        return []
    count = QUICK_HOSTS if chosen.quick else HOSTS
    home = here.fresh("me")
    with ssh_hosts() as (hosts, add):
        names = [add(f"host-{number}").name for number in range(count)]
        (home / ".ssh").mkdir()
        (home / ".ssh" / "config").write_text(hosts.config.read_text())
        together, alone = [], []
        for _ in range(QUICK_RUNS if chosen.quick else RUNS):
            together.append(look_ms(home, names, hosts.path))
            alone.append(sum(look_ms(home, [name], hosts.path) for name in names))
    value, base = median(together) / 1000, median(alone) / 1000
    name = f"setup.remote: {count} hosts looked at side by side"
    yardstick = f"one after the other {base:.1f} s"
    goal = f"<= {SIDE_BY_SIDE:g}x"
    return [Figure(name, value, "s", yardstick, value / base, goal, value / base <= SIDE_BY_SIDE)]


def look_ms(home: Path, names: list[str], path: str) -> float:
    elapsed_ms, result = took_ms(home, ("remote", *names, "--no-wa", "--dry-run", "--json"), path)
    if any(not one["reachable"] for one in result["hosts"]):
        raise MeasuringError(f"a host was not reached: {[one['trouble'] for one in result['hosts']]}")
    return elapsed_ms


def took_ms(home: Path, words: Sequence[str], path: str) -> tuple[float, Any]:
    """Start to end of the process, and its data."""
    env = {"HOME": str(home), "PATH": path, "SHELL": "/bin/bash", "PYTHONPATH": PYTHONPATH, "TERM": "dumb"}
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "wa", "setup", *words], env=env, capture_output=True, check=False)
    elapsed_ms = (time.perf_counter() - begin) * 1000
    try:
        return elapsed_ms, json.loads(done.stdout)["data"]
    except (ValueError, KeyError):
        said = (done.stdout + done.stderr).decode(errors="replace")[-500:]
        raise MeasuringError(f"wa setup {' '.join(words)}: {said}") from None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
