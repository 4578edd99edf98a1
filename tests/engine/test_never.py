from pathlib import Path

import pytest

from wa.config.settings import NeverCapture
from wa.engine.foreground import Command
from wa.engine.never import NeverRules, Place, place_of


def rules(**patterns):
    return NeverRules(NeverCapture(**{key: tuple(value) for key, value in patterns.items()}), home=Path("/home/me[1]"))


def test_no_patterns_exclude_nothing():
    """The default captures everything, at no cost."""
    never = rules()

    assert not never
    assert not never.looks_at_commands
    assert never.excludes(title="x", cwd="/x", mux_names=["y"], command=Command("z", "z")) is None


@pytest.mark.parametrize(
    ("title", "excluded"), [("KeePass - Secrets", True), ("my secrets here", True), ("secret", False), ("", False)]
)
def test_titles_match_as_shell_patterns_whatever_the_case(title, excluded):
    """Of the whole title."""
    assert bool(rules(title=["*secrets*"]).excludes(title=title, cwd=None)) is excluded


@pytest.mark.parametrize(
    ("cwd", "excluded"),
    [
        ("file:///home/me[1]/private/", True),
        ("file://host/home/me%5B1%5D/private/deep/er", True),
        ("/home/me[1]/private", True),
        ("file:///home/me[1]/private2", False),
        ("file:///home/me1/private", False),
        ("file:///srv/a/keys", True),
        ("file:///srv/a/keys/x", True),
        ("file:///srv/keys", False),
        (None, False),
        ("not a url", False),
        ("http://x/home/me[1]/private", False),
        ("file://[bad", False),
    ],
)
def test_folders_match_with_all_below_them(cwd, excluded):
    """`~` is ours, even with characters that patterns use; escapes of URLs are undone."""
    assert bool(rules(cwd=["~/private", "/srv/*/keys/"]).excludes(title="", cwd=cwd)) is excluded


def test_hosts_match_by_mux_or_by_folder():
    """The mux's name, its host, and the host that the shell reports."""
    never = rules(host=["bank-*"])

    assert never.excludes(title="", cwd=None, mux_names=["work", "bank-7"]) == "host"
    assert never.excludes(title="", cwd="file://bank-1/tmp", mux_names=["local", ""]) == "host"
    assert never.excludes(title="bank-1", cwd="file://other/bank-1", mux_names=["local"]) is None


def test_commands_match_by_name_or_whole_line():
    """`pass` is the program; `*--password*` is an argument."""
    never = rules(command=["pass", "*--password*"])

    assert never.looks_at_commands
    assert never.excludes(title="", cwd=None, command=Command("pass", "/usr/bin/pass show x")) == "command"
    assert never.excludes(title="", cwd=None, command=Command("mysql", "mysql --password=x")) == "command"
    assert never.excludes(title="", cwd=None, command=Command("passwd", "passwd")) is None
    assert never.excludes(title="pass", cwd=None, command=None) is None


def test_places_keep_what_shells_do_not_escape():
    """A folder called `a?b#c` is not cut at the question mark."""
    assert place_of("file://h/tmp/a?b#c%20d") == Place("h", "/tmp/a?b#c d")
    assert place_of("file:///x") == Place("", "/x")
