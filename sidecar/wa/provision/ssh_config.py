"""The hosts that ssh_config names, and what `ssh -G` makes of one. Nothing of ssh's own rules is repeated here."""

from __future__ import annotations

import glob
import os
import pwd
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wa.wezterm.processes import run
from wa.wezterm.ssh import ssh_words

ASK_WITHIN_S = 3.0
MAX_FILE_BYTES = 1024 * 1024
MAX_FILES = 256
MAX_DEPTH = 16
"""As readconf.c of OpenSSH 9.2 has it."""

_DESTINATION = re.compile(r"(?:ssh://)?(?:[\w][\w.+-]*@)?(?:[\w][\w.:%-]*|::[\w.:%-]+|\[[\w.:%]+\])(?::\d+)?")
_DEFAULT_KEYS = frozenset(
    f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss", "dsa")
)
"""What `ssh -G` lists where the configuration names no key, OpenSSH 7.9 to 9.9."""


@dataclass(slots=True)
class NamedHosts:
    names: list[tuple[str, Path]] = field(default_factory=list)
    """In the order of the files, each with the file that names it first. Hostile ones among them."""
    notes: list[str] = field(default_factory=list)
    """Files that were not followed, and why."""


@dataclass(frozen=True, slots=True)
class Resolved:
    user: str
    address: str
    port: int
    jump: str | None
    identities: tuple[str, ...]
    """Named by the configuration; absolute."""


def is_destination(name: str) -> bool:
    """Whether *name* may be given to ssh: no blanks, quotes, shell characters, nor a leading dash."""
    return len(name) <= 255 and name.isprintable() and _DESTINATION.fullmatch(name) is not None


def named_hosts(home: Path) -> NamedHosts:
    """Of ~/.ssh/config and what it includes. A pattern is no host, and what `Match` says is none."""
    found = NamedHosts()
    seen: set[str] = set()
    read: set[Path] = set()
    config = home / ".ssh" / "config"
    if not is_absent(config):
        _read(config, home, found, seen, read, ())
    return found


def _read(path: Path, home: Path, found: NamedHosts, seen: set[str], read: set[Path], above: tuple[Path, ...]) -> None:
    real = Path(os.path.realpath(path))  # Path.resolve raises on a loop of links.
    if real in above:
        by_way = "" if above[-1] == real else f", by way of {short(above[-1], home)}"
        found.notes.append(
            f"{short(path, home)} includes itself{by_way}: not followed. ssh refuses every host for that."
        )
        return
    if real in read:
        return
    if len(above) >= MAX_DEPTH or len(read) >= MAX_FILES:
        found.notes.append(f"{short(path, home)} is included too deep or as one of too many: not followed.")
        return
    read.add(real)
    text = read_plain(path)
    if isinstance(text, ReadTrouble):
        found.notes.append(f"{short(path, home)} {text}: its hosts are not listed.")
        return
    for number, line in enumerate(text.splitlines(), 1):
        words = config_words(line)
        if words is None:
            found.notes.append(f"{short(path, home)}, line {number}: a quote is not closed; ssh will complain too.")
            continue
        if not words:
            continue
        keyword, *values = words
        match keyword.lower():
            case "host":
                for name in values:
                    if not re.search(r"[*?!]", name) and name not in seen:
                        seen.add(name)
                        found.names.append((name, path))
            case "include":
                for value in values:
                    for one in _included(value, home):
                        _read(one, home, found, seen, read, (*above, real))


def _included(value: str, home: Path) -> Iterator[Path]:
    if "${" in value or (value.startswith("~") and not value.startswith("~/")):
        return  # ssh since 9.9 expands variables; other people's homes are not ours to read.
    within = glob.escape(str(home))
    pattern = within + value[1:] if value.startswith("~/") else value
    if not pattern.startswith("/"):
        pattern = f"{within}/.ssh/{value}"
    yield from (Path(one) for one in sorted(glob.glob(pattern)))  # noqa: PTH207 - Path.glob refuses absolute ones


