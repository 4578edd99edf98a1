"""Ten thousand trials of each kind, or one again: `python tests/act/hostile/run.py --trials 10000`, `--kind whole --seed 4711`.

Kinds: `act`, the generators that type, and `whole`, a sidecar with all that acts (tests/engine/hostile).
"""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from act.hostile import trial as act
from act.hostile import world
from engine.hostile import trial as whole

KINDS = {"act": act.run, "whole": whole.run}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this one, with what happened")
    parser.add_argument("--kind", choices=KINDS, help="only these; a seed alone is one of `act`")
    wish = parser.parse_args()
    if wish.seed is not None:
        return again(KINDS[wish.kind or "act"], wish.seed)
    return max([many(kind, wish) for kind in KINDS if wish.kind in (None, kind)])


def again(run, seed):
    world.VERBOSE = True
    found = run(seed)
    print(found.about, "→", found.outcome)
    for note in found.notes:
        print("  at", *note)
    print(dict(found.faults) or "nothing went wrong")
    return 1 if found.failures else 0


def many(kind, wish):
    outcomes, faults, failed, began = Counter(), Counter(), [], time.monotonic()
    with ProcessPoolExecutor() as pool:
        for found in pool.map(KINDS[kind], range(wish.first, wish.first + wish.trials), chunksize=50):
            outcomes.update(found.outcomes)
            faults.update(found.faults)
            if found.failures:
                failed.append(found)
    took_s = time.monotonic() - began
    print(f"{wish.trials} trials of {kind}, {wish.trials / took_s:.0f} a second:")
    print(" ", ", ".join(f"{name} {n}" for name, n in outcomes.most_common()))
    for what, n in sorted(faults.items()):
        print(f"  {n:5} {what}")
    for found in failed[:20]:
        print(f"KIND={kind} SEED={found.seed}: {found.failures} ({found.about} → {found.outcome})")
    replay = f"; replay one with: make hostile KIND={kind} SEED={failed[0].seed}" if failed else ""
    print(f"{len(failed)} failed{replay}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
