"""What a person sees before settings change."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from wa.agents.loader import Agents
from wa.provision.hook_diff import masked, shown_diff
from wa.provision.hook_files import Place, to_install
from wa.provision.hook_lines import Caller

HOOKS = Agents(None).hooks
SECRET = "hunter2-s3cret"


def test_nothing_of_the_users_can_be_read(tmp_path: Path) -> None:
    """Settings hold tokens, and diffs are pasted into reports; keys and wa's own lines are readable."""
    files = {
        "claude_code": f'{{\n "env": {{"A": "{SECRET}"}},\n "n": 12345678,\n "statusLine": {{"command": "x --token {SECRET}"}}\n}}',
        "gemini": f'{{\n // {SECRET}\n "a": ["{SECRET}", 1e5], /* {SECRET} */ "b": "c" // {SECRET}\n}}\n',
        "codex": f'a = "{SECRET}" # {SECRET}\nb = \'{SECRET}\'\nnotify = ["curl", "{SECRET}"]\nc = """\n{SECRET}\n"""\n',
    }
    for agent, text in files.items():
        path = tmp_path / agent
        path.write_text(text)
        version = {"claude_code": "2.1.328", "gemini": "0.61.0", "codex": None}[agent]
        change = to_install(Place(HOOKS[agent], path, is_notify=agent == "codex"), Caller("/bin/wa"), version)

        there = "\n".join(shown_diff(change.before, change.after, str(path)))
        back = "\n".join(shown_diff(change.after, change.before, str(path)))

        for shown in (there, back):
            assert SECRET not in shown
            assert "12345678" not in shown
            assert "hook" in shown
            assert "/bin/wa" in shown


@given(st.text(st.characters(categories=["Ll", "Nd"]), min_size=6))
def test_no_plain_word_of_a_line_is_shown(word: str) -> None:
    """Wherever it stands: in a text, a number, a comment, or in nothing known."""
    for line in (
        f'"k": "{word}"',
        f"k = '{word}'",
        f"// {word}",
        f"{word}",
        f'"k": {word},',
        f"x = 1 # {word}",
        f'["{word}",',
    ):
        assert word not in masked(line)


def test_wa_reads_as_it_will_stand_there() -> None:
    """The person is asked about these very words."""
    line = '            "command": "WA_HOME=/x /usr/bin/wa hook claude_code Stop",'

    assert masked(line) == line
    assert masked('  "timeout": 5000') == '  "timeout": 5000'