def config_words(line: str) -> list[str] | None:
    """As argv_split of OpenSSH 9.2 takes a line apart: keyword first, `=` allowed behind it. None: an open quote."""
    text = line.strip()
    if not text or text.startswith("#"):
        return []
    head = re.match(r'"?([^\s="]+)"?(?:\s*=\s*|\s+|$)', text)
    if head is None:
        return []
    words: list[str] = [head[1]]
    rest = text[head.end() :]
    word: list[str] | None = None
    quote = ""
    at = 0
    while at < len(rest):
        sign = rest[at]
        following = rest[at + 1 : at + 2]
        if sign == "\\" and (following in ('"', "'", "\\") or (following == " " and not quote)):
            word = [*(word or []), following]
            at += 2
            continue
        if quote:
            if sign == quote:
                quote = ""
            else:
                word = [*(word or []), sign]
        elif sign in "\"'":
            quote, word = sign, word or []
        elif sign in " \t":
            if word is not None:
                words.append("".join(word))
            word = None
        elif sign == "#" and word is None:
            break
        else:
            word = [*(word or []), sign]
        at += 1
    if quote:
        return None
    if word is not None:
        words.append("".join(word))
    return words


async def resolve(
    name: str, home: Path, env: Mapping[str, str], options: Sequence[str] = (), *, timeout_s: float = ASK_WITHIN_S
) -> Resolved | str:
    """What `ssh -G` says of *name*, which `is_destination` has let through; or why it says nothing.

    It may run what the user's `Match exec` asks for.
    """
    try:
        asked = await run([*ssh_words(home), *options, "-G", "--", name], timeout_s=timeout_s, env=env)
    except TimeoutError:
        return f"`ssh -G {name}` did not answer within {timeout_s:g} s: look at `Match exec` in its configuration"
    except OSError as error:
        return f"ssh cannot be run ({error.strerror})"
    said = dict[str, list[str]]()
    for line in asked.stdout.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(" ")
        said.setdefault(key.lower(), []).append(value.strip())
    address, port = said.get("hostname", [""])[0], said.get("port", [""])[0]
    if asked.status != 0 or not address or not port.isdecimal():
        words = [line for line in asked.stderr.decode("utf-8", "replace").splitlines() if "Pseudo-terminal" not in line]
        return f"ssh does not understand it: {words[-1].strip()[:200] if words else f'status {asked.status}'}"
    user = said.get("user", [""])[0]
    program = said.get("proxycommand", ["none"])[0]
    jump = said.get("proxyjump", ["none"])[0]
    through = jump if jump.lower() != "none" else program.split(" ")[0] if program.lower() != "none" else None
    expand = {"%": "%", "d": str(home), "h": address, "r": user, "p": port, "n": name, "u": _own_name(env)}
    keys = tuple(
        _expanded(key, home, expand)
        for key in said.get("identityfile", [])
        if key not in _DEFAULT_KEYS and key.lower() != "none"
    )
    return Resolved(user, address, int(port), through, keys)


def _own_name(env: Mapping[str, str]) -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return env.get("USER", "")


def _expanded(key: str, home: Path, expand: Mapping[str, str]) -> str:
    text = re.sub(r"%(.)", lambda found: expand.get(found[1], found[0]), key)
    if text == "~" or text.startswith("~/"):
        text = str(home) + text[1:]
    return text if text.startswith("/") else str(home / text)


def is_absent(path: Path) -> bool:
    """False where it cannot be told: whoever reads it says why not."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


class ReadTrouble(str):
    """Why a file was not read: behind its name it makes half a sentence."""

    __slots__ = ()


def read_plain(path: Path) -> str | ReadTrouble:
    """The text of a regular file of sane size. A pipe, which would never end, is not opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                return ReadTrouble("is no file")
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return ReadTrouble(f"cannot be read ({error.strerror})")
    if len(data) > MAX_FILE_BYTES:
        return ReadTrouble("is larger than 1 MiB")
    return data.decode("utf-8", "replace")


def short(path: Path, home: Path) -> str:
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
