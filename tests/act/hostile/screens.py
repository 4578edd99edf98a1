"""How the fake agents draw: the layouts of the captures in tests/data/agents, with other words."""

import textwrap
from functools import lru_cache
from typing import NamedTuple

COLS = 100
ROWS = 32
PROMPT = "dev@host:~/demo$ "


class Asked(NamedTuple):
    """A dialog: what it asks, what can be answered, and what each answer does."""

    kind: str
    question: str
    options: tuple[str, ...]
    first: int = 0
    """Which is selected when it opens."""
    command: str = "rm -rf build && make all"
    reset: str = ""
    """When the limit that it is about ends, in its own words."""


COMMANDS = ("rm -rf build && make all", "git push --force origin main", "npm publish --access public")


DIALOGS = {
    "codex": (
        Asked(
            "approval",
            "Would you like to run the following command?",
            (
                "Yes, proceed (y)",
                "Yes, and don't ask again for commands that start with `rm -rf build` (p)",
                "No, and tell Codex what to do differently (esc)",
            ),
        ),
        Asked(
            "limit",
            "Approaching rate limits",
            ("Switch to gpt-6-luna", "Keep current model", "Keep current model (never show again)"),
        ),
    ),
    "claude_code": (
        Asked(
            "approval",
            "Do you want to proceed?",
            ("Yes", "Yes, and don't ask again for rm -rf build commands in /home/dev/demo", "No"),
        ),
        Asked(
            "limit",
            "What do you want to do?",
            ("Stop and wait for limit to reset", "Wait here, then continue automatically at Nov 23, 4:02am"),
        ),
    ),
    "gemini": (
        Asked(
            "approval",
            "Allow execution of [Shell]?",
            ("Allow once", "Allow for this session", "No, suggest changes (esc)"),
        ),
        Asked(
            "limit",
            "Usage limit reached for gemini-3-flash-preview.",
            ("Switch to gemini-3-pro-preview", "Upgrade for higher limits", "Stop"),
        ),
    ),
}


class Drawing(NamedTuple):
    rows: tuple[str, ...]
    x: int
    y: int


class Face(NamedTuple):
    """What an agent shows."""

    said: tuple[tuple[str, str], ...]
    """The transcript: `user` or `agent`, and the text; `drawn` for what the agent draws without a mark of its own."""
    composer: str
    working: bool
    asked: Asked | None
    selected: int
    cols: int = COLS
    footer: tuple[str, ...] = ()
    """Below the composer, above what always stands there."""
    height: int = ROWS
    """0: as high as it is, nothing cut off and nothing filled up."""


def shell(above: tuple[str, ...], line: str, height: int = ROWS, cols: int = COLS) -> Drawing:
    whole = PROMPT + line
    rows = [*above, *(whole[at : at + cols] for at in range(0, len(whole), cols))]
    return _filled(rows, len(rows[-1]), len(rows) - 1, height)


@lru_cache(maxsize=4_096)
def draw(name: str, face: Face) -> Drawing:
    return {"codex": _codex, "claude_code": _claude, "gemini": _gemini}[name](face)


def placeholder(name: str, text: str) -> str | None:
    """What is shown in place of a long paste."""
    lines = text.count("\n")
    if name == "codex":
        return f"[Pasted Content {len(text)} chars]" if len(text) > 1000 else None
    if name == "claude_code":
        if len(text) > 800 or lines > 10:
            return f"[Pasted text #1 +{lines} lines]" if lines else "[Pasted text #1]"
        return None
    if len(text) > 500 or lines > 5:
        return f"[Pasted Text: {lines + 1} lines]" if lines else f"[Pasted Text: {len(text)} chars]"
    return None


def _codex(face: Face) -> Drawing:
    rows = ["", "  >_ OpenAI Codex (v0.169.0)", "     /home/dev/demo", ""]
    for who, text in face.said:
        rows += [*_wrapped({"user": "› ", "agent": "• ", "drawn": ""}[who], text, face.cols), ""]
    if face.working:
        rows += ["• Working (2s • esc to interrupt)", ""]
    if face.asked is not None:
        hint = "  Press enter to confirm or esc to cancel"
        asked = [f"  {face.asked.question}"]
        if face.asked.kind == "approval":
            asked += ["", f"  $ {face.asked.command}"]
        else:
            asked += ["  Switch to gpt-6-luna for lower credit usage?"]
            hint = "  enter select · esc back"
        options = [
            f"{'›' if at == face.selected else ' '} {at + 1}. {option}" for at, option in enumerate(face.asked.options)
        ]
        rows += [*asked, "", *options, "", hint]
        return _filled(rows, 0, len(rows) - 1, face.height)
    typed = _wrapped("› ", face.composer, face.cols) if face.composer else ["› Ask Codex to do anything"]
    rows += typed
    x = len(typed[-1]) if face.composer else 2
    y = len(rows) - 1
    footer = ["", "  GPT-6-Sol default · /home/dev/demo"]
    if not face.composer:
        footer.append("  ← for agents · ? for shortcuts")
    rows += footer
    return _filled(rows, x, y, face.height)


