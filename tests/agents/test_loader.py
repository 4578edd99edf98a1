"""The shipped packs and the user's files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.codex_rows import MINE
from wa.agents.loader import Agents, load
from wa.model.errors import ConfigError


def put(folder: Path, name: str, text: str, *, stamp: int) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    os.utime(path, ns=(stamp, stamp))
    return path


def test_every_shipped_pack_compiles_and_has_its_aliases() -> None:
    """People say claude, claude-code, gemini-cli."""
    agents = Agents(None)

    assert {"codex", "claude_code", "gemini"} <= set(agents.detectors)
    names = {word: agents.name_of(word) for word in ("claude", "Claude-Code", "gemini-cli", "codex", "nobody")}
    assert names == {
        "claude": "claude_code",
        "Claude-Code": "claude_code",
        "gemini-cli": "gemini",
        "codex": "codex",
        "nobody": None,
    }


def test_a_rule_of_the_users_joins_the_shipped_ones(tmp_path: Path) -> None:
    """It speaks, and the shipped ones still do."""
    put(tmp_path, "mine.toml", MINE, stamp=1)
    agents = Agents(tmp_path)

    ids = [rule.id for rule in agents.detectors["codex"].pack.rules]
    assert "codex.mine.deploy" in ids
    assert "codex.usage.limit" in ids
    page = ["", "  Deploy to production?", "", "› 1. Yes", "  2. No", "", "  enter select"]
    reading = agents.detectors["codex"].read_text(page, cols=80, visible=7, at_ms=0, zone="UTC")
    assert (reading.state, reading.rule) == ("waiting.choice", "codex.mine.deploy")


def test_a_rule_of_a_known_id_takes_the_shipped_ones_place(tmp_path: Path) -> None:
    """At its place in the order, once."""
    put(tmp_path, "mine.toml", MINE.replace("codex.mine.deploy", "codex.usage.limit"), stamp=1)

    before = [rule.id for rule in Agents(None).detectors["codex"].pack.rules]
    after = Agents(tmp_path).detectors["codex"].pack.rules
    assert [rule.id for rule in after] == before
    assert next(rule for rule in after if rule.id == "codex.usage.limit").event == "waiting.choice"


def test_a_new_agent_needs_a_name_and_its_rules(tmp_path: Path) -> None:
    """Any TOML file with a name of its own is one more agent."""
    put(tmp_path, "x.toml", 'name = "mybot"\naliases = ["bot"]\nprocesses = ["mybot"]\n', stamp=1)

    assert Agents(tmp_path).name_of("bot") == "mybot"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('name = "codex"\n[[rule]]\nid = oops\n', 3, "Invalid"),
        (MINE.replace("Deploy to production\\?)']", "Deploy (']"), 3, "codex.mine.deploy"),
        (MINE.replace('region = "dialog"', 'region = "nowhere"'), 3, "nowhere"),
        (MINE.replace("anchors", "anchor"), 3, "unknown key"),
        ("aliases = []\n", 1, "name"),
        (MINE + MINE.removeprefix('name = "codex"\n'), 3, "two"),
    ],
)
def test_a_broken_file_is_refused_with_line_and_reason(tmp_path: Path, text: str, line: int, reason: str) -> None:
    """And nothing of it is in force."""
    put(tmp_path, "mine.toml", text, stamp=1)
    agents = Agents(tmp_path)

    assert [(one.line, reason in one.reason) for one in agents.troubles] == [(line, True)]
    assert [rule.id for rule in agents.detectors["codex"].pack.rules] == [
        rule.id for rule in Agents(None).detectors["codex"].pack.rules
    ]
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        load(tmp_path)


def test_the_last_good_one_stays_while_a_file_is_broken(tmp_path: Path) -> None:
    """Until it is mended, or taken away."""
    path = put(tmp_path, "mine.toml", MINE, stamp=1)
    agents = Agents(tmp_path)
    has = lambda: any(rule.id == "codex.mine.deploy" for rule in agents.detectors["codex"].pack.rules)  # noqa: E731

    put(tmp_path, "mine.toml", "name = ", stamp=2)
    assert agents.reload()
    assert agents.troubles
    assert has()
    put(tmp_path, "mine.toml", MINE, stamp=3)
    assert agents.reload()
    assert not agents.troubles
    assert has()
    assert not agents.reload()
    path.unlink()
    assert agents.reload()
    assert not has()


@pytest.mark.parametrize(
    "body", ["rule = [1]", 'rule = "x"', "rule = 5", "rule = [[1]]", 'title = "x"', "processes = 5", "composer = [1]"]
)
def test_a_file_of_another_form_is_refused_and_the_rest_stays(tmp_path: Path, body: str) -> None:
    """A text where a table belongs stops nobody."""
    put(tmp_path, "mine.toml", f'name = "codex"\n{body}\n', stamp=1)
    put(tmp_path, "other.toml", MINE, stamp=1)

    agents = Agents(tmp_path)

    assert [trouble.path.name for trouble in agents.troubles] == ["mine.toml"]
    assert "codex.mine.deploy" in {rule.id for rule in agents.detectors["codex"].pack.rules}


def test_agents_that_were_never_run_here_say_so() -> None:
    """What is known of them from public sources alone is marked, rule by rule."""
    for name in ("opencode", "aider", "amp"):
        rules = Agents(None).detectors[name].pack.rules
        assert rules
        assert all(rule.unproven for rule in rules)


def test_words_from_public_sources_are_read() -> None:
    """aider asks, opencode leaves its session."""
    detectors = Agents(None).detectors
    ask = ["Aider v0.86.2", "> go", "Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]:"]
    reading = detectors["aider"].read_text(ask, cols=80, visible=20, at_ms=0, zone="UTC")
    assert reading.state == "waiting.approval"
    assert reading.detections[-1].fields["question"] == "Run shell command?"
    left = ["  Session   fix it", "  Continue  opencode -s ses_" + "a" * 26, "$ "]
    reading = detectors["opencode"].read_text(left, cols=80, visible=20, at_ms=0, zone="UTC")
    assert [one.fields["session_id"] for one in reading.detections] == ["ses_" + "a" * 26]
