"""What `wa doctor --fix` does about findings: runs the safe commands in order, names the others."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from shlex import join

from wa.api.doctor import examine
from wa.config.paths import Paths
from wa.protocol.results import DoctorResult, FixableFinding, FixResult
from wa.wezterm.processes import run

WITHIN_S = 120.0
SAID_CHARACTERS = 300


CONSENTED = (("wa", "setup", "undo"),)
"""Run only where the user said --yes: what they take back was begun by the user."""


def to_fix(findings: Sequence[FixableFinding], *, yes: bool) -> list[FixResult]:
    """What there is to do, each command once: the safe ones first, in the order of the findings."""
    named: dict[tuple[str, ...], FixResult] = {}
    for one in sorted(findings, key=lambda one: not one["safe"]):
        if one["fix"] is None:
            continue
        runs = one["safe"] or (yes and _is_consented(one["fix"]))
        fix = FixResult(
            argv=one["fix"],
            what=one["what"],
            state="to_do" if runs else "left",
            trouble=None,
            next_step=None if runs else one["next_step"],
        )
        named.setdefault(tuple(one["fix"]), fix)
    return list(named.values())


def _is_consented(argv: Sequence[str]) -> bool:
    return any(tuple(argv[: len(head)]) == head for head in CONSENTED)


async def mend(paths: Paths, before: DoctorResult, *, yes: bool, hosts: bool = False) -> DoctorResult:
    """Runs what may be run, then looks again.

    What was interrupted is taken back first, and the rest found anew: it may be of that.
    """
    done = list[FixResult]()
    findings = before["findings"]
    if taken_back := [
        one for one in to_fix(findings, yes=yes) if one["state"] == "to_do" and _is_consented(one["argv"])
    ]:
        done += await perform(taken_back)
        findings = (await examine(paths, hosts=hosts))["findings"]
    tried = {tuple(one["argv"]) for one in done}
    done += await perform([one for one in to_fix(findings, yes=yes) if tuple(one["argv"]) not in tried])
    after = await examine(paths, hosts=hosts)
    return DoctorResult(
        version=after["version"],
        findings=after["findings"],
        worst=after["worst"],
        fixes=done,
        elapsed_ms=before["elapsed_ms"] + after["elapsed_ms"],
    )


async def perform(fixes: Sequence[FixResult]) -> list[FixResult]:
    """Runs those that are to do, one after the other; one that fails stops none."""
    return [await _performed(fix) if fix["state"] == "to_do" else fix for fix in fixes]


async def _performed(fix: FixResult) -> FixResult:
    argv = fix["argv"]
    try:
        done = await run(whole(argv), timeout_s=WITHIN_S, env=_environment())
    except TimeoutError:
        return _failed(fix, f"it did not end within {WITHIN_S:g} s")
    except OSError as error:
        return _failed(fix, f"it cannot be started: {error.strerror or error}")
    if done.status != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        return _failed(fix, said[-SAID_CHARACTERS:] or f"it ended with {done.status}")
    return FixResult(argv=argv, what=fix["what"], state="done", trouble=None, next_step=None)


def _failed(fix: FixResult, trouble: str) -> FixResult:
    step = f"Run `{join(fix['argv'])}` yourself, and see what it says."
    return FixResult(argv=fix["argv"], what=fix["what"], state="failed", trouble=trouble, next_step=step)


def whole(argv: Sequence[str]) -> list[str]:
    """`wa …` as the very installation that runs now."""
    return [sys.executable, "-P", "-m", "wa", *argv[1:]] if argv[0] == "wa" else list(argv)


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1"}
