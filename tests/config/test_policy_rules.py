"""A person's rules are read exactly, or refused with their line."""

import asyncio

import pytest

from wa.api.config import show_config
from wa.config.paths import Paths
from wa.config.settings import Settings, parse
from wa.decide.rules import Rule, Verdict
from wa.model.action import ActionKind, ActorKind
from wa.model.errors import ConfigError

WHOLE = """
[policy]
human_quiet_s = 5

[[policy.rule]]
action = ["send", "choose"]
actor = "workflow"
workflow = "handle_usage_limits"
agent = ["codex", "none"]
state = ["waiting", "limited"]
pane = "p17"
effects = ["stop", "model"]
decision = "allow"
reason = "I said so"

[[policy.rule]]
decision = "deny"
"""


def refused(text):
    with pytest.raises(ConfigError) as caught:
        parse(text, "config.toml")
    return caught.value


def test_rules_are_read_in_their_order():
    """A text is a list of one; what is left out fits all."""
    policy = parse(WHOLE, "config.toml").policy

    assert policy.human_quiet_s == 5
    assert policy.rules == (
        Rule(
            "rule 1",
            Verdict.ALLOW,
            "I said so",
            frozenset({ActionKind.SEND, ActionKind.CHOOSE}),
            frozenset({ActorKind.WORKFLOW}),
            frozenset({"handle_usage_limits"}),
            frozenset({"codex", "none"}),
            frozenset({"waiting", "limited"}),
            frozenset({"p17"}),
            frozenset({"stop", "model"}),
        ),
        Rule("rule 2", Verdict.DENY),
    )
    assert Settings.defaults().policy.rules == ()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('decison = "allow"', "no such key"),
        ('reason = "x"', "allow, deny or ask"),
        ('decision = "yes"', "must be one of"),
        ('decision = "allow"\naction = "snd"', "did you mean `send`"),
        ('decision = "allow"\nactor = "robot"', "is none of"),
        ('decision = "allow"\nstate = "sleeping"', "is none of"),
        ('decision = "allow"\neffects = ["modle"]', "did you mean `model`"),
        ('decision = "allow"\npane = "local/3"', "uid"),
        ('decision = "allow"\nagent = []', "empty list"),
        ('decision = "allow"\nagent = 3', "list of texts"),
        ('decision = "allow"\nagent = [""]', "list of texts"),
        ('decision = "allow"\nreason = "a\\nb"', "one line"),
        ('decision = "allow"\nactor = "agent"\nworkflow = "w"', "no workflow"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(line, words):
    """Nothing is guessed, and nothing is left out in silence: a rule that is not understood might be a denial."""
    text = f'[[policy.rule]]\ndecision = "deny"\n\n[[policy.rule]]\n{line}\n'
    error = refused(text)

    assert words in error.message
    assert "[[policy.rule]] number 2" in error.message
    assert "line " in error.message


@pytest.mark.parametrize(
    "text", ["[policy]\nrule = 3\n", "[policy]\nrule = ['x']\n", "policy = 3\n", "[policy]\nrules = 1\n"]
)
def test_what_is_no_table_is_refused(text):
    """With the name of the setting."""
    assert "policy" in refused(text).message


def test_rules_are_shown_as_they_are_written(tmp_path):
    """`wa config show` leaves out what a rule does not say."""
    paths = Paths.from_env({"WA_HOME": str(tmp_path)})
    paths.config.mkdir(parents=True)
    paths.config_file.write_text(WHOLE)

    shown = asyncio.run(show_config(paths))["settings"]["policy.rule"]

    assert shown[1] == {"decision": "deny"}
    assert shown[0]["action"] == ["choose", "send"]
