"""Text that talks about limits, logins and compaction without being any: gathered here, and drawn as programs and agents draw it."""

from __future__ import annotations

import gzip
import os
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from support.screens import cut

REPOSITORY = Path(__file__).resolve().parents[2]
COLS = 100
ROWS = 45
SUFFIXES = frozenset(
    {
        ".md", ".rst", ".txt", ".py", ".js", ".mjs", ".cjs", ".ts", ".json", ".jsonl", ".html", ".h", ".c", ".toml", ".yaml", ".yml",
        ".sh", ".1", ".gz", "",
    }
)  # fmt: skip
MAX_FILE = 3_000_000
TALK = re.compile(
    rb"usage limit|rate.?limit|hit your|log ?in\b|sign in|logged in|compact|resume|API error|quota|session|do you want to"
    rb"|context window|oauth|token usage",
    re.IGNORECASE,
)

ACTIONABLE = frozenset(
    {
        "usage.limit", "usage.warning", "usage.popup", "usage.autoresume", "compaction.done", "compaction.running", "session.end",
        "session.resume_hint", "error.auth", "auth.device_code", "auth.url", "auth.paste_code", "auth.ok", "auth.failed",
        "waiting.approval", "waiting.question", "waiting.plan", "waiting.trust", "waiting.login", "waiting.update", "waiting.choice",
    }
)  # fmt: skip


def repository_files() -> list[Path]:
    """What a developer of wa prints in a pane all day long: docs, rules, tests, and the screens themselves."""
    found = []
    for folder in ("docs", "sidecar", "tests", "lua", "benchmarks", "shell_integration", "setup"):
        found += [path for path in sorted((REPOSITORY / folder).rglob("*")) if _is_text(path)]
    return [*sorted(REPOSITORY.glob("*.md")), *found]


def machine_files() -> Iterator[Path]:
    """Installed packages and their documents; more folders can be named in WA_TALK_ROOTS, joined by colons."""
    roots = [Path(part) for part in os.environ.get("WA_TALK_ROOTS", "").split(":") if part]
    roots += [
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path("/usr/share/doc"),
        Path("/usr/lib/python3"),
        Path("/usr/share/man"),
    ]
    for place in ("/usr/lib/node_modules", "/usr/local/lib/node_modules", "/opt"):
        roots += [Path(place)] if place != "/opt" else sorted(Path(place).glob("*/node_modules"))
    for root in roots:
        if root.is_dir():
            yield from (path for path in sorted(root.rglob("*")) if _is_text(path))


def _is_text(path: Path) -> bool:
    try:
        return (
            path.suffix in SUFFIXES
            and "__pycache__" not in path.parts
            and path.is_file()
            and not path.is_symlink()
            and 0 < path.stat().st_size <= MAX_FILE
        )
    except OSError:
        return False


def text_of(path: Path) -> str:
    """ "" for what is no text."""
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
    except (OSError, EOFError):
        return ""
    if b"\0" in raw[:4096]:
        return ""
    return raw.decode("utf-8", "replace")


def gather(size: int) -> Iterator[tuple[Path, str]]:
    """At least *size* characters where the machine has them: the repository, then what talks of such things, then the rest."""
    taken = 0
    for path in repository_files():
        text = text_of(path)
        taken += len(text)
        yield path, text
    seen: set[int] = set()
    others: list[Path] = []
    for path in machine_files():
        if taken >= size:
            return
        text = text_of(path)
        if not text or hash(text) in seen:
            continue
        seen.add(hash(text))
        if not TALK.search(text.encode("utf-8", "replace")):
            others.append(path)
            continue
        taken += len(text)
        yield path, text
    for path in others:
        if taken >= size:
            return
        text = text_of(path)
        taken += len(text)
        yield path, text


def rows_of(text: str, cols: int = COLS) -> list[str]:
    rows: list[str] = []
    for line in text.expandtabs(8).split("\n"):
        rows += cut(line.rstrip("\r"), cols) if len(line) > cols else [line.rstrip("\r")]
    return rows


