"""What the rules say about files, and what is said of rules that cannot be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.codex_rows import BANNER, COMPOSER, LIMIT, MINE
from wa.api.rules import ScanWish, instant, lint, list_rules, plain_rows, scan, show_rule, try_file, zone_named
from wa.config.paths import Paths
from wa.model.errors import ConfigError, NotFound, UsageError

AT = "2026-11-21T12:00:00Z"
AT_MS = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp() * 1000)
PLAIN = "\n".join([*BANNER, *LIMIT, *COMPOSER]) + "\n"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths.from_env({"WA_HOME": str(tmp_path / "wa")})
    (made.config / "agents").mkdir(parents=True)
    return made


def screen(folder: Path, text: str | bytes) -> Path:
    path = folder / "screen.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def scanned(paths: Paths, file: Path, **wish: Any) -> dict[str, Any]:
    (line,) = scan(paths, ScanWish("codex", (file,), at=AT, zone="America/Chicago", **wish), 0)
    return json.loads(json.dumps(line))


def test_a_line_per_file_with_state_events_and_fields(paths: Paths, tmp_path: Path) -> None:
    """The reset is resolved from the zone and the instant that are given."""
    line = scanned(paths, screen(tmp_path, PLAIN))

    assert line["file"].endswith("screen.txt")
    assert line["state"] == "limited"
    (limit,) = [one for one in line["events"] if one["event"] == "usage.limit"]
    assert limit["rule"] == "codex.usage.limit"
    assert limit["fields"]["resets_at"] == "2026-11-21T06:38:00-06:00"
    assert set(line) == {"file", "state", "events"}
    assert all(set(one) == {"event", "fields", "rule"} for one in line["events"])


SGR = st.sampled_from(
    ["\x1b[31m", "\x1b[0m", "\x1b[38;2;1;2;3m", "\x1b[1;4m", "\x1b[4:3m", "\x1b]8;;http://x\x1b\\", "\x1b]8;;\x07"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.tuples(st.integers(0, len(PLAIN)), SGR), max_size=8), crlf=st.booleans())
def test_colour_links_and_line_ends_change_nothing(
    paths: Paths, tmp_path: Path, cuts: Sequence[tuple[int, str]], crlf: bool
) -> None:
    """As `wezterm cli get-text --escapes` prints them, around any part; and as Windows ends lines."""
    text = PLAIN
    for at, escape in sorted(cuts, reverse=True):
        text = text[:at] + escape + text[at:]
    if crlf:
        text = text.replace("\n", "\r\n")

    line = scanned(paths, screen(tmp_path, text))

    assert line["events"] == scanned(paths, screen(tmp_path, PLAIN))["events"]


@pytest.mark.parametrize("data", [b"", b"\n", b"\x00\xff\xfe\x1b[", b"\x1b]0;never ended", "é".encode("latin-1") * 500])
def test_any_bytes_are_a_screen(paths: Paths, tmp_path: Path, data: bytes) -> None:
    """Nothing raises; nothing is made up."""
    line = scanned(paths, screen(tmp_path, data))

    assert line["events"] == []


def test_the_end_of_the_last_row_begins_no_row() -> None:
    """Blank rows above it stay."""
    assert plain_rows("a\n\nb\n") == ["a", "", "b"]
    assert plain_rows("a\r\nb") == ["a", "b"]
    assert plain_rows("") == []


def test_a_file_that_is_not_there_an_unknown_agent_and_zone_say_what_to_do(paths: Paths, tmp_path: Path) -> None:
    """Each with a next step."""
    file = screen(tmp_path, PLAIN)
    for wish, error, step in (
        (ScanWish("codex", (tmp_path / "none",)), UsageError, "Name a file"),
        (ScanWish("codex", (tmp_path,)), UsageError, "Name a file"),
        (ScanWish("nobody", (file,)), NotFound, "codex"),
        (ScanWish("codex", (file,), zone="Nowhere/Else"), UsageError, "Europe/Berlin"),
        (ScanWish("codex", (file,), zone="../../etc/passwd"), UsageError, "Europe/Berlin"),
        (ScanWish("codex", (file,), zone=""), UsageError, "Europe/Berlin"),
        (ScanWish("codex", (file,), at="yesterday"), UsageError, "ISO 8601"),
    ):
        with pytest.raises(error) as caught:
            list(scan(paths, wish, 0))
        assert step in caught.value.next_step


def test_an_instant_without_an_offset_is_of_the_zone() -> None:
    """And of UTC where no zone is known."""
    assert instant("2026-11-21T06:00", "America/Chicago") == AT_MS
    assert instant("2026-11-21T12:00", "") == AT_MS
    assert instant(AT, "America/Chicago") == AT_MS
    assert zone_named("America/Chicago") == "America/Chicago"


def test_people_name_agents_as_they_call_them(paths: Paths, tmp_path: Path) -> None:
    """claude, claude-code, gemini-cli; and the result tells the name in use."""
    result = try_file(paths, "claude", screen(tmp_path, "x\n"), rows=24, cols=80, at_ms=0, zone="UTC")

    assert result["agent"] == "claude_code"
    assert {rule["agent"] for rule in list_rules(paths, "gemini-cli")["rules"]} == {"gemini"}


def test_rules_of_the_users_are_listed_shown_and_asked(paths: Paths, tmp_path: Path) -> None:
    """Beside the shipped ones."""
    (paths.config / "agents/mine.toml").write_text(MINE)

    assert "codex.mine.deploy" in {rule["id"] for rule in list_rules(paths, None)["rules"]}
    (rule,) = show_rule(paths, "codex.mine.deploy")["rules"]
    assert rule["anchors"]
    assert rule["seen"] == "mine; 2026-11-21"
    with pytest.raises(NotFound) as caught:
        show_rule(paths, "usage.limit")
    assert "codex.usage.limit" in caught.value.details["candidates"]


def test_a_broken_file_of_the_users_is_an_error_with_its_line(paths: Paths) -> None:
    """A command has nobody to tell it later."""
    (paths.config / "agents/mine.toml").write_text(MINE.replace("match = [", "match = [5, "))

    with pytest.raises(ConfigError) as caught:
        list_rules(paths, None)
    assert "mine.toml:3" in caught.value.message


def test_lint_names_what_is_wrong_with_a_file(paths: Paths, tmp_path: Path) -> None:
    """Files that cannot be read, are no TOML, or hold a rule that cannot be; one line each, and nothing raises."""
    good, broken, form = tmp_path / "good.toml", tmp_path / "broken.toml", tmp_path / "form.toml"
    good.write_text(MINE)
    broken.write_text("name = ")
    form.write_text('name = "codex"\nrule = 5\n')

    result = lint(paths, [good, broken, form, tmp_path / "none.toml"])

    assert result["rules"] == 1
    wrong = [problem for problem in result["problems"] if "good.toml" not in problem and "codex.mine" not in problem]
    assert [Path(problem.partition(".toml")[0]).name for problem in wrong] == ["broken", "form", "none"]
