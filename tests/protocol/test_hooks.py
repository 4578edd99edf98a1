"""What is kept of what agents write to their hooks."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from wa.protocol.hooks import KEPT, reduced, session_id

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(KEPT), inner, max_size=5),
    max_leaves=10,
)


def test_no_prompt_no_answer_and_no_tool_input_is_kept() -> None:
    """As Claude Code 2.1.328 and Codex 0.169.0 write them."""
    stop = {
        "session_id": "s",
        "cwd": "/w",
        "hook_event_name": "Stop",
        "last_assistant_message": "secret",
        "effort": {"level": "x"},
    }
    tool = {
        "session_id": "s",
        "tool_name": "Bash",
        "tool_input": {"command": "secret"},
        "permission_suggestions": ["secret"],
    }
    turn = {
        "type": "agent-turn-complete",
        "thread-id": "t",
        "input-messages": ["secret"],
        "last-assistant-message": "secret",
    }
    compact = {"session_id": "s", "trigger": "manual", "compact_summary": "secret", "custom_instructions": "secret"}

    kept = [reduced(payload) for payload in (stop, tool, turn, compact)]

    assert "secret" not in json.dumps(kept)
    assert kept[1] == {"session_id": "s", "tool_name": "Bash"}
    assert [session_id(one) for one in kept] == ["s", "s", "t", "s"]


@given(JSON)
def test_whatever_comes_is_small_and_flat(payload: object) -> None:
    """Anybody may call a hook with anything."""
    kept = reduced(payload)

    assert kept.keys() <= set(KEPT)
    assert all(isinstance(value, bool | str) for value in kept.values())
    assert reduced(kept) == kept
    session_id(kept)


def test_a_long_value_is_no_word_of_an_agent() -> None:
    """It is left out, not cut: half an id is another id."""
    assert reduced({"session_id": "x" * 1000, "reason": "exit", "cwd": "/" + "d" * 1000}) == {
        "reason": "exit",
        "cwd": "/" + "d" * 1000,
    }
