import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.detect.values import find_url, find_uuid, find_version
from wa.detect.values.identifiers import parse_path

ID = "019bc0f4-2f6a-7d31-9c55-8b1e6f0a7c2d"
OTHER = "4a1de3b2-0c44-4f0e-a1b9-d2f60c0e9a11"
UUIDS = st.uuids().map(str)


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"To continue this session, run codex resume {ID}",
        f"~/.claude/projects/-home-u/{ID}.jsonl",
        f"rollout-2026-01-18T00-37-12-{ID}.jsonl",
        f"T-{ID}",
        f"[{ID}]",
        f"{ID}, then {OTHER}",
        f"resume\n  {ID}",
    ],
)
def test_a_whole_uuid_is_found_wherever_it_stands(text):
    """In commands, file names and brackets; the first of several."""
    assert find_uuid(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no id",
        ID[:-1],
        ID + "0",
        ID + "-ab12",
        "x" + ID,
        f"x{ID} - y",
        ID.replace("-", ""),
        ID.replace("-", "–"),
        ID[:20] + "…",
        ID.replace("a", "g"),
    ],
)
def test_what_only_looks_like_a_uuid_is_none(text):
    """Cut, run into other characters, or of another shape."""
    assert find_uuid(text) is None


@given(
    UUIDS,
    st.integers(1, 35),
    st.sampled_from([" ", "\n"]),
    st.sampled_from(["", "codex resume ", "a-", "x/"]),
    st.sampled_from(["", " x", "."]),
)
def test_a_uuid_broken_by_the_end_of_a_row_is_put_together(value, cut, gap, before, after):
    """Wherever the break falls."""
    assert find_uuid(before + value[:cut] + gap + value[cut:] + after) == value


def test_a_break_that_may_fall_two_ways_yields_nothing():
    """A wrong id resumes a wrong session."""
    assert find_uuid(f"{ID[:20]} {ID[20:]} or {OTHER[:9]} {OTHER[9:]}") is None
    assert find_uuid(f"{ID[:20]} {ID[20:]} and again {ID[:9]} {ID[9:]}") == ID
    assert find_uuid(f"{ID[:20]}  {ID[20:]}") is None
    assert find_uuid(f"{ID[:8]} {ID[8:20]} {ID[20:]}") is None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("visit https://chatgpt.com/settings/usage to", "https://chatgpt.com/settings/usage"),
        ("(https://chatgpt.com/explore/pro), or", "https://chatgpt.com/explore/pro"),
        ("see https://x.example/a_(b).", "https://x.example/a_(b)"),
        ("https://x.example/?q=1&r=%2F#top!", "https://x.example/?q=1&r=%2F#top"),
        ("│ https://x.example/a│", "https://x.example/a"),
        ("<https://x.example>", "https://x.example"),
        ("HTTP://X.EXAMPLE/", "HTTP://X.EXAMPLE/"),
        ("http://127.0.0.1:1455/auth/callback", "http://127.0.0.1:1455/auth/callback"),
    ],
)
def test_an_address_ends_where_the_sentence_goes_on(text, url):
    """Brackets that belong to it stay."""
    assert find_url(text) == url


@pytest.mark.parametrize("text", ["", "ftp://x", "https://", "https://.", "www.x.example", "https://" + "x" * 5000])
def test_what_is_no_address_is_none(text):
    """Nor is one too long to be a real one: cut, it would lead elsewhere."""
    assert find_url(text) is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.169.0", "0.169.0"),
        ("v0.86.2", "0.86.2"),
        ("2.1.328 (Claude Code)", "2.1.328"),
        ("(v0.125.0-alpha.3)", "0.125.0-alpha.3"),
        ("Aider v0.86.2.", "0.86.2"),
        ("1.2", "1.2"),
    ],
)
def test_versions(text, version):
    """Without the v, with what follows a hyphen."""
    assert find_version(text) == version


@pytest.mark.parametrize("text", ["", "5", "v", "x1.2", "1.x"])
def test_what_is_no_version_is_none(text):
    """One number is none."""
    assert find_version(text) is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (" ~/src/x ", "~/src/x"),
        ('"/a b/c"', "/a b/c"),
        ("/a b", "/a b"),
        ("C:\\x", "C:\\x"),
        ("", None),
        ("/a\x1b[0m", None),
        ("''", None),
    ],
)
def test_paths_stay_as_printed(text, path):
    """Nothing is expanded; control characters are no path."""
    assert parse_path(text) == path


@given(st.one_of(st.text(), st.text("0123456789abcdef- \n", max_size=90)))
def test_no_text_makes_them_raise(text):
    """None, or what they promise."""
    found = find_uuid(text)
    assert found is None or str(uuid.UUID(found)) == found.lower()
    for find in (find_url, find_version, parse_path):
        assert isinstance(find(text), str | None)


@pytest.mark.parametrize(
    "piece",
    ["a", "-", "a ", "- ", f"{ID[:20]} ", f"{ID[:-1]}", "1.", "https://", "https://x)", "https://x" + ")" * 4000 + " "],
)
def test_a_hostile_text_costs_no_time(piece):
    """A million characters of what the patterns are hungry for."""
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    find_uuid(text)
    find_url(text)
    find_version(text)

    assert time.process_time() - began < 0.25
