"""The first user's own samples yield exactly what they show: as pasted, at every width, however the rows were cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.screens import SEEDS, cut, detector_for, read_page, read_rows, rows_of, said, seeds
from wa.api.rules import plain_rows
from wa.detect.page import Page, page_of_text
from wa.detect.reading import Reading

OPTIONS = (
    "Claude account with subscription · Pro, Max, Team, or Enterprise",
    "Anthropic Console account · API usage billing",
)
OAUTH = (
    "https://claude.ai/oauth/authorize?code=true&client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e&response_type=code"
    "&redirect_uri=https%3A%2F%2Fconsole.anthropic.com%2Foauth%2Fcode%2Fcallback"
    "&scope=org%3Acreate_api_key+user%3Aprofile+user%3Ainference+user%3Asessions%3Aclaude_code"
    "&code_challenge=REDACTED_CHALLENGE&code_challenge_method=S256&state=REDACTED_STATE"
)
CODEX_ID = "019bcea5-acb4-7370-a50d-8a2b59553cf6"
TOKENS = {
    "mode": "closed",
    "total": 100_117,
    "input": 90_506,
    "cached": 3_008_512,
    "output": 9_611,
    "session_id": CODEX_ID,
}
RESUME = ("session.resume_hint", {"command": f"codex resume {CODEX_ID}", "session_id": CODEX_ID})
TWO_PM = ("usage.limit", {"reset": "2pm (America/New_York)", "reset_kind": "absolute"})
LIMIT_OPTIONS = [
    ("turn.done", {"duration": "6m 27s", "duration_s": 387.0}),
    TWO_PM,
    ("usage.popup", {"question": "Opening your options…"}),
]

TABLE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "claude-compaction.txt": [
        ("compaction.done", {}),
        ("session.start", {"version": "2.1.12", "model": "Opus 4.5", "plan": "Claude Max", "cwd": "/data/projects/lumera_ai"}),
    ],
    "claude-limit.txt": [
        ("turn.done", {"duration": "3m 44s", "duration_s": 224.0}),
        ("usage.limit", {"reset": "5pm (America/Chicago)", "reset_kind": "absolute"}),
    ],
    "claude-limit-options.txt": LIMIT_OPTIONS,
    "claude-limit-options-2.txt": LIMIT_OPTIONS,
    "claude-limit-login-url.txt": [
        ("auth.paste_code", {}),
        ("auth.url", {"url": OAUTH}),
        ("turn.done", {"duration": "12m 29s", "duration_s": 749.0}),
        TWO_PM,
    ],
    "claude-login-menu.txt": [
        ("turn.done", {"duration": "6m 27s", "duration_s": 387.0}),
        ("waiting.login", {"question": "Select login method:", "options": OPTIONS, "selected": OPTIONS[0]}),
    ],
    "claude-login-url.txt": [("auth.paste_code", {}), ("auth.url", {"url": OAUTH})],
    "codex-usage-warnings.txt": [
        ("usage.warning", {"remaining_percent": 10, "window": "5h"}),
        ("usage.warning", {"remaining_percent": 25, "window": "5h"}),
        ("usage.warning", {"remaining_percent": 5, "window": "5h"}),
    ],
    "codex-limit.txt": [
        (
            "usage.limit",
            {
                "reset": "Jan 18th, 2026 12:37 AM",
                "reset_kind": "absolute",
                "url": "https://chatgpt.com/codex/settings/usage",
            },
        ),
    ],
    "codex-exit.txt": [("session.end", {**TOKENS, "reasoning": 7_168}), RESUME],
    "codex-exit-short.txt": [("session.end", TOKENS), RESUME],
    "codex-device-login.txt": [
        ("auth.device_code", {"url": "https://auth.openai.com/codex/device", "code": "1F4J-LS4XN", "expires_s": 900.0}),
    ],
    "codex-login-done.txt": [("auth.ok", {})],
    "gemini-limit.txt": [
        ("usage.limit", {"model": "all Pro models", "reset_kind": "none"}),
        (
            "usage.popup",
            {
                "question": "Usage limit reached for all Pro models.",
                "options": ("Keep trying", "Stop"),
                "selected": "Keep trying",
            },
        ),
    ],
    "gemini-exit.txt": [
        (
            "session.end",
            {
                "mode": "closed",
                "session_id": "8165d1fb-751d-4b0c-8b0a-b2439af04dab",
                "tool_calls": {"total": 26, "ok": 26, "failed": 0},
                "wall_s": 5838.0,
                "agent_active_s": 147.0,
                "api_s": 90.0,
                "tool_s": 57.1,
                "models": (
                    {"model": "gemini-3-pro-preview", "reqs": 6, "input": 19_696, "cached": 133_284, "output": 446},
                    {"model": "gemini-3-flash-preview", "reqs": 12, "input": 175_438, "cached": 286_233, "output": 1_368},
                ),
            },
        ),
    ],
}  # fmt: skip

SEQUENCES = (
    "\x1b[0m", "\x1b[1;31m", "\x1b[38;2;255;107;128m", "\x1b[48:5:236m", "\x1b[K", "\x1b]8;;https://example.org/?a=b\x1b\\", "\x1b]8;;\x07",
    "\x1b(B",
)  # fmt: skip
WIDTHS = range(40, 301)
NAMES = [path.name for path in seeds()]


def shown(reading: Reading) -> list[tuple[str, dict[str, Any]]]:
    return sorted(said(reading), key=repr)


def expected(name: str) -> list[tuple[str, dict[str, Any]]]:
    return sorted(TABLE[name], key=repr)


def variants(name: str) -> list[list[str]]:
    """As pasted, without the blanks at the ends of rows, and with a plain blank for each U+00A0."""
    rows = rows_of(SEEDS / name)
    trimmed = [row.rstrip() for row in rows]
    both = [rows, trimmed]
    if any("\u00a0" in row for row in rows):
        both.append([row.replace("\u00a0", " ") for row in trimmed])
    return both


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_as_pasted_yields_exactly_the_table(name: str) -> None:
    """With and without the blanks at the ends of rows, with U+00A0 and without."""
    for rows in variants(name):
        assert shown(read_rows(detector_for(name), rows)) == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_the_same_at_every_width(name: str) -> None:
    """Cut at any column from 40 to 300: marked as cut by the terminal, or not; blanks at the cut kept, or lost; width told, or not."""
    detector = detector_for(name)
    wrong: list[str] = []
    for rows in variants(name):
        for cols in WIDTHS:
            pieces = [cut(row, cols) for row in rows]
            texts = [text for piece in pieces for text in piece]
            flags = [at < len(piece) - 1 for piece in pieces for at in range(len(piece))]
            trimmed = [text.rstrip() for text in texts]
            pages = {
                "marked": Page(texts, cols=cols, visible=45, wrapped=flags),
                "unmarked": page_of_text(texts, None, 45),
                "unmarked, trimmed": page_of_text(trimmed, None, 45),
                "unmarked, trimmed, width told": page_of_text(trimmed, cols, 45),
            }
            read = {how: shown(read_page(detector, page)) for how, page in pages.items()}
            wrong += [f"{how} at {cols}: {got}" for how, got in read.items() if got != expected(name)]
    assert not wrong, f"{len(wrong)}, first {wrong[0]}"


@given(st.data())
def test_colour_around_any_part_changes_nothing(data: st.DataObject) -> None:
    """`wa rules scan` reads files with escape sequences as what they draw."""
    name = data.draw(st.sampled_from(NAMES))
    text = (SEEDS / name).read_text("utf-8")
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    for place in sorted(places, reverse=True):
        text = text[:place] + data.draw(st.sampled_from(SEQUENCES)) + text[place:]
    assert plain_rows(text) == rows_of(SEEDS / name)


def test_a_reset_is_resolved_in_the_printed_zone_else_in_that_of_the_host() -> None:
    """An IANA name is taken at its word; Codex prints none, so the pane's host decides."""

    def resets_at(name: str) -> str:
        reading = read_rows(detector_for(name), rows_of(SEEDS / name))
        return next(str(one.fields["resets_at"]) for one in reading.detections if one.event == "usage.limit")

    assert resets_at("claude-limit.txt") == "2026-11-20T17:00:00-06:00"
    assert resets_at("claude-limit-options.txt") == "2026-11-20T14:00:00-05:00"
    assert resets_at("codex-limit.txt") == "2026-01-18T00:37:00-06:00"


def test_the_table_speaks_of_every_sample() -> None:
    assert set(TABLE) == set(NAMES)
