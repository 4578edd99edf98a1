"""Every figure that wa claims, each against its yardstick in the same run.

    python -m benchmarks [NAMES…] [--json] [--quick] [--mux auto|real|embedded|both]

Each benchmark is a process of its own, one after the other.
Exit status 1: a goal was missed; 2: one could not be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.harness import PYTHONPATH, REPOSITORY, heading

NAMES = (
    *("cold_start", "hook", "protocol_decode", "ingest_replay", "store_ingest", "detection"),
    *("store_redaction", "store_retention", "prompt", "pty_run", "setting_up"),
    *("latency", "agent_state", "badges", "reaction", "commands", "cpu", "bursts", "memory", "idle"),
)
"""In the order they run. `search_large` takes minutes and gigabytes: `make bench-large`."""

TERMINAL = ("latency", "agent_state", "badges", "reaction", "commands", "cpu", "bursts", "memory", "idle")
"""Those that need a terminal under test and take `--mux`."""

VERDICT = re.compile(r"\S.*\s{2,}(ok|MISSED|-)$")
MISSED, BROKEN = 1, 2
CHILD = """
import sys, traceback
from benchmarks.harness import MeasuringError
try:
    from benchmarks.{name} import main
    status = main(sys.argv[1:])
except MeasuringError as error:
    print("not measured:", error, file=sys.stderr)
    status = {broken}
except Exception:
    traceback.print_exc()
    status = {broken}
sys.exit(status)
"""


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--json", action="store_true", help="one JSON document with all figures")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: a smoke test, no measurement")
    parser.add_argument("--mux", choices=("auto", "real", "embedded", "both"), default="auto")
    chosen = parser.parse_args(argv)
    begin = time.monotonic()
    found: dict[str, list[dict[str, Any]]] = {}
    verdicts: list[str] = []
    broken: list[str] = []
    if not chosen.json:
        print(heading(), flush=True)
    for name in chosen.names or NAMES:
        flags = ["--quick"] * chosen.quick + ["--mux", chosen.mux] * (name in TERMINAL)
        if chosen.json:
            status, text = run(name, [*flags, "--json"], echo=False)
            figures = json_figures(text)
            if figures is None:
                broken.append(name)
                continue
            found[name] = figures
            verdicts += [
                "MISSED" if figure.get("ok") is False else "ok" for figure in figures if figure.get("ok") is not None
            ]
        else:
            status, text = run(name, flags, echo=True)
            verdicts += [match[1] for match in map(VERDICT.match, text.splitlines()) if match and match[1] != "-"]
        if status not in (0, MISSED):
            broken.append(name)
    missed = verdicts.count("MISSED")
    if chosen.json:
        print(json.dumps({"figures": found, "missed": missed, "not_measured": broken}, ensure_ascii=False, indent=1))
    else:
        summary = f"{len(verdicts) - missed} goals met, {missed} missed, in {time.monotonic() - begin:.0f} s"
        print("\n" + summary + (f"; not measured: {', '.join(broken)}" if broken else ""))
    return BROKEN if broken else MISSED if missed else 0


def run(name: str, flags: Sequence[str], *, echo: bool) -> tuple[int, str]:
    """Exit status and what it printed; with *echo* printed as it comes. On Ctrl-C it gets the time to clean up."""
    code = CHILD.format(name=name, broken=BROKEN)
    env = {**os.environ, "PYTHONPATH": PYTHONPATH}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *flags], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=env
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        with process.stdout:
            for text in process.stdout:
                lines.append(text)
                if echo:
                    print(text, end="", flush=True)
        return process.wait(), "".join(lines)
    except BaseException:
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise


def json_figures(text: str) -> list[dict[str, Any]] | None:
    """The figures of one benchmark: a JSON list, or an object with it under `figures`; None where there are none."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return None
    figures = document.get("figures") if isinstance(document, dict) else document
    return figures if isinstance(figures, list) else None


def leave(signum: int, _frame: object) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
