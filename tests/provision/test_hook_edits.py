"""Hooks into the text of settings, and out again."""

from __future__ import annotations

import json
import tomllib

import pytest

from wa.agents.loader import Agents
from wa.provision.hook_edits import (
    has_notify,
    installed,
    put_in,
    put_notify,
    take_notify,
    take_out,
    wanted_events,
)
from wa.provision.hook_lines import Caller, call_of
from wa.provision.text_trouble import TextTrouble

HOOKS = Agents(None).hooks
CLAUDE, CODEX, GEMINI = HOOKS["claude_code"], HOOKS["codex"], HOOKS["gemini"]
WA = Caller("/opt/my apps/wa", {"WA_HOME": "/tmp/it's"})
NOW = {"claude_code": "2.1.328", "codex": "0.169.0", "gemini": "0.61.0"}

SETTINGS = [
    "{}",
    "{}\n",
    '{\n  "model": "opus"\n}\n',
    '{"model":"opus","hooks":{"Stop":[{"hooks":[{"type":"command","command":"say done"}]}]}}',
    '{\n    "hooks": {\n        "Stop": [\n            {"hooks": [{"type": "command", "command": "say done"}]}\n        ]\n    }\n}',
    '{\r\n\t"hooks": {"PreToolUse": []},\r\n\t"x": [1, 2]\r\n}\r\n',
    '{"hooks": {}}',
    '{"statusLine": {"command": "echo \\ud83d x \\u00e9"}}',
    '{"statusLine": {"command": "~/my \\"line\\" \\u0041 --x=\\/1", "type": "command", "padding": 0}}',
]


@pytest.mark.parametrize("text", SETTINGS)
@pytest.mark.parametrize("hooks", [CLAUDE, GEMINI], ids=["claude", "gemini"])
def test_taking_out_undoes_putting_in(hooks, text: str) -> None:
    """With what is remembered of the file before, every byte is as it was; the user's own values never change meanwhile."""
    changed = put_in(text, hooks, WA, NOW[hooks.agent])

    events = [name for name in installed(changed, hooks) if name != "StatusLine"]
    assert sorted(events) == sorted(wanted_events(hooks, NOW[hooks.agent]))
    assert json.loads(changed).get("model") == json.loads(text).get("model")
    assert put_in(changed, hooks, WA, NOW[hooks.agent]) == changed
    assert json.loads(take_out(changed, hooks, text)) == json.loads(text)
    if '"hooks": {}' not in text and text.strip() != "{}" and "[]" not in text:
        assert take_out(changed, hooks, text) == text


def test_only_ours_is_taken_out_after_others_have_changed_the_file() -> None:
    """A hook that was added to our own group stays, and so does one that came behind it, and a key at the end."""
    data = json.loads(put_in("{}", CLAUDE, WA, "2.1.328"))
    theirs = {"type": "command", "command": "wall done"}
    data["hooks"]["Stop"][0]["hooks"].append(theirs)
    data["hooks"]["SessionEnd"].append({"hooks": [theirs]})
    data["model"] = "opus"

    left = json.loads(take_out(json.dumps(data, indent=1), CLAUDE, "{}"))

    assert left == {"hooks": {"Stop": [{"hooks": [theirs]}], "SessionEnd": [{"hooks": [theirs]}]}, "model": "opus"}


def test_comments_stay_where_they_are() -> None:
    """Gemini CLI reads them."""
    text = '// all mine\n{\n\t"theme": "dark", // dark!\n\t/* more */ "ui": {}\n\t// the end\n}\n'

    changed = put_in(text, GEMINI, WA, "0.61.0")

    assert all(comment in changed for comment in ("// all mine", "// dark!", "/* more */", "// the end"))
    assert take_out(changed, GEMINI, text) == text


def test_a_version_gets_the_names_that_it_knows() -> None:
    """Claude Code 2.1.12 refuses its whole settings for one unknown name; of an unknown version nothing newer is assumed."""
    new = {"StopFailure", "PostCompact"}

    assert new <= set(wanted_events(CLAUDE, "2.1.328"))
    assert not new & set(wanted_events(CLAUDE, "2.1.12"))
    assert not new & set(wanted_events(CLAUDE, None))
    assert wanted_events(CODEX, "0.87.0") == []


def test_a_switch_is_set_where_the_version_needs_it_and_taken_back() -> None:
    """Gemini CLI 0.24 runs no hooks without `hooks.enabled`; a user's own `false` is left alone."""
    assert json.loads(put_in("{}", GEMINI, WA, "0.24.0"))["hooks"]["enabled"] is True
    assert "enabled" not in json.loads(put_in("{}", GEMINI, WA, "0.61.0"))["hooks"]
    off = '{"hooks": {"enabled": false}}'
    changed = put_in(off, GEMINI, WA, "0.24.0")
    assert json.loads(changed)["hooks"]["enabled"] is False
    assert take_out(changed, GEMINI, off) == off
    assert json.loads(take_out(put_in('{"a": 1}', GEMINI, WA, "0.24.0"), GEMINI, '{"a": 1}')) == {"a": 1}


def test_another_wa_takes_the_place_of_the_old_one() -> None:
    """After wa has moved, each event calls it once."""
    text = put_in('{"statusLine": {"command": "date"}}', CLAUDE, Caller("/old/wa"), "2.1.12")

    moved = put_in(text, CLAUDE, WA, "2.1.328")

    assert "/old/wa" not in moved
    assert sorted(installed(moved, CLAUDE)) == sorted([*wanted_events(CLAUDE, "2.1.328"), "StatusLine"])
    assert json.loads(take_out(moved, CLAUDE, None)) == {"statusLine": {"command": "date"}}


def test_a_status_line_is_only_taken_where_there_is_one() -> None:
    """Alone it would take a row of the screen and show nothing."""
    assert "statusLine" not in put_in("{}", CLAUDE, WA, "2.1.328")


@pytest.mark.parametrize(
    "text",
    ['{"hooks": []}', '{"hooks": {"Stop": {}}}', "[]", '{"a": 1,}', '{"statusLine": "x"}', "// c\n{}", '{"a": 1'],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    """Settings in another form than known are not touched."""
    with pytest.raises(TextTrouble):
        put_in(text, CLAUDE, WA, "2.1.328")


NOTIFIES = [
    "",
    'model = "x"\n',
    'notify = ["notify-send", "Codex \\u0041"] # bell\n[tui]\na = 1\n',
    "a = 1\nnotify = [\n  'x', # first\n]\n",
    "notify = []\n",
    "\ufeffa = 1\r\n[t]\r\n",
]


@pytest.mark.parametrize("text", NOTIFIES)
def test_notify_calls_both_and_is_put_back(text: str) -> None:
    """The user's own program stands behind wa's, and comes back as it was typed."""
    own = tomllib.loads(text.removeprefix("\ufeff")).get("notify")

    changed = put_notify(text, "codex", WA)

    call = call_of(tomllib.loads(changed.removeprefix("\ufeff"))["notify"])
    assert call is not None
    assert (call.program, call.agent, call.event) == (WA.program, "codex", "notify")
    assert list(call.own or ()) == (own or [])
    assert has_notify(changed)
    assert not has_notify(text)
    assert put_notify(changed, "codex", WA) == changed
    assert take_notify(changed, text) == text
    assert tomllib.loads(take_notify(changed, None).removeprefix("\ufeff")).get("notify") == (own or None)


def test_a_notify_of_another_form_is_refused() -> None:
    """A text is no list."""
    with pytest.raises(TextTrouble):
        put_notify('notify = "x"\n', "codex", WA)
