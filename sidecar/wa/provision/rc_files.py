"""Aliases and functions of the user's shells that run ssh. The files are read, and never run."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from wa.provision.shell_text import Command, Word, commands, words_of
from wa.provision.ssh_config import ReadTrouble, is_absent, read_plain, short

MAX_FILES = 256
"""That one start-up file may read."""

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_BEFORE = frozenset(
    {"command", "exec", "builtin", "env", "nocorrect", "noglob", "time", "then", "do", "else", "and", "or", "{", "!"}
)
_VARIABLE = re.compile(r"\$\{(\w+)(?::-[^}]*)?\}|\$(\w+)")
_WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
"""Options of ssh (OpenSSH 9.9) that take a value."""


class _Call(NamedTuple):
    host: str
    user: str | None
    port: int | None
    options: tuple[str, ...]
    """`-i KEY`, `-J HOST`: what its address does not hold."""


class Called(NamedTuple):
    """A host that an alias or a function goes to."""

    alias: str
    file: Path
    is_function: bool
    host: str
    user: str | None = None
    port: int | None = None
    options: tuple[str, ...] = ()


@dataclass(slots=True)
class RcHosts:
    calls: list[Called] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def called_hosts(home: Path, env: Mapping[str, str]) -> RcHosts:
    """Of zsh, bash and fish, and of the files that theirs read."""
    found = RcHosts()
    read: set[str] = set()
    for path in _start_files(home, env):
        if not is_absent(path):
            limit = len(read) + MAX_FILES
            _read(path, home, env, found, read, (), limit)
            if len(read) >= limit:
                found.notes.append(
                    f"{short(path, home)} reads more than {MAX_FILES} files: not all were looked through."
                )
    return found


def _start_files(home: Path, env: Mapping[str, str]) -> Iterator[Path]:
    zsh = Path(env["ZDOTDIR"]) if env.get("ZDOTDIR", "").startswith("/") else home
    yield from (zsh / ".zshrc", home / ".bashrc", home / ".bash_aliases")
    config = Path(env["XDG_CONFIG_HOME"]) if env.get("XDG_CONFIG_HOME", "").startswith("/") else home / ".config"
    yield config / "fish" / "config.fish"
    for folder in ("conf.d", "functions"):
        yield from sorted((config / "fish" / folder).glob("*.fish"))


def _read(
    path: Path,
    home: Path,
    env: Mapping[str, str],
    found: RcHosts,
    read: set[str],
    above: tuple[str, ...],
    limit: int,
) -> None:
    real = os.path.realpath(path)
    if real in above:
        found.notes.append(f"{short(path, home)} reads itself, by way of other files: not followed.")
        return
    if real in read:
        return
    if len(read) >= limit:
        return
    read.add(real)
    text = read_plain(path)
    if isinstance(text, ReadTrouble):
        found.notes.append(f"{short(path, home)} {text}: its aliases are not listed.")
        return
    known = _known(home, env)
    is_fish = path.suffix == ".fish"
    function: str | None = None
    depth = 0
    last: Command | None = None
    loops: dict[str, list[Word]] = {}
    for one in commands(text):
        words = _bare(one.words)
        first = one.words[0].text
        depth += _opens(one, is_fish=is_fish)
        if first == ("end" if is_fish else "}"):
            depth -= 1
            function = function if depth > 0 else None
        elif first == "()" and last is not None:
            function, depth = last.words[-1].text, 0
        elif first == "function" and len(one.words) > 1:
            function, depth = one.words[1].text, 1 if is_fish or one.words[-1].text == "{" else 0
        elif words and words[0].text in ("alias", "abbr"):
            for name, line in _aliases(words[1:], is_abbreviation=words[0].text == "abbr"):
                if (call := _ssh_call(_bare(words_of(line)), known)) is not None:
                    found.calls.append(Called(name, path, False, *call))
        elif words and words[0].text in ("source", ".") and len(words) > 1:
            for sourced in _sourced(words[1], known, loops, path):
                _read(sourced, home, env, found, read, (*above, real), limit)
        elif words and words[0].text == "for" and len(words) > 3 and words[2].text == "in":
            loops[words[1].text] = words[3:]
        elif function is not None and (call := _ssh_call(words, known)) is not None:
            found.calls.append(Called(function, path, True, *call))
        last = one


def _opens(one: Command, *, is_fish: bool) -> int:
    first = one.words[0].text
    return int(first in ("if", "for", "while", "switch", "begin") if is_fish else first == "{")


def _bare(words: Sequence[Word]) -> list[Word]:
    """Without what may stand before a command's name."""
    left = list(words)
    while left and (_ASSIGNMENT.fullmatch(left[0].text) or left[0].text in _BEFORE):
        left.pop(0)
    return left


