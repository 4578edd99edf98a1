from pathlib import Path

import pytest

from wa.agents.loader import Agents, FileTrouble
from wa.model.profile import parse_versions

AGENTS = Agents(None)
TYPED_INTO = ("claude_code", "codex", "gemini")


@pytest.mark.parametrize("name", TYPED_INTO)
def test_what_is_needed_to_act_is_known_of_each_agent(name: str) -> None:
    """How to type, to end a turn, to end and to resume it, and to close the box of a limit."""
    profile = AGENTS.profiles[name]

    assert profile.composer
    assert profile.interrupt
    assert profile.exit_way("0.87.0") is not None
    assert profile.resume.count("{session_id}") == 1
    assert profile.limit_close
    assert 0 <= profile.send.paste_pause_s <= 0.5


def test_an_agent_of_which_nothing_is_known_is_not_typed_into_as_one() -> None:
    """Its pane is treated as any program's."""
    assert [name for name, profile in AGENTS.profiles.items() if profile.composer] == list(TYPED_INTO)


@pytest.mark.parametrize(
    ("agent", "question", "label", "effects"),
    [
        ("codex", "Approaching rate limits", "Switch to gpt-6-luna", {"model"}),
        ("codex", "Approaching rate limits", "Keep current model", {"keep"}),
        ("codex", "Request a limit increase from your owner to continue?", "Yes (y)", {"money"}),
        ("claude_code", "Do you want to use this API key?", "Yes", {"login"}),
        ("claude_code", "Do you want to proceed?", "Yes", {"approve"}),
        ("claude_code", "Do you want to proceed?", "Yes, and don't ask again for x", {"approve", "always"}),
        ("gemini", "Usage limit reached for all Pro models.", "Upgrade for higher limits", {"money"}),
        ("gemini", "Usage limit reached for all Pro models.", "Stop", {"stop"}),
        ("gemini", "Which database should I use?", "Postgres", {"unknown"}),
    ],
)
def test_what_an_option_does_is_known_or_said_to_be_unknown(
    agent: str, question: str, label: str, effects: set[str]
) -> None:
    """The question counts too: a yes is not always the same."""
    assert AGENTS.profiles[agent].effects(label, question) == effects


def test_codex_is_ended_otherwise_since_it_asks() -> None:
    """January's goes by one Ctrl-C; today's may ask what becomes of its task."""
    old, new = (AGENTS.profiles["codex"].exit_way(version) for version in ("0.87.0", "0.169.0"))

    assert old is not None
    assert new is not None
    assert (len(old.steps), [bool(step.choose) for step in new.steps]) == (1, [False, True])


@pytest.mark.parametrize(
    ("bounds", "version", "fits"),
    [
        (">=0.100", "0.169.0", True),
        (">=0.100", "0.87.0", False),
        (">=0.100, <0.169", "0.169.0", False),
        ("==2.1", "2.1.0", True),
        (">=0.100", None, False),
        ("", None, True),
        (">=2", "v2.1.328-beta.1", True),
    ],
)
def test_versions_are_compared_number_by_number(bounds: str, version: str | None, fits: bool) -> None:
    """A version that nobody knows fits only where none is asked for."""
    assert parse_versions(bounds).fits(version) is fits


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("[send]\npaste_pause_ms = -1\nseen = 'x'", 2, "paste_pause_ms"),
        ("[send]\npaste_pause_ms = 5", 2, "seen"),
        ("[send]\nspeed = 5\nseen = 'x'", 2, "speed"),
        ("[interrupt]\nkeys = ['any key']\nseen = 'x'", 2, "any key"),
        ("[[exit]]\nseen = 'x'\nsteps = [{ keys = ['ctrl+c'], text = '/quit' }]", 2, "one of"),
        (
            "[[exit]]\nseen = 'x'\nsteps = [{ keys = ['ctrl+c'] }]\n\n[[exit]]\nversions = 'new'\nsteps = [{ text = 'x' }]\nseen = 'x'",
            6,
            "new",
        ),
        ("[resume]\ncommand = 'codex resume {cwd}'\nseen = 'x'", 2, "{cwd}"),
        ("[[option]]\nlike = '('\neffects = ['model']\nseen = 'x'", 2, "("),
        ("[[option]]\nlike = 'x'\neffects = ['rich']\nseen = 'x'", 2, "rich"),
        ("[limits]\nclose = 'Stop'\nseen = 'x'", 2, "list"),
    ],
)
def test_a_table_that_is_off_is_refused_with_its_line(tmp_path: Path, body: str, line: int, reason: str) -> None:
    """And the reason; what was good before stays in force."""
    path = tmp_path / "codex.toml"
    path.write_text(f'name = "codex"\n{body}\n', encoding="utf-8")

    with pytest.raises(FileTrouble) as caught:
        AGENTS.tried(path)
    assert reason in caught.value.trouble.reason
    assert caught.value.trouble.line == line


def test_a_table_of_the_users_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    """As all tables of an agent's file do."""
    (tmp_path / "mine.toml").write_text(
        'name = "codex"\n[resume]\ncommand = "cx resume {session_id}"\nseen = "my alias"\n', encoding="utf-8"
    )
    profile = Agents(tmp_path).profiles["codex"]

    assert profile.resume == "cx resume {session_id}"
    assert profile.exits == AGENTS.profiles["codex"].exits
