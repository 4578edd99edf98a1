"""Which examples hypothesis draws, and at the end of a run: which multiplexers the contract suite used."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

# A verdict must not depend on luck: the same examples every time. `make fuzz` draws new ones.
hypothesis.settings.register_profile("verdict", derandomize=True, deadline=None)
hypothesis.settings.register_profile("fuzz", deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("WA_HYPOTHESIS", "verdict"))

# A shell without job control starts what it puts into the background deaf to Ctrl-C, and so would be all that is under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    used: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, value in report.user_properties:
                    if name == "multiplexer":
                        used[str(value)] = used.get(str(value), 0) + 1
    if used:
        terminalreporter.section("multiplexers of the contract suite")
        for name, count in sorted(used.items()):
            terminalreporter.line(f"{name}: {count} tests")