def _aliases(words: Sequence[Word], *, is_abbreviation: bool) -> Iterator[tuple[str, str]]:
    """`NAME=TEXT …` as bash and zsh write it, and `NAME TEXT…` as fish does."""
    left = [word for word in words if not (word.text.startswith("-") and "=" not in word.text)]
    if left and ("=" not in left[0].text or is_abbreviation) and len(left) > 1:
        yield left[0].text, " ".join(word.text for word in left[1:])
        return
    for word in left:
        name, equals, text = word.text.partition("=")
        if equals and name:
            yield name, text


def _known(home: Path, env: Mapping[str, str]) -> dict[str, str]:
    config = env.get("XDG_CONFIG_HOME") or str(home / ".config")
    known = {"HOME": str(home), "ZDOTDIR": env.get("ZDOTDIR") or str(home), "XDG_CONFIG_HOME": config}
    known["__fish_config_dir"] = f"{config}/fish"
    return known | {name: env[name] for name in ("USER", "LOGNAME") if env.get(name)}


def _expanded(word: Word, known: Mapping[str, str]) -> str | None:
    """None where only a shell knows what it is."""
    text = word.text
    if word.expands:
        text = _VARIABLE.sub(lambda found: known.get(found[1] or found[2], found[0]), text)
    if text.startswith("~/"):
        text = known["HOME"] + text[1:]
    return None if (word.expands and re.search(r"[$`]", text)) or "\0" in text else text


def _sourced(word: Word, known: Mapping[str, str], loops: Mapping[str, Sequence[Word]], beside: Path) -> list[Path]:
    """The files that `source WORD` reads; those of the loop around it where the word is the loop's variable."""
    variable = re.fullmatch(r"\$\{?(\w+)\}?", word.text)
    if word.expands and variable is not None and variable[1] in loops:
        return [found for one in loops[variable[1]] for found in _globbed(_expanded(one, known), known["HOME"])]
    text = _expanded(word, known)
    if text is None or re.search(r"[*?~]", text):
        return []
    path = Path(text) if text.startswith("/") else beside.parent / text
    return [] if is_absent(path) else [path]


def _globbed(pattern: str | None, home: str) -> list[Path]:
    if pattern is None or not pattern.startswith("/"):
        return []
    if pattern.startswith(f"{home}/"):
        pattern = glob.escape(home) + pattern[len(home) :]
    return [Path(found) for found in sorted(glob.glob(pattern))[:MAX_FILES]]  # noqa: PTH207 - Path.glob refuses absolute ones


def _ssh_call(words: Sequence[Word], known: Mapping[str, str]) -> _Call | None:
    """Of a command that runs ssh with a host that stands in the text; None otherwise."""
    if not words or words[0].expands or words[0].text.rsplit("/", 1)[-1] not in ("ssh", "autossh"):
        return None
    user: str | None = None
    port: int | None = None
    options: list[str] = []
    host: str | None = None
    at = 1
    while at < len(words):
        word = words[at]
        at += 1
        if word.text == "--":
            continue
        if not word.text.startswith("-") or len(word.text) == 1:
            if host is not None or (host := _expanded(word, known)) is None:
                break  # What follows is the remote command; options may stand before it.
            continue
        letter, value = _option(word.text)
        if letter is None:
            continue
        if value is None:
            if at >= len(words):
                break
            value = words[at].text
            word = words[at]
            at += 1
        value = _expanded(Word(value, word.expands), known)
        if value is None:
            continue
        if letter == "o":
            letter, value = _as_letter(value)
        if letter == "p" and value.isdecimal() and len(value) <= 5:
            port = int(value)
        elif letter == "l":
            user = value
        elif letter in ("i", "J") and value and not value.startswith("-"):
            options += [f"-{letter}", value]
    if host is None or not host:
        return None
    if host.startswith("ssh://"):
        host = host.removeprefix("ssh://").rstrip("/")
        if (found := re.fullmatch(r"(.*):(\d{1,5})", host)) and not host.endswith("]"):
            host, port = found[1], int(found[2])
    name, at_sign, address = host.rpartition("@")
    return _Call(address, name if at_sign else user, port, tuple(options))


def _option(text: str) -> tuple[str | None, str | None]:
    """The letter that takes a value, and the value where it stands in the same word: `-vp2222`. Flags: (None, None)."""
    for at, letter in enumerate(text[1:], 1):
        if letter in _WITH_VALUE:
            return letter, text[at + 1 :] or None
        if not letter.isalnum():
            break
    return None, None


def _as_letter(setting: str) -> tuple[str, str]:
    key, _, value = re.sub(r"\s*=\s*|\s+", "=", setting.strip(), count=1).partition("=")
    letters = {"port": "p", "user": "l", "identityfile": "i", "proxyjump": "J"}
    return letters.get(key.lower(), ""), value.strip('"')
