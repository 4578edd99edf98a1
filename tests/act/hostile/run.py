"""Ten thousand trials, or one again: `python tests/act/hostile/run.py --trials 10000`, `--seed 4711`."""

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from act.hostile import world
from act.hostile.trial import run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this one, with what happened")
    wish = parser.parse_args()
    if wish.seed is not None:
        world.VERBOSE = True
        found = run(wish.seed)
        print(found.about, "→", found.outcome)
        for note in found.notes:
            print("  at", *note)
        print(dict(found.faults) or "nothing went wrong")
        return 1 if found.failures else 0
    outcomes, faults, failed = Counter(), Counter(), []
    with ProcessPoolExecutor() as pool:
        for found in pool.map(run, range(wish.first, wish.first + wish.trials), chunksize=50):
            outcomes[found.outcome] += 1
            faults.update(found.faults)
            if found.failures:
                failed.append(found)
    print(f"{wish.trials} trials:", ", ".join(f"{name} {n}" for name, n in outcomes.most_common()))
    for what, n in sorted(faults.items()):
        print(f"  {n:5} {what}")
    for found in failed[:20]:
        print(f"SEED={found.seed}: {found.failures} ({found.about} → {found.outcome})")
    print(f"{len(failed)} failed" + (f"; replay one with: make hostile SEED={failed[0].seed}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
