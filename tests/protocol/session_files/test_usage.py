from __future__ import annotations

from wa.protocol.session_files.records import Tokens
from wa.protocol.session_files.usage import MAX_MODELS, MAX_REQUESTS, Usage


def test_a_late_change_of_an_old_turns_request_leaves_the_new_turn_alone() -> None:
    """It counts for the session, not for the turn that runs now."""
    usage = Usage(from_start=True)
    usage.turn_began()
    usage.counted(None, "m", "r1", Tokens(10, 0, 1, 0))
    usage.turn_began()
    usage.counted(None, "m", "r2", Tokens(20, 0, 1, 0))
    late = usage.counted(None, "m", "r1", Tokens(10, 0, 5, 0))
    assert late is not None
    assert (late.turn, late.total) == (Tokens(20, 0, 1, 0), Tokens(30, 0, 6, 0))


def test_memory_is_bounded() -> None:
    """Whatever a file says, only so many models and requests are remembered; sums stay right."""
    usage = Usage(from_start=True)
    for i in range(2000):
        usage.counted(None, f"model {i}", f"request {i}", Tokens(1, 0, 0, 0))
    assert len(usage._total) <= MAX_MODELS + 1
    assert len(usage._requests) == MAX_REQUESTS
    assert sum(tokens.input for tokens in usage._total.values()) == 2000
