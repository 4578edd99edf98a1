import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from engine.hostile.trial import run

TRIALS = 200
played = cache(run)
TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize("first", range(0, TRIALS, 50))
def test_whatever_happens_around_a_sidecar_nothing_goes_where_it_is_not_meant(first):
    """No byte to a wrong place, no second submission, no draft lost or submitted, every outcome named, every run ended."""
    failed = [found for seed in range(first, first + 50) if (found := played(seed)).failures]

    assert not failed, f"make hostile KIND=whole SEED={failed[0].seed}: {failed[0]}"


def test_a_seed_replays_what_happened():
    """Chance comes from the seed alone, however many sidecars a trial took, and whichever process plays it."""
    said = [repr(run(seed)) for seed in range(8)]
    play = "import sys; sys.path.insert(0, sys.argv[1]); from engine.hostile.trial import run; print(*map(run, range(8)), sep='\\n')"
    env = {**os.environ, "PYTHONHASHSEED": "1"}
    again = subprocess.run([sys.executable, "-c", play, TESTS], env=env, capture_output=True, text=True, check=True)

    assert again.stdout.splitlines() == said


def test_most_trials_end_well():
    """The invariants are not kept by doing nothing."""
    outcomes = [outcome for seed in range(50) for outcome in played(seed).outcomes]

    assert sum(outcome.endswith((": submitted", ": chosen", ": resumed", ": primed")) for outcome in outcomes) > 40
