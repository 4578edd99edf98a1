"""What a wezterm.lua says, found by running it in a Lua of its own that can neither write nor start anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wa.provision.lua_tokens import Kind, Token, line_of, tokens
from wa.provision.text_trouble import TextTrouble
from wa.provision.wezterm_lua import module_folders

WITHIN_S = 30.0
CHILD = Path(__file__).with_name("lua_child.py")


class LuaTrouble(TextTrouble):
    """The configuration does not evaluate. `line` is of the file itself; where a module failed, `reason` names it."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """What has no value outside Lua."""

    kind: str
    """`function`, `stand-in`, `userdata`, `cycle`."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    config: dict[str, Any]
    """Tables with keys 1 to n are lists, others dicts with keys as text; functions are `Opaque`. An action is
    `{"action": NAME, "argument": …}`."""
    handlers: tuple[str, ...] = ()
    """The events that it registered handlers for, in order."""
    warnings: tuple[str, ...] = ()
    """What could not be known here."""

    def tables(self, key: str) -> list[dict[str, Any]]:
        """The tables of a list, `keys` or `ssh_domains`; none where it is no list."""
        found = self.config.get(key)
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


@dataclass(frozen=True, slots=True)
class Domains:
    domains: tuple[dict[str, Any], ...]
    """As they stand in `ssh_domains`; what is no text, number or boolean is left out."""
    way: Literal["evaluated", "read", "unreadable"]
    """`read`: from the text of the table alone, since the file does not evaluate."""
    trouble: str | None = None
    """Why it does not."""


def evaluate(
    text: str,
    path: Path,
    *,
    env: Mapping[str, str] | None = None,
    modules: Mapping[Path, bytes] | None = None,
) -> Evaluated:
    """Blocking, half a second or so, at most `WITHIN_S`. *modules* stand in for files. Raises LuaTrouble."""
    answer = _run(text, path, os.environ if env is None else env, modules or {}, is_fragment=False)
    return Evaluated(answer["config"], tuple(answer["handlers"]), tuple(answer["noted"]))


def ssh_domains(text: str, path: Path, *, env: Mapping[str, str] | None = None) -> Domains:
    """Blocking, as `evaluate`."""
    env = os.environ if env is None else env
    try:
        found = evaluate(text, path, env=env)
        return Domains(_plain(found.tables("ssh_domains")), "evaluated")
    except LuaTrouble as trouble:
        why = str(trouble)
    try:
        tables = _written_tables(text)
    except TextTrouble:
        tables = []
    domains: list[dict[str, Any]] = []
    was_read = False
    for table in tables:
        try:
            answer = _run(f"return {{ ssh_domains = {table} }}", path, env, {}, is_fragment=True)
        except LuaTrouble:
            continue
        was_read = True
        domains += Evaluated(answer["config"]).tables("ssh_domains")
    return Domains(_plain(domains), "read" if was_read else "unreadable", why)


def _plain(tables: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    def is_plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(map(is_plain, value.values()))
        return isinstance(value, str | int | float | bool)

    kept = ({key: one for key, one in table.items() if is_plain(one)} for table in tables)
    return tuple(one for one in kept if one)


def _written_tables(text: str) -> list[str]:
    """The text of each `ssh_domains = { … }`. Strings and comments that look like one are none. Raises TextTrouble."""
    found: list[str] = []
    before: list[Token] = []
    opened: Token | None = None
    last: Token | None = None
    try:
        for token in tokens(text):
            if token.kind is Kind.COMMENT:
                continue
            last = token
            if opened is not None:
                if token.text == "}" and token.kind is Kind.SIGN and token.depth == opened.depth:
                    found.append(text[opened.start : token.end])
                    opened = None
            elif token.text == "{" and token.kind is Kind.SIGN and _is_assignment(before):
                opened = token
            before = [*before[-3:], token]
    except TextTrouble:
        # A file that is broken further below still has what stands before.
        if not found and last is None:
            raise
    return found


def _is_assignment(before: list[Token]) -> bool:
    texts = [token.text for token in before]
    return texts[-2:] == ["ssh_domains", "="] or (texts[-2:] == ["]", "="] and texts[-3:-2] in _QUOTED)


_QUOTED = (['"ssh_domains"'], ["'ssh_domains'"], ["[[ssh_domains]]"])


def _run(
    text: str, path: Path, env: Mapping[str, str], modules: Mapping[Path, bytes], *, is_fragment: bool
) -> dict[str, Any]:
    roots = [os.path.normpath(folder) for folder in module_folders(env)]
    home = env.get("HOME") or str(Path.home())
    request = {
        "text": text,
        "path": str(path),
        "home": home,
        "roots": roots,
        "below": sorted({str(path.parent), str(Path(os.path.realpath(path)).parent)}),
        "given": {
            os.path.normpath(one): data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
            for one, data in modules.items()
        },
        "is_fragment": is_fragment,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(CHILD)],
            input=json.dumps(request).encode("ascii"),
            capture_output=True,
            env={**env, "HOME": home},
            timeout=WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LuaTrouble(None, f"it still runs after {WITHIN_S:g} seconds") from None
    except OSError as error:
        raise LuaTrouble(None, f"no Lua could be started: {error.strerror or error}") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else f"it ended with {done.returncode}"
        raise LuaTrouble(None, f"it could not be evaluated: {why}") from None
    if "trouble" in answer:
        raise _trouble(answer["trouble"], text, path)
    answer["config"] = _value(answer["config"])
    if isinstance(answer["config"], list):
        answer["config"] = {str(at): one for at, one in enumerate(answer["config"], 1)}
    return dict(answer)


def _trouble(said: str, text: str, path: Path) -> LuaTrouble:
    """Lua's own words: `PATH:LINE: what`; long paths it cuts at the front."""
    said = re.sub(r'^\[string "<python>"\]:\d+: ', "", said)
    found = re.match(r"(?P<file>.+?):(?P<line>\d+): (?P<what>.*)", said, re.DOTALL)
    if found is None:
        return LuaTrouble(None, said)
    file = found["file"]
    if file == str(path) or (file.startswith("...") and str(path).endswith(file[3:])):
        return LuaTrouble(min(int(found["line"]), line_of(text, len(text))), found["what"])
    return LuaTrouble(None, said)


def _value(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "l" in tree:
        return [_value(one) for one in tree["l"]]
    if "d" in tree:
        return {key: _value(one) for key, one in tree["d"]}
    return Opaque(tree["o"])
