"""Numbered lines at full speed, read back from the database: what is stored, what is in Gaps, what is nowhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.bare import UNDER_WAY
from benchmarks.harness import Figure, Options, Stage, measured_on_each_mux, median, say
from benchmarks.roles import Role
from benchmarks.sidecar import Sidecar
from benchmarks.stored import Stored
from benchmarks.terminals import SCROLLBACK_ROWS, Mux, Program, Programs, settle
from wa.model.log import Gap
from wa.store.records import LogEntry

MANY_PANES, MANY_LINES = 20, 18_000
ONE_LINES = 300_000
GOAL_RATE = 0.8
ROWS = 24


class Checked(NamedTuple):
    """How a log and the screen below it compare with the lines that were printed."""

    found: int
    """Lines in the log or on the screen."""
    in_gaps: int
    lost: int
    """Lines that are nowhere, not even in a Gap at their place."""
    doubled: int
    """Lines that stand there once more, or out of order."""
    invented: int
    """Rows in Gaps for which no line is missing there, and rows that nobody printed."""


def check(printed: Sequence[str], entries: Iterable[LogEntry | str]) -> Checked:
    """*printed* are the lines in order, no two the same; *entries* rows, Gaps and the screen's rows, in order."""
    place = {text: at for at, text in enumerate(printed)}
    expected = found = in_gaps = lost = doubled = invented = gap = 0
    for entry in entries:
        if isinstance(entry, Gap):
            gap += entry.missing or 0
            continue
        at = place.get((entry if isinstance(entry, str) else entry.text).rstrip())
        if at is None:
            invented += 1
        elif at < expected:
            doubled += 1
        else:
            found += 1
            jumped = at - expected
            in_gaps += min(gap, jumped)
            lost += max(0, jumped - gap)
            invented += max(0, gap - jumped)
            expected, gap = at + 1, 0
    left = len(printed) - expected
    return Checked(found, in_gaps + min(gap, left), lost + max(0, left - gap), doubled, invented + max(0, gap - left))


def main(argv: Sequence[str]) -> int:
    return measured_on_each_mux(argv, __doc__ or "", many, one)


def lines_of(program: Program, tag: str, count: int) -> list[str]:
    return [
        f"line {tag}.{program.name} {number:06d} of a burst, as a build or a test run prints them"
        for number in range(count)
    ]


class Burst(NamedTuple):
    checked: list[Checked]
    seconds: float
    """From the first write to the last commit."""


def burst(sidecar: Sidecar, programs: Programs, who: Sequence[Program], tag: str, count: int) -> Burst:
    """*count* lines in each pane of *who*; returns when what passed above the screens is committed and checked."""
    # Full screens first: from then on a line that is printed is a row that passes above the top.
    programs.run(who, "count_to", tag=f"{tag}-before", count=2 * ROWS)
    settle(sidecar.mux)
    stored = Stored(sidecar)
    before = stored.settled()
    shown = {program.name: sidecar.screen_rows(program.pane_id) for program in who}
    answers = programs.run(who, "count_to", tag=tag, count=count, within_s=300)
    ended_ns = stored.wait_for({program.pane_id: before[program.pane_id] + count for program in who}, within_s=180)
    settle(sidecar.mux)
    stored.settled()
    checked: list[Checked] = []
    for program in who:
        entries = stored.log(program.pane_id, before[program.pane_id])
        printed = shown[program.name] + lines_of(program, tag, count)
        checked.append(check(printed, [*entries, *sidecar.screen_rows(program.pane_id)]))
    stored.close()
    return Burst(checked, (ended_ns - min(answer["began_ns"] for answer in answers)) / 1e9)


def many(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    count = MANY_LINES // 4 if chosen.quick else MANY_LINES
    mux = Mux(here, kind)
    programs = Programs(mux, MANY_PANES, rows=ROWS)
    sidecar = Sidecar(here, mux)
    who = programs.some(MANY_PANES)
    sidecar.wait_for_panes([program.pane_id for program in who])
    runs: list[Burst] = []
    for number in range(chosen.runs):
        say(f"bursts, {mux.version}, {MANY_PANES} x {count:,} lines: run {number + 1} of {chosen.runs}")
        runs.append(burst(sidecar, programs, who, f"m{number}", count))
    every = [checked for run in runs for checked in run.checked]
    printed = count * MANY_PANES
    # In this case a Gap is a loss too: everything fits into the scrollback.
    lost = max(sum(checked.lost + checked.in_gaps for checked in run.checked) for run in runs)
    doubled = max(sum(checked.doubled + checked.invented for checked in run.checked) for run in runs)
    name, against = f"{kind}, {MANY_PANES} x {count:,} lines", f"{printed:,} printed a run, {len(every)} logs read"
    seconds = median([run.seconds for run in runs])
    return [
        Figure(f"bursts.lost ({name})", lost, "rows", against, None, "0", lost == 0, "the worst run"),
        Figure(f"bursts.doubled ({name})", doubled, "rows", against, None, "0", doubled == 0),
        Figure(f"bursts.stored ({name})", printed / seconds, "rows/s", f"{seconds:.1f} s to the last commit"),
    ]


def one(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    count = ONE_LINES // 5 if chosen.quick else ONE_LINES
    mux = Mux(here, kind)
    programs = Programs(mux, 1, rows=ROWS)
    program = programs[0]
    wrong, rates, bare_rates, stored = [], [], [], []
    for number in range(chosen.runs):
        say(f"bursts, {mux.version}, 1 x {count:,} lines: run {number + 1} of {chosen.runs}")
        sidecar = Sidecar(here, mux)
        sidecar.wait_for_panes([program.pane_id])
        run = burst(sidecar, programs, [program], f"o{number}", count)
        sidecar.end()
        (checked,) = run.checked
        wrong.append(checked.lost + checked.doubled + checked.invented)
        stored.append(checked.found)
        rates.append(checked.found / run.seconds)

        drain = Role(here, "benchmarks.bare", "drain", str(mux.socket))
        tag = f"b{number}"
        drain.ask(pane_id=program.pane_id, last=f"line {tag}.{program.name} {count - 1:06d}")
        programs.tell([program], "count_to", tag=tag, count=count)
        drained = drain.hear()
        (answer,) = programs.gather([program.name], within_s=120)
        drain.end()
        bare_rates.append((drained["rows"] + ROWS) / (drained["ended_ns"] - answer["began_ns"]) * 1e9)
    rate, bare = median(rates), median(bare_rates)
    ratio = median([mine / other for mine, other in zip(rates, bare_rates, strict=True)])
    name = f"{kind}, 1 x {count:,} lines"
    return [
        Figure(
            f"bursts.unaccounted ({name})",
            max(wrong),
            "rows",
            "printed = stored + in gaps + on screen",
            None,
            "0",
            max(wrong) == 0,
            f"the worst run; in the median {median(stored):,.0f} rows were kept ({SCROLLBACK_ROWS:,} of scrollback)",
        ),
        Figure(
            f"bursts.rate ({name})",
            rate,
            "rows/s",
            f"bare client, {UNDER_WAY} requests under way {bare:,.0f}",
            ratio,
            f">= {GOAL_RATE}x",
            ratio >= GOAL_RATE if kind == "real" else None,
        ),
    ]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