def _claude(face: Face) -> Drawing:
    rows = [" ▐▛███▛█   Claude Code v2.1.328", "▝▜██████▀  Opus 5.5 · Claude Max", " ▝▝   ▝▝   /home/dev/demo", ""]
    for who, text in face.said:
        if text.lstrip().startswith("⎿"):
            # It hangs on what stands above it.
            rows.pop()
        rows += [*_wrapped({"user": "❯ ", "agent": "● ", "drawn": ""}[who], text, face.cols), ""]
    rule = "─" * face.cols
    if face.asked is not None:
        asked = ["", rule]
        if face.asked.kind == "approval":
            asked = [
                f"● Bash({face.asked.command})",
                "  ⎿ \u00a0Running…",
                "",
                rule,
                " Bash command",
                "",
                f"   {face.asked.command}",
                "",
            ]
        else:
            rows += ["❯ /rate-limit-options"]
        pad = " " if face.asked.kind == "approval" else "  "
        hint = (
            " Esc to cancel · Tab to amend" if face.asked.kind == "approval" else "  Enter to confirm · Esc to cancel"
        )
        options = [
            f"{pad}{'❯' if at == face.selected else ' '} {at + 1}. {option}"
            for at, option in enumerate(face.asked.options)
        ]
        gap = [] if face.asked.kind == "approval" else [""]
        rows += [*asked, pad + face.asked.question, *gap, *options, "", hint]
        return _filled(rows, 0, len(rows) - 1, face.height)
    if face.working:
        rows += ["✽ Vibing…", ""]
    typed = _wrapped("❯ ", face.composer, face.cols) if face.composer else ["❯ "]
    rows += [rule, *typed, rule, *face.footer]
    rows.append("  ⏵⏵ auto mode on (shift+tab to cycle)" + (" · esc to interrupt" if face.working else ""))
    return _filled(rows, 0, len(rows) - 1, face.height)


def _gemini(face: Face) -> Drawing:
    rows = [" ▝▜▄     Gemini CLI v0.61.0", "   ▝▜▄", "  ▗▟▀    Authenticated with gemini-api-key /auth", " ▝▀", ""]
    cols = face.cols
    top, low = "▄" * cols, "▀" * cols
    for who, text in face.said:
        rows += [top, *_wrapped(" > ", text, cols), low, ""] if who == "user" else [*_wrapped("✦ ", text, cols), ""]
    if face.asked is not None:
        inside = [face.asked.question, ""]
        if face.asked.kind == "approval":
            inside = [f"? Shell  {face.asked.command}", "", *inside]
        else:
            until = [f"Access resets at {face.asked.reset}."] if face.asked.reset else []
            inside = [face.asked.question, *until, "/stats model for usage details", "/model to switch models.", ""]
        inside += [
            f"{'●' if at == face.selected else ' '} {at + 1}. {option}" for at, option in enumerate(face.asked.options)
        ]
        rows += [
            "╭" + "─" * (cols - 2) + "╮",
            *(f"│ {line:<{cols - 4}} │" for line in inside),
            "╰" + "─" * (cols - 2) + "╯",
        ]
        return _filled(rows, 0, len(rows) - 1, face.height)
    typed = _wrapped(" > ", face.composer, cols) if face.composer else [" >   Type your message or @path/to/file"]
    spinner = " ⠇ Thinking... (esc to cancel, 3s)" if face.working else ""
    rows += [f"{spinner:<{cols - 16}}? for shortcuts", "─" * cols, " Shift+Tab to accept edits", top, *typed, low]
    rows += [
        " workspace (/directory)                 sandbox                                /model",
        " /home/dev/demo                         no sandbox                             Auto",
    ]
    return _filled(rows, 0, len(rows) - 1, face.height)


def _wrapped(mark: str, text: str, cols: int) -> list[str]:
    """With the mark before the first row and as many blanks before the others."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(line, cols - len(mark) - 2) or [""]
    return [(mark if at == 0 else " " * len(mark)) + line for at, line in enumerate(lines)]


def _filled(rows: list[str], x: int, y: int, height: int) -> Drawing:
    over = max(0, len(rows) - height) if height else 0
    return Drawing((*rows[over:], *[""] * (height - len(rows))), x, y - over)
