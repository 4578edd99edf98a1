"""What redaction costs, ordinary text and hostile; and what it takes that is no secret.

    python -m benchmarks.store_redaction [--json] [--quick]

Ordinary is the made-up terminal output of the store's other benchmarks. Hostile is every literal that the rules look
for, with every continuation that leads some rule further, over and over: thousands of texts, of which the worst
counts. The processor's time is measured, on one thread.

What is no secret is the source code of all packages that are installed beside wa: the few passwords in it are
examples.
"""

from __future__ import annotations

import argparse
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.harness import Figure, median, report, say
from benchmarks.store_text import Text
from wa.store.redact import redact, redact_rows
from wa.store.redact.rules import LITERALS

PROSE_ROWS = 14_000
TRIED_BYTES = 50_000
WORST = 12
"""So many of the worst are measured again, at full length."""
GOAL_RATIO = 50
CONTINUATIONS = (
    *("", " ", "=", "\n", ": ", "x ", "=a ", "='", '="a b" ', "aB3", " is a ", " 123456 ", "/?#@:", "a://"),
    *("=aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3 ", "aB3aB3aB3aB3aB3aB3aB3aB3aB3\n", "-----\n", " │ "),
)


def seconds_per_mb(text: str, *, is_open: bool = False, runs: int = 1) -> float:
    rows = text.split("\n")
    wraps = [False] * (len(rows) - 1) + [is_open]
    took: list[float] = []
    for _ in range(runs):
        begun = time.thread_time()
        redact_rows(rows, wraps)
        took.append(time.thread_time() - begun)
    return median(took) / len(text) * 1e6


def hostile() -> Iterator[tuple[str, bool]]:
    """What is repeated, and whether the last line is still open."""
    for literal in LITERALS:
        for continuation in CONTINUATIONS:
            yield literal + continuation, False
            yield (literal + continuation).replace("\n", " "), True


def repeated(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def cost(*, quick: bool) -> Figure:
    prose = "\n".join(Text(seed=3).take(PROSE_ROWS))
    pieces = [*hostile()][:: 40 if quick else 1]
    tried = sorted(
        ((seconds_per_mb(repeated(piece, TRIED_BYTES), is_open=is_open), piece, is_open) for piece, is_open in pieces),
        reverse=True,
    )
    ordinary = seconds_per_mb(prose, runs=9)
    worst = max(
        (seconds_per_mb(repeated(piece, 1_000_000), is_open=is_open, runs=5), piece)
        for _, piece, is_open in tried[:WORST]
    )
    ratio = worst[0] / ordinary
    say(f"{len(pieces):,} hostile texts; the worst repeats {worst[1]!r}")
    note = (
        f"the worst of {len(pieces):,} texts repeats {worst[1]!r}; ordinary text {ordinary * 1000:.1f} ns a character"
    )
    return Figure(
        *("store: redaction of hostile text, worst", worst[0], "s/MB", f"ordinary text {ordinary:.4f} s/MB", ratio),
        *(f"<= {GOAL_RATIO} x ordinary", ratio <= GOAL_RATIO, note),
    )


def placeholders(text: str) -> list[str]:
    return [rest.partition("]")[0] for rest in text.split("[redacted:")[1:]]


def taken(*, quick: bool) -> Figure:
    kinds: Counter[str] = Counter()
    size = 0
    for path in sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*.py"))[:: 10 if quick else 1]:
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError):
            continue
        size += len(text)
        shown = redact(text)
        kinds.update(placeholders(shown))
        kinds.subtract(placeholders(text))
    by_kind = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common() if count)
    note = f"{size / 1e6:.0f} MB of installed Python; {by_kind}"
    return Figure("store: taken out of source code", sum(kinds.values()) / size * 1e6, "per MB", note=note)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="every fortieth text: a smoke test, no measurement")
    chosen = parser.parse_args(argv)
    return report([cost(quick=chosen.quick), taken(quick=chosen.quick)], as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
