"""How soon a workflow types, after the row that starts it was printed.

A program that the process table calls `codex` paints a row that starts a workflow, with its own clock, and notes the first byte that
comes and the carriage return after it. In between: push, detection, the event in the database, the run in the database, a fresh reading of
the screen, the policy, the intent in the database, the paste. The agent's own pause after a paste belongs to the second figure only.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from benchmarks.agent_state import BANNER
from benchmarks.harness import Figure, Options, Stage, measured_on_each_mux, percentile, say, wait_for
from benchmarks.sidecar import Sidecar
from benchmarks.terminals import Mux, Programs, settle

GOAL_MS = 100.0
"""p95 of trigger row → first byte."""
STEPS, QUICK_STEPS = 60, 12
PROMPT = "Reread AGENTS.md."
WORKFLOW = f"""
[trigger]
event = "model.switched"
[[step]]
send = "{PROMPT}"
"""
SETTINGS = """
[policy]
pane_cooldown_s = 0
pane_actions_per_hour = 1000
actions_per_minute = 1000
"""
BELOW = "\r\n  GPT-6-Sol default · /work\r\n  ← for agents · ? for shortcuts"
IDLE = "\r\n".join(BANNER) + "\r\n\r\n"
TRIGGER = IDLE + "• Model changed to gpt-6-{number}\r\n\r\n\r\n"
WORKING = "• Working (2s • esc to interrupt)\r\n\r\n"


def main(argv: Sequence[str]) -> int:
    return measured_on_each_mux(argv, __doc__ or "", measured)


def measured(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    mux = Mux(here, kind)
    programs = Programs(mux, 1, called="codex")
    sidecar = Sidecar(here, mux, settings=SETTINGS)
    folder = sidecar.paths.config / "workflows"
    folder.mkdir(exist_ok=True)
    (folder / "react.toml").write_text(WORKFLOW)
    sidecar.wait_for_panes([programs[0].pane_id])
    settle(mux)
    wait_for("the workflow", lambda: _enabled(sidecar), within_s=20, every_s=0.2)
    say(f"reaction, {mux.version}")
    rng = random.Random(7)
    first: list[float] = []
    returned: list[float] = []
    for number in range(QUICK_STEPS if chosen.quick else STEPS):
        programs.run(
            programs.some(1), "frame", text=f"\x1b[H\x1b[J{IDLE}› Ask Codex to do anything\r\n{BELOW}\x1b[5;3H"
        )
        wait_for("an idle agent", lambda: _state(sidecar, programs) == "idle", within_s=20, every_s=0.05)
        # No step falls into step with a timer of wa's.
        time.sleep(0.2 + rng.random() / 2)
        (answer,) = programs.run(
            programs.some(1),
            "react",
            above=TRIGGER.format(number=number),
            below=BELOW,
            working=WORKING,
            patience_s=15.0,
        )
        if answer["typed"] != f"{PROMPT}\r":
            raise RuntimeError(f"the workflow typed {answer['typed']!r}: {sidecar.tail_of_log()}")
        first.append((answer["first"] - answer["stamp"]) / 1e6)
        returned.append((answer["submitted"] - answer["stamp"]) / 1e6)
        wait_for("the turn", lambda: _state(sidecar, programs) == "working", within_s=20, every_s=0.05)
        wait_for("the end of the run", lambda: not _open(sidecar), within_s=20, every_s=0.05)
    return [
        Figure(
            f"reaction.p95 ({kind}, trigger row → first byte)",
            percentile(first, 95),
            "ms",
            goal=f"<= {GOAL_MS:g} ms",
            ok=percentile(first, 95) <= GOAL_MS,
            note=f"{len(first)} reactions, median {percentile(first, 50):.1f} ms, slowest {max(first):.1f} ms",
        ),
        Figure(
            f"reaction.p95 ({kind}, trigger row → carriage return)",
            percentile(returned, 95),
            "ms",
            note=f"median {percentile(returned, 50):.1f} ms, with the agent's own pause after a paste",
        ),
    ]


def _enabled(sidecar: Sidecar) -> bool:
    """Turned on, once the sidecar has read the file."""
    try:
        sidecar.client.call("workflow_switch", name="react", pane=None, enabled=True)
    except Exception as error:
        if getattr(error, "code", "") == "not_found":
            return False
        raise
    return True


def _state(sidecar: Sidecar, programs: Programs) -> str | None:
    state: str | None = sidecar.panes()[programs[0].pane_id]["state"]
    return state


def _open(sidecar: Sidecar) -> bool:
    import sqlite3

    connection = sqlite3.connect(f"file:{sidecar.paths.database}?mode=ro", uri=True)
    try:
        (count,) = connection.execute(
            "SELECT count(*) FROM workflow_runs WHERE workflow = 'react' AND ended_ms IS NULL"
        ).fetchone()
    finally:
        connection.close()
    return bool(count)