def chunks(rows: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for at in range(0, len(rows), size):
        yield rows[at : at + size]


# -- programs ------------------------------------------------------------------------------------------------------


class Shown(NamedTuple):
    rows: list[str]
    stands_ms: int
    """Until the next one."""


RUNS_MS, STANDS_MS = 15, 1_000
CAPTURES = REPOSITORY / "tests" / "data"
"""Screens of agents: printed last in a pane, without a prompt below, they are what they show."""


def printed(path: Path, text: str) -> Iterator[tuple[str, list[Shown]]]:
    """How a program shows *text*: its name, and its screens one after the other."""
    plain = rows_of(text)
    diff = rows_of("".join(f"+{line}\n" for line in text.split("\n")))
    named = rows_of("".join(f"{path.name}:{number}:{line}\n" for number, line in enumerate(text.split("\n"), 1)))
    prompt = ["dev@remote:~$ "]
    yield "cat", _scrolled([f"dev@remote:~$ cat {path.name}", *plain, *prompt])
    yield "less", [Shown([*chunk, ":"], STANDS_MS) for chunk in chunks(plain, ROWS - 1)]
    yield "git diff", [Shown([*chunk, ":"], STANDS_MS) for chunk in chunks(diff, ROWS - 1)]
    yield "rg", _scrolled([f"dev@remote:~$ rg . {path.name}", *named, *prompt])
    if CAPTURES not in path.parents:
        yield "tail -f", [Shown(list(chunk), STANDS_MS) for chunk in chunks(plain, ROWS - 7)]


def _scrolled(rows: Sequence[str]) -> list[Shown]:
    """Runs through, and stands at its end."""
    ends = [*range(ROWS, len(rows), ROWS), len(rows)]
    return [Shown(list(rows[max(0, end - ROWS) : end]), RUNS_MS if end < len(rows) else STANDS_MS) for end in ends]


# -- agents --------------------------------------------------------------------------------------------------------


def _wrapped(rows: Sequence[str], cols: int) -> list[str]:
    """As an agent wraps what it quotes: between words, indentation kept."""
    out: list[str] = []
    for row in rows:
        if len(row) <= cols:
            out.append(row)
            continue
        lead = row[: len(row) - len(row.lstrip())][: cols // 2]
        out += textwrap.wrap(row, cols, initial_indent="", subsequent_indent=lead, drop_whitespace=True) or [""]
    return out


def _body(rows: Sequence[str], first: str, other: str) -> list[str]:
    """*rows*, word-wrapped into the column that the agent leaves for them."""
    wrapped = _wrapped(rows, COLS - len(other) - 2) or [""]
    return [(first if at == 0 else other) + row for at, row in enumerate(wrapped)]


def _boxed(rows: Sequence[str], head: str) -> list[str]:
    inner = COLS - 4
    body = [head, "", *_wrapped(rows, inner)]
    return ["╭" + "─" * (COLS - 2) + "╮", *(f"│ {row:<{inner}} │" for row in body), "╰" + "─" * (COLS - 2) + "╯"]


def quoted(rows: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    """The agent, the layout and the screen in which it quotes *rows*."""
    codex_foot = [
        "",
        "› Ask Codex to do anything",
        "",
        "  GPT-6-Sol default · /home/dev/demo",
        "  ← for agents · ? for shortcuts",
    ]
    codex = {
        "prose": _body(rows, "• ", "  "),
        "paragraphs": ["• Here it is.", "", *_body(rows, "  ", "  ")],
        "list": _body([f"- {row}" for row in rows], "• ", "  "),
        "output": ["• Ran cat notes.txt", *_body(rows, "  └ ", "    ")],
        "diff": ["• Edited notes.txt (+30 -0)", *_body([f"+{row}" for row in rows], "    1 ", "    1 ")],
        "prompt": _body(rows, "› ", "  "),
    }
    for layout, body in codex.items():
        yield "codex", layout, ["› show me the notes", "", *body, *codex_foot]
    rule = "─" * COLS
    claude_foot = ["", rule, "❯\u00a0", rule, "  ? for shortcuts"]
    claude = {
        "prose": _body(rows, "● ", "  "),
        "paragraphs": ["● Here it is.", "", *_body(rows, "  ", "  ")],
        "list": _body([f"- {row}" for row in rows], "● ", "  "),
        "output": ["● Bash(cat notes.txt)", *_body(rows, "  ⎿ \u00a0", "     ")],
        "diff": ["● Write(notes.txt)", "  ⎿ \u00a0Wrote 30 lines to notes.txt", *_body(rows, "     1 +", "     1 +")],
        "prompt": _body(rows, "❯ ", "  "),
    }
    for layout, body in claude.items():
        yield "claude_code", layout, ["❯ show me the notes", "", *body, *claude_foot]
    gemini_foot = [
        "", "▄" * COLS, " >   Type your message or @path/to/file", "▀" * COLS, " workspace (/directory)      branch      /model",
        " ~/demo                      main        Auto",
    ]  # fmt: skip
    gemini = {
        "prose": _body(rows, "✦ ", "  "),
        "output": ["✦ I'll look.", *_boxed(rows, "✓  Shell cat notes.txt")],
        "plain output": ["✦ I'll look.", "  ✓  ReadFile  notes.txt", *_body(rows, "     ", "     ")],
        "diff": [
            "✦ I'll write it.",
            *_boxed([f"{at:>2} {row}" for at, row in enumerate(rows, 1)], "✓  WriteFile Writing to notes.txt"),
        ],
        "prompt": ["▄" * COLS, *_body(rows, " > ", "   "), "▀" * COLS],
    }
    for layout, body in gemini.items():
        yield "gemini", layout, [*body, *gemini_foot]
